"""Which maps a deep linear network can represent (homework 2a)."""

from pitfalls.experiments.linear_capacity.records import CapacityConfig, CapacityResult
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "CapacityConfig", "CapacityResult"]

EXPERIMENT = Experiment(
    name="linear-capacity",
    config=CapacityConfig,
    result=CapacityResult,
    package=__name__,
    command=("linear", "capacity"),
    question="2",
)
