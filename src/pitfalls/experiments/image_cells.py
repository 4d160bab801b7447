"""Trainings one after another in one run folder, each to be gone on with in its middle."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch
from torch import nn

from pitfalls.errors import DivergenceError
from pitfalls.experiments.image_networks import NetworkConfig, build_network
from pitfalls.experiments.image_source import ImageSource, load_images
from pitfalls.experiments.image_trained import keep_network
from pitfalls.images.data import ImageDataset
from pitfalls.images.training.checks import training_warnings
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.distributed import share_from_first, world
from pitfalls.images.training.evaluation import evaluate, predict_logits
from pitfalls.images.training.loop import train
from pitfalls.images.training.records import EpochRecord, StepRecord, TrainState
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["Cell", "describe_data", "train_cells"]

STEPS_A_CELL = 10**8  # more than any single training takes: checkpoints of later cells count on


@dataclass(frozen=True)
class Cell:
    """One training of a run: what names it, its network, its settings."""

    label: dict[str, Any]
    network: NetworkConfig
    training: TrainConfig


def train_cells(
    cells: Sequence[Cell],
    source: ImageSource,
    device: str,
    run: Run | None,
    progress: Progress,
    *,
    six_views: bool = False,
    go_on: bool = False,
) -> list[dict[str, Any]]:
    """Train each cell and test it; go on in the middle of one if a checkpoint says so.

    With ``go_on`` a cell that diverges is a row of its own and the next one follows.
    """
    data = load_images(source, run)
    rows: list[dict[str, Any]] = []
    state: TrainState | None = None
    if run is not None and (checkpoint := run.load_checkpoint()) is not None:
        rows = list(checkpoint.meta["rows"])
        threads = torch.get_num_threads()
        before = checkpoint.meta.get("threads", threads)  # older checkpoints do not say
        if before != threads:
            run.warn(
                f"Begun with {before} threads and continued with {threads}: sums are rounded in another "
                "order, so the weights are not those of an undisturbed run, bit for bit."
            )
        if checkpoint.meta["train"] is not None:
            state = TrainState(dict(checkpoint.tensors), checkpoint.meta["train"])
    done: int = share_from_first(len(rows))
    for index in range(done, len(cells)):
        cell = cells[index]
        network = build_network(cell.network, data, cell.training.seed)
        keeper = _Keeper(run, index, rows, cell.label if len(cells) > 1 else {})
        name = ", ".join(f"{key} {value}" for key, value in cell.label.items())
        if run is not None:
            for warning in training_warnings(cell.training, data):
                run.warn(warning)
        try:
            with progress(f"train ({name})") as advance, _stop_between_steps(advance) as polite:
                result = train(
                    network,
                    data,
                    cell.training,
                    device=device,
                    state=state,
                    on_step=keeper.step,
                    on_epoch=keeper.epoch,
                    on_checkpoint=keeper.checkpoint,
                    on_progress=polite,
                )
            if run is None:
                continue
            with progress("test", unit="images") as advance:
                row = _test(network, data, device, run, index, six_views, advance)
            keep_network(run, index, network, cell.network, source, data)
        except DivergenceError as error:
            if run is None or not go_on:
                raise
            rows.append({**cell.label, "diverged": str(error)})
            _finish_cell(run, index, rows)
            continue
        finally:
            state = None
        last = result.epochs[-1]
        rows.append(
            {
                **cell.label,
                "epochs": cell.training.epochs,
                "steps": result.steps,
                "train_accuracy": last.train_accuracy,
                "train_loss": last.train_loss,
                "validation_accuracy": last.validation_accuracy,
                "validation_loss": last.validation_loss,
                **row,
                "precision": cell.training.precision,
                "seconds": result.seconds,
                "cpu_seconds": result.cpu_seconds,
            }
        )
        _finish_cell(run, index, rows)
    return rows


def _finish_cell(run: Run, index: int, rows: list[dict[str, Any]]) -> None:
    run.save_checkpoint(step=(index + 1) * STEPS_A_CELL, tensors={}, meta=_progress_so_far(rows))


def _progress_so_far(
    rows: list[dict[str, Any]], train: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what a checkpoint holds beside tensors: finished cells, and the state of a begun one."""
    return {"rows": rows, "train": train, "threads": torch.get_num_threads()}


class _Keeper:
    """Writes what a training hands out into the run folder."""

    def __init__(
        self, run: Run | None, index: int, rows: list[dict[str, Any]], label: dict[str, Any]
    ) -> None:
        self.run, self.index, self.rows, self.label = run, index, rows, label

    def step(self, record: StepRecord) -> None:
        if self.run is not None:
            self.run.log(**self.label, **vars(record))

    def epoch(self, record: EpochRecord) -> None:
        if self.run is not None:
            self.run.log(**self.label, **vars(record))

    def checkpoint(self, state: TrainState) -> None:
        if self.run is not None:
            self.run.save_checkpoint(
                step=self.index * STEPS_A_CELL + state.step,
                tensors=state.tensors,
                meta=_progress_so_far(self.rows, state.meta),
            )
            seconds, processor = state.meta["clock"]
            self.run.log_timing(
                **self.label, step=state.step, seconds=seconds, cpu_seconds=processor
            )


def _test(
    network: nn.Module,
    data: ImageDataset,
    device: str,
    run: Run,
    index: int,
    six_views: bool,
    advance: Callable[[int, int], None],
) -> dict[str, float]:
    """Look at the test set, once, after training; keep logits."""
    logits = predict_logits(
        network, data.test_images, data.mean, data.std, device=device, on_progress=advance
    )
    if not bool(logits.isfinite().all()):
        raise DivergenceError(
            "test: the trained network's outputs on the test images are not finite. Lower the learning "
            "rate, or look at the data."
        )
    result = evaluate(logits, data.test_labels)
    row = {"test_accuracy": result.accuracy, "test_loss": result.loss}
    if six_views:
        averaged = predict_logits(
            network, data.test_images, data.mean, data.std, views="six", device=device
        )
        row["six_views"] = evaluate(averaged, data.test_labels).accuracy
    run.save_arrays(
        f"test-{index}",
        logits=logits.numpy(),
        labels=data.test_labels,
        indices=data.test_indices,
    )
    return row


def describe_data(source: ImageSource) -> dict[str, Any]:
    """Return what every training's results say of its pictures."""
    data = source.load()
    return {
        "data": data.name,
        "n_train": len(data.train_labels),
        "n_validation": len(data.validation_labels),
        "n_test": len(data.test_labels),
        "class_names": data.class_names,
        "shape": data.shape,
        "mean": data.mean,
        "std": data.std,
    }


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
