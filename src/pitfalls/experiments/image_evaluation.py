"""Look at a trained network: what it confuses, how sure it is, what it gets most wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pitfalls.errors import InputError, RunError
from pitfalls.experiments.image_source import load_images
from pitfalls.experiments.image_trained import load_trained, weights_digest
from pitfalls.experiments.registry import experiment
from pitfalls.images.training.evaluation import Views, evaluate, predict_logits
from pitfalls.progress import Progress
from pitfalls.runs import NOT_IDENTITY, Run, RunStore

__all__ = ["EvaluateConfig", "evaluate_network", "evaluation_of"]

GALLERY = 24  # pictures of the worst mistakes


@dataclass(frozen=True)
class EvaluateConfig:
    """Which trained network, on which part of its data.

    Attributes
    ----------
    trained_run : str
        Id of the run that trained it.
    weights_sha256 : str
        Which weights it must have; empty: whatever that run holds.
    member : int
        Which of the run's trainings.
    trained_folder : str
        The run's folder; empty: beside this one.
    """

    trained_run: str
    weights_sha256: str = ""
    member: int = 0
    part: Literal["validation", "test"] = "test"
    views: Views = "plain"
    trained_folder: str = field(default="", metadata=NOT_IDENTITY)
    device: str = field(default="cpu", metadata=NOT_IDENTITY)


def evaluation_of(
    run: Run,
    *,
    member: int = 0,
    part: Literal["validation", "test"] = "test",
    views: Views = "plain",
    device: str = "cpu",
) -> EvaluateConfig:
    """Return the config that evaluates what a run has trained."""
    digest = weights_digest(run, member)
    return EvaluateConfig(run.id, digest, member, part, views, str(run.path), device)


@experiment("images-evaluate")
def evaluate_network(config: EvaluateConfig, run: Run, progress: Progress) -> None:
    """Evaluate a trained network; keep its worst mistakes as pictures in the run folder."""
    trained_run = RunStore(run.path.parents[1]).find(config.trained_folder or config.trained_run)
    trained = load_trained(trained_run, config.member)
    digest = weights_digest(trained_run, config.member)
    if config.weights_sha256 not in ("", digest):
        raise RunError(
            f"evaluate: run {trained_run.id} was trained anew meanwhile. Give the command again."
        )
    data = load_images(trained.kept.source, run)
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
    result = evaluate(logits, labels)
    worst = result.mistakes[:GALLERY]
    run.save_arrays(
        "evaluation",
        confusion=result.confusion,
        class_accuracy=result.class_accuracy,
        bin_confidence=result.bin_confidence,
        bin_accuracy=result.bin_accuracy,
        bin_count=result.bin_count,
        predictions=result.predictions,
        confidences=result.confidences,
        labels=labels,
        indices=data.indices(config.part),
        mistakes=data.indices(config.part)[result.mistakes],
        worst_images=images[worst],
        worst_labels=labels[worst],
        worst_predictions=result.predictions[worst],
        worst_confidences=result.confidences[worst],
    )
    run.save_results(
        {
            "data": data.name,
            "part": config.part,
            "views": config.views,
            "trained_run": trained_run.id,
            "n": len(labels),
            "class_names": data.class_names,
            "accuracy": result.accuracy,
            "loss": result.loss,
            "calibration_error": result.calibration_error,
            "class_accuracy": [None if np.isnan(a) else a for a in result.class_accuracy],
            "confused_most": _confused_most(result.confusion, data.class_names),
        }
    )


def _confused_most(
    confusion: npt.NDArray[np.int64], names: Sequence[str], n: int = 5
) -> list[dict[str, Any]]:
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:n]
    pairs = [divmod(int(cell), len(names)) for cell in order]
    return [
        {"true": names[i], "predicted": names[j], "images": int(wrong[i, j])}
        for i, j in pairs
        if wrong[i, j]
    ]
