"""A training as a row of a recorded result."""

from typing import Any

from pitfalls.experiments.image_curves import Training
from pitfalls.experiments.image_source import Pictures
from pitfalls.runs import Run

__all__ = ["pictures_of", "row_of", "seconds_of"]


def row_of(
    training: Training, precision: str, seconds: float, cpu_seconds: float
) -> dict[str, Any]:
    return {
        "scheme": training.scheme,
        "seed": training.seed,
        "epochs": training.n_epochs,
        "steps": training.n_steps,
        "train_accuracy": training.train_accuracy,
        "train_loss": training.train_loss,
        "validation_accuracy": training.validation_accuracy,
        "test_accuracy": training.test_accuracy,
        "test_loss": training.test_loss,
        "six_views": training.six_views,
        "precision": precision,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
    }


def pictures_of(pictures: Pictures) -> dict[str, Any]:
    return {
        "data": pictures.name,
        **{f"n_{part}": pictures.n(part) for part in ("train", "validation", "test")},
        "class_names": pictures.class_names,
        "shape": pictures.shape,
    }


def seconds_of(run: Run, training: Training) -> tuple[float, float]:
    """Return a training's seconds by the clock and of the processor, as its last checkpoint has them."""
    lines = [line for line in run.timings() if line.get("seed", training.seed) == training.seed
             and line.get("scheme", training.scheme) == training.scheme]  # fmt: skip
    return lines[-1]["seconds"], lines[-1]["cpu_seconds"]
