"""The least risk of every rank (homework 2d)."""

from pitfalls.experiments.linear_minimum.records import LeastRisk, MinimumConfig, MinimumResult
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "LeastRisk", "MinimumConfig", "MinimumResult"]

EXPERIMENT = Experiment(
    name="linear-minimum",
    config=MinimumConfig,
    result=MinimumResult,
    package=__name__,
    command=("linear", "minimum"),
)
