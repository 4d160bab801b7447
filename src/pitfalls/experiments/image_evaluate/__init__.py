"""What a trained network confuses, how sure it is and its worst mistakes (homework 4f)."""

from pitfalls.experiments.image_evaluate.records import (
    Answers,
    Calibration,
    Confidence,
    EvaluateConfig,
    EvaluateResult,
    Looks,
)
from pitfalls.frame import Experiment

__all__ = [
    "EXPERIMENT",
    "Answers",
    "Calibration",
    "Confidence",
    "EvaluateConfig",
    "EvaluateResult",
    "Looks",
]

EXPERIMENT = Experiment(
    name="images-evaluate",
    config=EvaluateConfig,
    result=EvaluateResult,
    package=__name__,
    command=("images", "evaluate"),
    question="4",
)
