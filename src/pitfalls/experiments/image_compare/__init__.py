"""Images: learning-rate schemes from the same starts (homework 4e)."""

from pitfalls.experiments.image_compare.records import CompareConfig, CompareResult, SchemeRow
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "CompareConfig", "CompareResult", "SchemeRow"]

EXPERIMENT = Experiment(
    name="images-compare",
    config=CompareConfig,
    result=CompareResult,
    package=__name__,
    command=("images", "compare"),
    question="4",
)
