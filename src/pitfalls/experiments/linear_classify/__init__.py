"""The verdict on one point of a deep linear network (homework 2e)."""

from pitfalls.experiments.linear_classify.records import ClassifyConfig, ClassifyResult
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "ClassifyConfig", "ClassifyResult"]

EXPERIMENT = Experiment(
    name="linear-classify",
    config=ClassifyConfig,
    result=ClassifyResult,
    package=__name__,
    command=("linear", "classify"),
)
