"""A saddle, the way down from it, and the plane to a global minimum (homework 2e)."""

from pitfalls.experiments.linear_landscape.records import LandscapeConfig, LandscapeResult
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "LandscapeConfig", "LandscapeResult"]

EXPERIMENT = Experiment(
    name="linear-landscape",
    config=LandscapeConfig,
    result=LandscapeResult,
    package=__name__,
    command=("linear", "landscape"),
    question="2",
)
