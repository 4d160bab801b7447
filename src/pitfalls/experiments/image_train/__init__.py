"""Images: one training of one network (homework 4f)."""

from pitfalls.experiments.image_train.records import TrainRunConfig, TrainRunResult
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "TrainRunConfig", "TrainRunResult"]

EXPERIMENT = Experiment(
    name="images-train",
    config=TrainRunConfig,
    result=TrainRunResult,
    package=__name__,
    command=("images", "train"),
    question="4",
)
