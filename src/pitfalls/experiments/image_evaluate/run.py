"""Evaluate a trained network; keep its worst mistakes, and thumbnails of what it confuses."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitfalls.errors import InputError, RunError
from pitfalls.experiments.image_confusion import Confusion
from pitfalls.experiments.image_evaluate.records import (
    Answers,
    Calibration,
    EvaluateConfig,
    EvaluateResult,
)
from pitfalls.experiments.image_fast import EXPERIMENT as FAST
from pitfalls.experiments.image_sheets import make_sheet
from pitfalls.experiments.image_source import describe_pictures, load_images
from pitfalls.experiments.image_train import EXPERIMENT as FURTHER
from pitfalls.experiments.image_trained import load_trained, weights_digest
from pitfalls.frame import Experiment, Homework
from pitfalls.images.training.evaluation import Evaluation, evaluate, predict_logits
from pitfalls.progress import Progress
from pitfalls.runs import Run, RunStore, config_hash

__all__ = ["homework", "run"]

GALLERY = 24  # pictures of the worst mistakes
THUMBNAILS = 1500  # images of all cells of the confusion matrix, about
MOST_OF_A_CELL = 12


def run(config: EvaluateConfig, run: Run, progress: Progress) -> EvaluateResult:
    """Evaluate one network; a stopped run starts again."""
    trained_run = RunStore(run.path.parents[1]).find(config.trained_folder or config.trained_run)
    trained = load_trained(trained_run, config.member, config.model)
    if config.weights_sha256 not in ("", weights_digest(trained_run, config.member)):
        raise RunError(
            f"evaluate: run {trained_run.id} was trained anew meanwhile. Give the command again."
        )
    data = load_images(trained.kept.source, run)
    if (data.class_names, data.shape) != (trained.kept.class_names, trained.kept.shape):
        raise RunError(
            f"evaluate: run {trained_run.id} names other classes than its pictures have. Train it anew."
        )
    images, labels = data.images(config.part), data.labels(config.part)
    if len(labels) == 0:
        raise InputError(f"evaluate: the data have no {config.part} set. Choose the other part.")
    with progress("evaluate", unit="images") as advance:
        logits = predict_logits(
            trained.network.to(config.device),
            images,
            data.mean,
            data.std,
            views=config.views,
            device=config.device,
            on_progress=advance,
        )
    found = evaluate(logits, labels)
    shown = _most_confident(found, labels)
    return EvaluateResult(
        pictures=describe_pictures(data),
        part=config.part,
        views=config.views,
        trained_run=trained_run.id,
        member=config.member,
        loss=found.loss,
        confusion=Confusion(found.confusion),
        calibration=_calibration(found, labels),
        answers=Answers(
            labels, found.predictions, found.confidences, data.indices(config.part), found.mistakes
        ),
        worst=images[found.mistakes[:GALLERY]],
        shown=shown,
        sheet=make_sheet(images[shown]),
    )


def homework(asked: Homework) -> tuple[EvaluateConfig, ...]:
    """Look at the network that has learned most: quickly the fast one, else the one of 4f."""
    experiment: Experiment[Any, Any] = FAST if asked.scale == "quick" else FURTHER
    (further,) = experiment.homework(asked)
    # Written out, because the evaluation's config knows its training by the id alone.
    trained = f"{experiment.name}/{getattr(further, 'run_name', 'run')}-{config_hash(further)}"
    return (EvaluateConfig(trained, device=asked.device),)


def _calibration(found: Evaluation, labels: NDArray[np.int64]) -> Calibration:
    excess = found.confidences - (found.predictions == labels)
    n = len(excess)
    return Calibration(
        error=found.calibration_error,
        mean_confidence=float(found.confidences.mean()),
        excess=float(excess.mean()),
        excess_error=float(excess.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan"),
        bin_confidence=found.bin_confidence,
        bin_accuracy=found.bin_accuracy,
        bin_count=found.bin_count,
    )


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
