"""Parity: networks proved exact for every mask (homework 3a)."""

from pitfalls.experiments.parity_exact.records import (
    ExactConfig,
    ExactResult,
    Proof,
    Sampled,
    Shapes,
)
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "ExactConfig", "ExactResult", "Proof", "Sampled", "Shapes"]

EXPERIMENT = Experiment(
    name="parity-exact",
    config=ExactConfig,
    result=ExactResult,
    package=__name__,
    command=("parity", "exact"),
    question="3",
)
