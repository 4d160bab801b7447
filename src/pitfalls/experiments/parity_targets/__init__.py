"""Parity: what the gradient at initialisation says about each target (homework 3c(iv))."""

from pitfalls.experiments.parity_targets.records import TargetsConfig, TargetsResult, WeightRow
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "TargetsConfig", "TargetsResult", "WeightRow"]

EXPERIMENT = Experiment(
    name="parity-targets",
    config=TargetsConfig,
    result=TargetsResult,
    package=__name__,
    command=("parity", "targets"),
    question="3",
)
