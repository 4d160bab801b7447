"""Images: networks with and without convolutions on the same data and schedule."""

from pitfalls.experiments.image_architectures.records import (
    ArchitecturesConfig,
    ArchitecturesResult,
    Candidate,
    NetworkRow,
)
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "ArchitecturesConfig", "ArchitecturesResult", "Candidate", "NetworkRow"]

EXPERIMENT = Experiment(
    name="images-architectures",
    config=ArchitecturesConfig,
    result=ArchitecturesResult,
    package=__name__,
    question="4",
)
