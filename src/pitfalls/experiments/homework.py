"""Which runs the homework's report is made of, at either scale."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pitfalls.experiments.catalogue import all_experiments
from pitfalls.experiments.image_pace import EXPERIMENT as PACE
from pitfalls.experiments.image_pace import PaceResult
from pitfalls.frame import Experiment, Homework

__all__ = ["homework_configs", "timed"]


def timed(asked: Homework, perform: Callable[[Any, Any], PaceResult]) -> Homework:
    """Return what is asked with what a short timing says, where there is something to choose by it.

    Parameters
    ----------
    asked : Homework
    perform : callable
        (experiment, config) -> its result: runs or reuses.
    """
    from pitfalls.experiments.image_pace.run import homework

    for config in homework(asked):
        asked = replace(asked, paces=perform(PACE, config).named)
    return asked


def homework_configs(asked: Homework) -> tuple[tuple[Experiment[Any, Any], Any], ...]:
    """Return every run of the homework, in the report's order: which experiment, and its config."""
    return tuple(
        (experiment, config)
        for experiment in all_experiments()
        for config in experiment.homework(asked)
    )
