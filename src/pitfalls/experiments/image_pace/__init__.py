"""Images: what a training step takes on this machine, by which the quick report's work is chosen."""

from pitfalls.experiments.image_pace.records import Pace, PaceConfig, PaceResult
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "Pace", "PaceConfig", "PaceResult"]

EXPERIMENT = Experiment(
    name="images-pace",
    config=PaceConfig,
    result=PaceResult,
    package=__name__,
)
