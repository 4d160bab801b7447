"""Trainings one after another in one run folder, each to be gone on with in its middle."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import nn

from pitfalls.errors import DivergenceError
from pitfalls.experiments.image_curves import Clock, Diverged, Training
from pitfalls.experiments.image_member import (
    Member,
    begin,
    look_at_test_set,
    numbers_of,
)
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_side_by_side import save_logits, train_side_by_side
from pitfalls.experiments.image_source import ImageSource, load_images
from pitfalls.experiments.image_start import Start
from pitfalls.experiments.image_trained import keep_network
from pitfalls.experiments.image_workers import Workers
from pitfalls.images.data import ImageDataset
from pitfalls.images.training import (
    EpochRecord,
    StepRecord,
    TrainConfig,
    TrainState,
    settle,
    share_from_first,
    threads_for,
    train,
    world,
)
from pitfalls.images.training import TrainResult as Trained
from pitfalls.named import told_apart
from pitfalls.progress import Progress
from pitfalls.prose import counted
from pitfalls.runs import Run, Track
from pitfalls.torch_threads import on_threads

__all__ = ["Plan", "Trainings", "train_all"]

STEPS_A_TRAINING = 10**8  # more than any takes: checkpoints of later trainings count on


@dataclass(frozen=True)
class Plan:
    """What is trained, one after another, and how it is tested.

    Attributes
    ----------
    network : NetworkConfig
    trainings : tuple of TrainConfig
        They differ in scheme and seed.
    source : ImageSource
    device : str
    six_views : bool
        Test the mean answer over six views of each image as well.
    go_on : bool
        Whether a training that diverges is noted and the next one follows.
    networks : tuple of NetworkConfig
        One for each training, where they differ.
    start : Start
        The weights that each starts from.
    workers : Workers
        Where the trainings run.
    track : str or None
        Who is told the numbers while they are made.
    own_code : tuple of str
        The names that may lead to code of the user's.
    code : str
        The fingerprint of that code, by which the run is named.
    """

    network: NetworkConfig
    trainings: tuple[TrainConfig, ...]
    source: ImageSource
    device: str
    six_views: bool = False
    go_on: bool = False
    networks: tuple[NetworkConfig, ...] = ()
    start: Start = field(default_factory=Start)
    workers: Workers = field(default_factory=Workers)
    track: str | None = None
    own_code: tuple[str, ...] = ()
    code: str = ""

    def members(self, settled: Sequence[TrainConfig], run: Run | None) -> tuple[Member, ...]:
        """Return the trainings one by one."""
        networks = self.networks or (self.network,) * len(settled)
        folder, run_id, begun = (
            (Path(), "", "")
            if run is None
            else (run.path.parents[1], run.id, run.manifest.starts[0])
        )
        labels = [self._label(*pair) for pair in zip(networks, settled, strict=True)]
        names = told_apart(str(value) for label in labels for value in label.values())
        return tuple(
            Member(
                network, training, self.start, self.source, self.device, self.six_views,
                label, "-".join(names[str(v)] for v in label.values()), self.track, folder, run_id, begun,
                self.own_code, self.code,
            )
            for network, training, label in zip(networks, settled, labels, strict=True)
        )  # fmt: skip

    def _label(self, network: NetworkConfig, training: TrainConfig) -> dict[str, Any]:
        if len(self.trainings) == 1:
            return {}
        what = {"network": network.model} if self.networks else {"scheme": training.scheme}
        return {**what, "seed": training.seed}


@dataclass(frozen=True)
class Trainings:
    """What came of a plan.

    Attributes
    ----------
    data : ImageDataset
    config : TrainConfig
        The first training's, with what ``auto`` stood for.
    finished : tuple of Training
    clocks : tuple of Clock
        One for each that finished.
    diverged : tuple of Diverged
    finished_at, diverged_at : tuple of int
        Their places in the plan.
    """

    data: ImageDataset
    config: TrainConfig
    finished: tuple[Training, ...] = ()
    clocks: tuple[Clock, ...] = ()
    diverged: tuple[Diverged, ...] = ()
    finished_at: tuple[int, ...] = ()
    diverged_at: tuple[int, ...] = ()


def train_all(plan: Plan, run: Run | None, progress: Progress) -> Trainings:
    """Train one after another and test each; go on in the middle of one if a checkpoint says so.

    Without a run, as in all processes of a shared training but the first, nothing is kept. On
    workers the trainings run side by side, and each that has finished is kept.
    """
    data = load_images(plan.source, run)
    kept = None if run is None else _Kept(run)
    done, precision = share_from_first(
        (0, None) if kept is None else (len(kept.ends), kept.precision)
    )
    settled = tuple(settle(config, data, plan.device) for config in plan.trainings)
    if precision is not None:  # as it was begun, on whatever machine
        settled = tuple(replace(config, precision=precision) for config in settled)
    members = plan.members(settled, run)
    if run is None or kept is None:
        for member in members[done:]:
            network, _, _ = begin(member, data)
            train(network, data, member.training, device=plan.device)
        return Trainings(data, settled[0])
    if plan.workers.backend != "here":
        ends = train_side_by_side(members, plan.workers, data, run, progress, go_on=plan.go_on)
    else:
        kept.precision = settled[0].precision
        for member in members[done:]:
            _one(member, data, kept, progress, go_on=plan.go_on)
        ends = kept.ends
    finished = tuple(k for k, end in enumerate(ends) if end)
    diverged = tuple(k for k, end in enumerate(ends) if not end)
    return Trainings(
        data,
        settled[0],
        tuple(run.load(Training, part=str(k)) for k in finished),
        tuple(end for end in ends if end),
        tuple(run.load(Diverged, part=str(k)) for k in diverged),
        finished,
        diverged,
    )


def _one(
    member: Member, data: ImageDataset, kept: "_Kept", progress: Progress, *, go_on: bool
) -> None:
    """Train, test and keep one member, from its checkpoint on."""
    run, k = kept.run, len(kept.ends)
    network, warnings, code = begin(member, data)
    for warning in warnings:
        run.warn(warning)
    done = 0 if kept.state is None else kept.state.step
    with (
        on_threads(kept.settle_threads(network, data, member)),
        member.tracker(done) as track,
    ):
        keeper = _Keeper(kept, member, track)
        try:
            trained = _train(network, data, member, keeper, progress)
            with progress("test", unit="images") as advance:
                found, logits = look_at_test_set(
                    network, data, member, keeper.curve, trained, advance
                )
        except DivergenceError as error:
            if not go_on:
                raise
            run.save(
                Diverged(member.training.scheme, member.training.seed, str(error)), part=str(k)
            )
            kept.finish(None)
            return
        track(trained.steps, {"test_loss": found.test_loss, "test_accuracy": found.test_accuracy})
    save_logits(run, k, logits, data)
    run.save(found, part=str(k))
    keep_network(run, k, network, member.network, member.source, data, code)
    kept.finish(Clock(trained.seconds, trained.cpu_seconds))


class _Kept:
    """What checkpoints hold: how the trainings so far ended, and the state of a begun one."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.ends: list[Clock | None] = []  # None where it diverged
        self.state: TrainState | None = None
        self.curve: list[list[float]] = []
        self.precision: str | None = None
        self.threads: int | None = None  # of the begun training
        self.asked_threads = run.manifest.threads
        checkpoint = run.load_checkpoint()
        if checkpoint is None:
            return
        meta, tensors = checkpoint.meta, dict(checkpoint.tensors)
        self.ends = [None if end is None else Clock(**end) for end in meta["ends"]]
        self.precision = meta["precision"]
        self._say_other("process", "processes", meta["processes"], world().size)
        if meta["train"] is not None:
            self.threads = meta["threads"]
            self.curve = np.asarray(tensors.pop("curve")).tolist()
            self.state = TrainState(tensors, meta["train"])

    def _say_other(self, one: str, many: str, before: int, now: int) -> None:
        if before != now:
            self.run.warn(
                f"Begun with {counted(before, one, many)} and continued with {now}: sums are rounded "
                "in another order, so the weights are not those of an undisturbed run, bit for bit."
            )

    def settle_threads(self, network: nn.Module, data: ImageDataset, member: Member) -> int:
        """Return how many threads the next training takes: as it was begun, or as its work asks for."""
        available = torch.get_num_threads()
        if self.asked_threads is not None:
            threads = self.asked_threads
            self._say_other("thread", "threads", self.threads or threads, threads)
        elif self.threads is not None:
            threads = self.threads
        elif member.device != "cpu" or world().size > 1:
            threads = available
        else:
            threads = threads_for(
                network, data.train_images.shape[1:], member.training.batch_size, available
            )
        self.threads = None
        self.run.take_threads(threads)
        return threads

    def save(self, state: TrainState, curve: Sequence[Sequence[float]]) -> None:
        """Keep the state of a begun training."""
        step = len(self.ends) * STEPS_A_TRAINING + state.step
        tensors = {**state.tensors, "curve": np.array(curve)}
        self.run.save_checkpoint(step=step, tensors=tensors, meta=self._meta(state.meta))

    def finish(self, end: Clock | None) -> None:
        """Keep that a training has ended, whose results are saved."""
        self.ends.append(end)
        self.state, self.curve = None, []
        step = len(self.ends) * STEPS_A_TRAINING
        self.run.save_checkpoint(step=step, tensors={}, meta=self._meta(None))

    def _meta(self, train: dict[str, Any] | None) -> dict[str, Any]:
        return {
            "ends": [None if end is None else vars(end) for end in self.ends],
            "train": train,
            "threads": torch.get_num_threads(),
            "processes": world().size,
            "precision": self.precision,
        }


