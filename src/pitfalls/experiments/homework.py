"""Which runs the homework's report is made of, at either scale."""

from dataclasses import dataclass
from typing import Any, Literal

from pitfalls.experiments.catalogue import catalogue
from pitfalls.frame import Experiment, Homework

__all__ = ["Part", "Scale", "homework_configs", "homework_runs"]

Scale = Literal["quick", "full"]
"""``quick``: every part in minutes; ``full``: every part at the homework's own size."""


@dataclass(frozen=True)
class Part:
    """One run of the homework.

    Attributes
    ----------
    question : str
        The homework's question that it answers: "2", "3" or "4", or "claims" for all three.
    config : object
        What `pitfalls.experiments.perform` takes.
    """

    question: Literal["2", "3", "4", "claims"]
    config: object


def homework_runs(
    scale: Scale, data: str | None = None, seed: int = 123, device: str = "cpu"
) -> tuple[Part, ...]:
    """Return the runs of the whole homework in its order.

    Parameters
    ----------
    scale : {"quick", "full"}
    data : str, optional
        Where the pictures come from, as `pitfalls.images.load_dataset` takes it.
    seed : int
        Handed to every config.
    device : {"cpu", "cuda"}
        Where the networks for images train; the other parts are fast enough on a processor.
    """
    return ()


def homework_configs(asked: Homework) -> tuple[tuple[Experiment[Any, Any], Any], ...]:
    """Return every run of the homework, in the report's order: which experiment, and its config."""
    return tuple(
        (experiment, config) for experiment in catalogue() for config in experiment.homework(asked)
    )
