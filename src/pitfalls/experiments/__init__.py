"""One function an experiment: (config, run, progress) -> what lies in the run folder."""

from pitfalls.experiments.registry import Experiment, experiment, experiment_of, perform
from pitfalls.progress import Advance, Progress, silent
from pitfalls.runs import NOT_IDENTITY

__all__ = [
    "NOT_IDENTITY",
    "Advance",
    "Experiment",
    "Progress",
    "experiment",
    "experiment_of",
    "perform",
    "silent",
]