class _Keeper:
    """Writes what one training hands out into the run folder, and tells the tracker."""

    def __init__(self, kept: _Kept, member: Member, track: Track) -> None:
        self.kept, self.track, self.label = kept, track, member.label
        self.state, self.curve = kept.state, kept.curve

    def step(self, record: StepRecord) -> None:
        self.curve.append([record.rate, record.loss, record.accuracy])
        self.kept.run.log(**self.label, **vars(record))
        self.track(record.step, numbers_of(record))

    def epoch(self, record: EpochRecord) -> None:
        self.kept.run.log(**self.label, **vars(record))
        self.track(record.step, numbers_of(record))

    def checkpoint(self, state: TrainState) -> None:
        self.kept.save(state, self.curve)
        seconds, processor = state.meta["clock"]
        self.kept.run.log_timing(
            **self.label, step=state.step, seconds=seconds, cpu_seconds=processor
        )


def _train(
    network: nn.Module,
    data: ImageDataset,
    member: Member,
    keeper: _Keeper,
    progress: Progress,
) -> Trained:
    config = member.training
    what = member.label.get("network", config.scheme)
    with (
        progress(f"train ({what}, seed {config.seed})") as advance,
        _stop_between_steps(advance) as polite,
    ):
        return train(
            network,
            data,
            config,
            device=member.device,
            state=keeper.state,
            on_step=keeper.step,
            on_epoch=keeper.epoch,
            on_checkpoint=keeper.checkpoint,
            on_progress=polite,
        )


@contextmanager
def _stop_between_steps(
    advance: Callable[[int, int], None],
) -> Iterator[Callable[[int, int], None]]:
    """Let Ctrl-C wait for the end of the step, so that not one step is lost.

    A second Ctrl-C does not wait.
    """
    asked = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    def report(done: int, total: int) -> None:
        advance(done, total)
        if asked:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread() or world().size > 1:
        yield advance
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, remember) for number in numbers]
    try:
        yield report
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
