"""Parity: one training of one network."""

from pitfalls.experiments.parity_train.records import TrainConfig, TrainResult
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "TrainConfig", "TrainResult"]

EXPERIMENT = Experiment(
    name="parity-train",
    config=TrainConfig,
    result=TrainResult,
    package=__name__,
    command=("parity", "train"),
)
