"""Trainings one after another in one run folder, each to be gone on with in its middle."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import nn

from pitfalls.errors import DivergenceError
from pitfalls.experiments.image_curves import Clock, Diverged, Training
from pitfalls.experiments.image_networks import NetworkConfig, build_network
from pitfalls.experiments.image_source import ImageSource, load_images
from pitfalls.experiments.image_trained import keep_network
from pitfalls.images.data import ImageDataset
from pitfalls.images.training.checks import settle, training_warnings
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.distributed import share_from_first, world
from pitfalls.images.training.evaluation import evaluate, predict_logits
from pitfalls.images.training.loop import train
from pitfalls.images.training.records import EpochRecord, StepRecord, TrainState
from pitfalls.images.training.records import TrainResult as Trained
from pitfalls.progress import Progress
from pitfalls.runs import Run

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
    """

    network: NetworkConfig
    trainings: tuple[TrainConfig, ...]
    source: ImageSource
    device: str
    six_views: bool = False
    go_on: bool = False


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
    """

    data: ImageDataset
    config: TrainConfig
    finished: tuple[Training, ...]
    clocks: tuple[Clock, ...]
    diverged: tuple[Diverged, ...]


def train_all(plan: Plan, run: Run | None, progress: Progress) -> Trainings:
    """Train one after another and test each; go on in the middle of one if a checkpoint says so.

    Without a run, as in all processes of a shared training but the first, nothing is kept.
    """
    data = load_images(plan.source, run)
    kept = None if run is None else _Kept(run)
    done, precision = share_from_first(
        (0, None) if kept is None else (len(kept.ends), kept.precision)
    )
    settled = tuple(settle(config, data, plan.device) for config in plan.trainings)
    if precision is not None:  # as it was begun, on whatever machine
        settled = tuple(replace(config, precision=precision) for config in settled)
    if run is None or kept is None:
        for config in settled[done:]:
            network = build_network(plan.network, data, config.seed)
            train(network, data, config, device=plan.device)
        return Trainings(data, settled[0], (), (), ())
    kept.precision = settled[0].precision
    for k in range(done, len(settled)):
        for warning in training_warnings(settled[k], data):
            run.warn(warning)
        network = build_network(plan.network, data, settled[k].seed)
        keeper = _Keeper(kept, settled[k], several=len(settled) > 1)
        try:
            trained = _train(network, data, settled[k], plan.device, keeper, progress)
            with progress("test", unit="images") as advance:
                found = _test(network, data, plan, run, keeper, trained, advance)
        except DivergenceError as error:
            if not plan.go_on:
                raise
            run.save(Diverged(settled[k].scheme, settled[k].seed, str(error)), part=str(k))
            kept.finish(None)
            continue
        run.save(found, part=str(k))
        keep_network(run, k, network, plan.network, plan.source, data)
        kept.finish(Clock(trained.seconds, trained.cpu_seconds))
    return Trainings(
        data,
        settled[0],
        tuple(run.load(Training, part=str(k)) for k, end in enumerate(kept.ends) if end),
        tuple(end for end in kept.ends if end),
        tuple(run.load(Diverged, part=str(k)) for k, end in enumerate(kept.ends) if not end),
    )


class _Kept:
    """What checkpoints hold: how the trainings so far ended, and the state of a begun one."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.ends: list[Clock | None] = []  # None where it diverged
        self.state: TrainState | None = None
        self.curve: list[list[float]] = []
        self.precision: str | None = None
        checkpoint = run.load_checkpoint()
        if checkpoint is None:
            return
        meta, tensors = checkpoint.meta, dict(checkpoint.tensors)
        self.ends = [None if end is None else Clock(**end) for end in meta["ends"]]
        self.precision = meta["precision"]
        for what, before, now in (
            ("threads", meta["threads"], torch.get_num_threads()),
            ("processes", meta["processes"], world().size),
        ):
            if before != now:
                run.warn(
                    f"Begun with {before} {what} and continued with {now}: sums are rounded in another "
                    "order, so the weights are not those of an undisturbed run, bit for bit."
                )
        if meta["train"] is not None:
            self.curve = np.asarray(tensors.pop("curve")).tolist()
            self.state = TrainState(tensors, meta["train"])

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
    """Writes what one training hands out into the run folder."""

    def __init__(self, kept: _Kept, config: TrainConfig, *, several: bool) -> None:
        self.kept, self.config = kept, config
        self.state, self.curve = kept.state, kept.curve
        self.label: dict[str, Any] = {}
        if several:
            self.label = {"scheme": config.scheme, "seed": config.seed}

    def step(self, record: StepRecord) -> None:
        self.curve.append([record.rate, record.loss, record.accuracy])
        self.kept.run.log(**self.label, **vars(record))

    def epoch(self, record: EpochRecord) -> None:
        self.kept.run.log(**self.label, **vars(record))

    def checkpoint(self, state: TrainState) -> None:
        self.kept.save(state, self.curve)
        seconds, processor = state.meta["clock"]
        self.kept.run.log_timing(
            **self.label, step=state.step, seconds=seconds, cpu_seconds=processor
        )


def _train(
    network: nn.Module,
    data: ImageDataset,
    config: TrainConfig,
    device: str,
    keeper: _Keeper,
    progress: Progress,
) -> Trained:
    with (
        progress(f"train ({config.scheme}, seed {config.seed})") as advance,
        _stop_between_steps(advance) as polite,
    ):
        return train(
            network,
            data,
            config,
            device=device,
            state=keeper.state,
            on_step=keeper.step,
            on_epoch=keeper.epoch,
            on_checkpoint=keeper.checkpoint,
            on_progress=polite,
        )


def _test(
    network: nn.Module,
    data: ImageDataset,
    plan: Plan,
    run: Run,
    keeper: _Keeper,
    trained: Trained,
    advance: Callable[[int, int], None],
) -> Training:
    """Look at the test set, once, after training; keep the logits."""
    logits = predict_logits(
        network, data.test_images, data.mean, data.std, device=plan.device, on_progress=advance
    )
    if not bool(logits.isfinite().all()):
        raise DivergenceError(
            "test: the trained network's outputs on the test images are not finite. Lower the learning "
            "rate, or look at the data."
        )
    six = None
    if plan.six_views:
        averaged = predict_logits(
            network, data.test_images, data.mean, data.std, views="six", device=plan.device
        )
        six = evaluate(averaged, data.test_labels).accuracy
    run.save_arrays(
        f"test-{len(keeper.kept.ends)}",
        logits=logits.numpy(),
        labels=data.test_labels,
        indices=data.test_indices,
    )
    result = evaluate(logits, data.test_labels)
    rate, loss, accuracy = np.array(keeper.curve, dtype=np.float64).T.copy()
    held_out = len(data.validation_labels) > 0
    return Training(
        scheme=keeper.config.scheme,
        seed=keeper.config.seed,
        rate=rate,
        loss=loss,
        accuracy=accuracy,
        train_losses=_column(trained, "train_loss"),
        train_accuracies=_column(trained, "train_accuracy"),
        validation_losses=_column(trained, "validation_loss") if held_out else None,
        validation_accuracies=_column(trained, "validation_accuracy") if held_out else None,
        test_loss=result.loss,
        test_accuracy=result.accuracy,
        six_views=six,
    )


def _column(trained: Trained, name: str) -> "np.ndarray[Any, np.dtype[np.float64]]":
    return np.array([getattr(epoch, name) for epoch in trained.epochs], dtype=np.float64)


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
