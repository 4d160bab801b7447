"""Which runs the homework's report is made of, at either scale."""

from typing import Any

from pitfalls.experiments.catalogue import catalogue
from pitfalls.frame import Experiment, Homework

__all__ = ["homework_configs"]


def homework_configs(asked: Homework) -> tuple[tuple[Experiment[Any, Any], Any], ...]:
    """Return every run of the homework, in the report's order: which experiment, and its config."""
    return tuple(
        (experiment, config) for experiment in catalogue() for config in experiment.homework(asked)
    )
