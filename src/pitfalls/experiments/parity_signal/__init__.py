"""Parity: how much the gradient at initialisation says about the target (homework 3c(iv))."""

from pitfalls.experiments.parity_signal.records import SignalConfig, SignalResult, SignalRow
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "SignalConfig", "SignalResult", "SignalRow"]

EXPERIMENT = Experiment(
    name="parity-signal",
    config=SignalConfig,
    result=SignalResult,
    package=__name__,
    command=("parity", "signal"),
    question="3",
)
