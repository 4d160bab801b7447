"""Parity: the phase diagram of which masks are learned."""

from pitfalls.experiments.parity_sweep.records import Cell, Pair, SweepConfig, SweepResult
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "Cell", "Pair", "SweepConfig", "SweepResult"]

EXPERIMENT = Experiment(
    name="parity-sweep",
    config=SweepConfig,
    result=SweepResult,
    package=__name__,
    command=("parity", "sweep"),
    question="3",
)
