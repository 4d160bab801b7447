"""Images: at which learning rate the loss falls fastest."""

from pitfalls.experiments.image_range.records import RangeConfig, RangeResult
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "RangeConfig", "RangeResult"]

EXPERIMENT = Experiment(
    name="images-lr-find",
    config=RangeConfig,
    result=RangeResult,
    package=__name__,
    command=("images", "lr-find"),
)
