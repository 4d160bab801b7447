"""Evaluate a trained network; keep its worst mistakes, and thumbnails of what it confuses."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitfalls.errors import DataError, RunError
from pitfalls.experiments.image_confusion import Confusion
from pitfalls.experiments.image_evaluate.records import (
    Answers,
    Calibration,
    Confidence,
    EvaluateConfig,
    EvaluateResult,
    Looks,
)
from pitfalls.experiments.image_fast import EXPERIMENT as FAST
from pitfalls.experiments.image_other import examine
from pitfalls.experiments.image_shares import Share
from pitfalls.experiments.image_sheets import make_sheet
from pitfalls.experiments.image_train import EXPERIMENT as FURTHER
from pitfalls.experiments.image_trained import Trained, load_trained, weights_digest
from pitfalls.frame import Experiment, Homework
from pitfalls.images.training import Evaluation, attribute, evaluate
from pitfalls.progress import Progress
from pitfalls.runs import Run, RunStore, config_hash

__all__ = ["homework", "run"]

GALLERY = 24  # pictures of the worst mistakes
LOOKED_AT = 8  # of them
THUMBNAILS = 1500  # images of all cells of the confusion matrix, about
MOST_OF_A_CELL = 12


def run(config: EvaluateConfig, run: Run, progress: Progress) -> EvaluateResult:
    """Evaluate one network; a stopped run starts again."""
    trained_run = RunStore(run.path.parents[1]).find(config.trained_folder or config.trained_run)
    trained = load_trained(trained_run, config.member, config.model)
    weights = weights_digest(trained_run, config.member)
    if config.weights_sha256 not in ("", weights):
        raise RunError(
            f"evaluate: run {trained_run.id} was trained anew meanwhile. Give the command again."
        )
    try:
        found = examine(trained.kept, config.source or trained.kept.source, config.part, run)
    except DataError as error:
        hint = "" if config.source else " If its data lie elsewhere now, give --data."
        raise DataError(f"{error}{hint}") from error
    with progress("evaluate", unit="images") as advance:
        logits = trained.logits(
            found.images, views=config.views, device=config.device, on_progress=advance
        )
    answered = evaluate(logits, found.labels)
    as_trained, calibrated = _confidence(answered, found.labels, 1.0), None
    temperature = trained.temperature(config.views)
    if temperature is not None:
        answered = evaluate(logits / temperature, found.labels)
        calibrated = _confidence(answered, found.labels, temperature)
    places = answered.mistakes
    shown = _most_confident(answered, found.labels)
    return EvaluateResult(
        pictures=found.pictures,
        is_other=found.is_other,
        part=config.part,
        views=config.views,
        trained_run=trained_run.id,
        member=config.member,
        weights_sha256=weights,
        confusion=Confusion(answered.confusion),
        top5=_among_first(logits.numpy(), found.labels, 5),
        as_trained=as_trained,
        calibrated=calibrated,
        answers=Answers(
            found.labels, answered.predictions, answered.confidences, found.indices, places
        ),
        worst=found.images[places[:GALLERY]],
        looks=_looks(config, trained, found.images, answered) if config.attribution else None,
        shown=shown,
        sheet=make_sheet(found.images[shown]),
    )


def homework(asked: Homework) -> tuple[EvaluateConfig, ...]:
    """Look at the network that has learned most: quickly the fast one, else the one of 4f."""
    experiment: Experiment[Any, Any] = FAST if asked.scale == "quick" else FURTHER
    (further,) = experiment.homework(asked)
    # Written out, because the evaluation's config knows its training by the id alone.
    trained = f"{experiment.name}/{getattr(further, 'run_name', 'run')}-{config_hash(further)}"
    return (EvaluateConfig(trained, device=asked.device),)


def _confidence(found: Evaluation, labels: NDArray[np.int64], temperature: float) -> Confidence:
    excess = found.confidences - (found.predictions == labels)
    n = len(excess)
    calibration = Calibration(
        error=found.calibration_error,
        mean_confidence=float(found.confidences.mean()),
        excess=float(excess.mean()),
        excess_error=float(excess.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan"),
        bin_confidence=found.bin_confidence,
        bin_accuracy=found.bin_accuracy,
        bin_count=found.bin_count,
    )
    return Confidence(temperature, found.loss, calibration)


def _among_first(logits: NDArray[np.float32], labels: NDArray[np.int64], most: int) -> Share | None:
    """Count how often the class is among the likeliest; of equal logits the first class comes first."""
    if logits.shape[1] <= most:
        return None
    order = np.argsort(-logits, axis=1, kind="stable")[:, :most]
    return Share(int((order == labels[:, None]).any(axis=1).sum()), len(labels))


def _looks(
    config: EvaluateConfig, trained: Trained, images: NDArray[np.uint8], found: Evaluation
) -> Looks:
    places, kept = found.mistakes[:LOOKED_AT], trained.kept
    made = attribute(
        trained.network,
        images[places],
        found.predictions[places],
        kept.mean,
        kept.std,
        device=config.device,
    )
    return Looks(made.maps, made.logits, made.gaps)


def _most_confident(found: Evaluation, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places of the surest images of every cell of the confusion matrix."""
    n_classes = len(found.confusion)
    most = max(1, min(MOST_OF_A_CELL, THUMBNAILS // n_classes**2))
    order = np.argsort(-found.confidences, kind="stable")
    cells = (labels * n_classes + found.predictions)[order]
    by_cell = np.argsort(cells, kind="stable")  # within a cell the surest come first
    first = np.searchsorted(cells[by_cell], cells[by_cell])
    place = np.arange(len(cells)) - first
    return np.asarray(order[by_cell[place < most]], dtype=np.int64)
