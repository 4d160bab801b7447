"""One function an experiment: (config, run, progress) -> what lies in the run folder."""

from pitfalls.experiments.registry import (
    NOT_IDENTITY,
    Advance,
    Experiment,
    Progress,
    experiment,
    experiment_of,
    perform,
    silent,
)

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
