"""Parity: one training of one network."""

from pitfalls.experiments.parity_train.records import ParityTrainConfig, ParityTrainResult
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "ParityTrainConfig", "ParityTrainResult"]

EXPERIMENT = Experiment(
    name="parity-train",
    config=ParityTrainConfig,
    result=ParityTrainResult,
    package=__name__,
    command=("parity", "train"),
)
