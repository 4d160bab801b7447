"""One training of several: tested once, and put into a record."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save
from torch import nn

from pitfalls.display import Displayed
from pitfalls.errors import DivergenceError
from pitfalls.experiments.image_curves import Clock, Training
from pitfalls.experiments.image_networks import NetworkConfig, build_network
from pitfalls.experiments.image_source import ImageSource
from pitfalls.experiments.image_start import Start, start_from
from pitfalls.experiments.image_trained import fit_kept_temperature, weights_of
from pitfalls.images.data import ImageDataset
from pitfalls.images.training import (
    EpochRecord,
    StepRecord,
    TrainConfig,
    evaluate,
    predict_logits,
    train,
    training_warnings,
)
from pitfalls.images.training import TrainResult as Trained
from pitfalls.named import named_digest, require_unchanged
from pitfalls.runs import Track, open_tracker
from pitfalls.torch_threads import on_threads

__all__ = ["Member", "Outcome", "begin", "look_at_test_set", "numbers_of", "train_member"]

TOLD = ("rate", "loss", "accuracy", "train_loss", "train_accuracy", "validation_loss",
        "validation_accuracy")  # fmt: skip
"""What a tracker is told of a step and of an epoch."""


@dataclass(frozen=True)
class Member:
    """One training of a plan.

    Attributes
    ----------
    network : NetworkConfig
    training : TrainConfig
    start : Start
    source : ImageSource
    device : str
    six_views : bool
    label : dict
        What tells its log lines from those of the others; empty where it is alone.
    name : str
        What trackers call it; empty where it is alone.
    track : str or None
    folder : Path
        The store of runs.
    run_id, begun : str
        The run, and when it was begun.
    own_code : tuple of str
        The names that may lead to code of the user's, in all trainings.
    code : str
        The fingerprint of that code, by which the run is named.
    """

    network: NetworkConfig
    training: TrainConfig
    start: Start
    source: ImageSource
    device: str
    six_views: bool
    label: dict[str, Any]
    name: str
    track: str | None
    folder: Path
    run_id: str
    begun: str
    own_code: tuple[str, ...] = ()
    code: str = ""

    def tracker(self, step: int) -> AbstractContextManager[Track]:
        """Open what is told its numbers, after so many steps."""
        return open_tracker(self.track, self.folder, self.run_id, self.name, step, begun=self.begun)


@dataclass(frozen=True, repr=False)
class Outcome(Displayed):
    """What came of one training.

    Attributes
    ----------
    training : Training or None
        None where it diverged.
    why : str
        Why it diverged.
    warnings : tuple of str
    clock : Clock
    log : tuple of dict
        The lines of its log.
    logits : array of shape (n_test, n_classes)
    weights : bytes
        As safetensors.
    temperature : float or None
    code : str
        As of ``KeptNetwork``.
    """

    training: Training | None
    why: str
    warnings: tuple[str, ...]
    clock: Clock
    log: tuple[dict[str, Any], ...]
    logits: NDArray[Any]
    weights: bytes
    temperature: float | None = None
    code: str = ""


def begin(member: Member, data: ImageDataset) -> tuple[nn.Module, tuple[str, ...], str]:
    """Build a member's network; say what is to be said of its training, and of which code it is.

    Raises
    ------
    DataError
        If code of the user's was edited since the run was asked for, as while another member trained.
    """
    require_unchanged(member.code, *member.own_code)
    network = build_network(member.network, data, member.training.seed)
    anew = start_from(member.start, network)
    warnings = training_warnings(member.training, data)
    if anew:
        warnings += (f"Not in the weights it starts from, so drawn anew: {', '.join(anew)}.",)
    return network, warnings, named_digest(member.network.model)


@on_threads(1)
def train_member(member: Member) -> Outcome:
    """Train and test one member from its start, on a worker, with one thread.

    Sums are rounded in an order that depends on the number of threads, and what a worker would take by
    itself depends on the machine and on what runs beside it.
    """
    data = member.source.load()
    network, warnings, code = begin(member, data)
    curve: list[list[float]] = []
    log: list[dict[str, Any]] = []
    with member.tracker(0) as track:

        def step(record: StepRecord) -> None:
            curve.append([record.rate, record.loss, record.accuracy])
            log.append({**member.label, **vars(record)})
            track(record.step, numbers_of(record))

        def epoch(record: EpochRecord) -> None:
            log.append({**member.label, **vars(record)})
            track(record.step, numbers_of(record))

        try:
            trained = train(
                network, data, member.training, device=member.device, on_step=step, on_epoch=epoch
            )
            found, logits = look_at_test_set(network, data, member, curve, trained)
        except DivergenceError as error:
            nothing = np.zeros((0, data.n_classes), dtype=np.float32)
            return Outcome(None, str(error), warnings, Clock(0, 0), tuple(log), nothing, b"")
        track(trained.steps, {"test_loss": found.test_loss, "test_accuracy": found.test_accuracy})
    clock = Clock(trained.seconds, trained.cpu_seconds)
    temperature, weights = fit_kept_temperature(network, data), save(weights_of(network))
    return Outcome(found, "", warnings, clock, tuple(log), logits, weights, temperature, code)


def look_at_test_set(
    network: nn.Module,
    data: ImageDataset,
    member: Member,
    curve: list[list[float]],
    trained: Trained,
    advance: Callable[[int, int], None] | None = None,
) -> tuple[Training, NDArray[Any]]:
    """Look at the test set, once, after training; return the record and the logits."""
    logits = predict_logits(
        network, data.test_images, data.mean, data.std, device=member.device, on_progress=advance
    )[:, : data.n_classes]
    if not bool(logits.isfinite().all()):
        raise DivergenceError(
            "test: the trained network's outputs on the test images are not finite. Lower the learning "
            "rate, or look at the data."
        )
    six = None
    if member.six_views:
        averaged = predict_logits(
            network, data.test_images, data.mean, data.std, views="six", device=member.device
        )[:, : data.n_classes]
        six = evaluate(averaged, data.test_labels).accuracy
    result = evaluate(logits, data.test_labels)
    rate, loss, accuracy = np.array(curve, dtype=np.float64).T.copy()
    held_out = len(data.validation_labels) > 0
    record = Training(
        scheme=member.training.scheme,
        seed=member.training.seed,
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
        kept_epoch=trained.best_epoch if member.training.keep == "best" else None,
    )
    return record, logits.numpy()


def numbers_of(record: StepRecord | EpochRecord) -> dict[str, float]:
    """Return what a tracker is told of a record."""
    values = vars(record)
    return {name: float(values[name]) for name in TOLD if values.get(name) is not None}


def _column(trained: Trained, name: str) -> NDArray[np.float64]:
    return np.array([getattr(epoch, name) for epoch in trained.epochs], dtype=np.float64)
