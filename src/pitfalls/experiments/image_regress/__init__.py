"""Pictures classified by least squares, and whether any linear map could do it (homework 4b)."""

from pitfalls.experiments.image_regress.records import (
    PartScore,
    RegressConfig,
    RegressResult,
    Separation,
)
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "PartScore", "RegressConfig", "RegressResult", "Separation"]

EXPERIMENT = Experiment(
    name="images-regress",
    config=RegressConfig,
    result=RegressResult,
    package=__name__,
    command=("images", "regress"),
    question="4",
)
