"""Images: a small network by a fast recipe."""

from pitfalls.experiments.image_fast.records import FastConfig, FastResult
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "FastConfig", "FastResult"]

EXPERIMENT = Experiment(
    name="images-fast",
    config=FastConfig,
    result=FastResult,
    package=__name__,
    command=("images", "fast"),
    question="4",
)
