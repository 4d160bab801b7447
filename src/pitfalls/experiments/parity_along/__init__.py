"""Parity: the exact gradient signal of the target along its own training."""

from pitfalls.experiments.parity_along.records import AlongConfig, AlongResult, Passage
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "AlongConfig", "AlongResult", "Passage"]

EXPERIMENT = Experiment(
    name="parity-along",
    config=AlongConfig,
    result=AlongResult,
    package=__name__,
    command=("parity", "along"),
    question="3",
)
