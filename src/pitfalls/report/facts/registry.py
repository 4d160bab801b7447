"""What the chapters may quote of an experiment's runs."""

import importlib
import importlib.util
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pitfalls.errors import InputError
from pitfalls.runs import Run

__all__ = ["Facts", "facts_of", "known_experiments", "plain", "states"]

MODULES: tuple[str, ...] = ()

EXPERIMENTS: tuple[str, ...] = ()
"""Every experiment that the chapters may quote, in the report's order."""


@dataclass(frozen=True)
class Facts:
    """The values that the text may print, all computed from one experiment's runs.

    Attributes
    ----------
    values : mapping
        Nested mappings, lists, numbers and texts; the chapters reach into it by name.
    n : str
        How many of what stand behind the values: ``5 seeds``.
    spread : str
        What the stated spread is: ``smallest and largest``, or that there is none and why.
    data : str
        The data set, where there is one.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    n: str = ""
    spread: str = ""
    data: str = ""


State = Callable[[tuple[Run, ...]], Facts]
_FACTS: dict[str, State] = {}


def states(experiment: str) -> Callable[[State], State]:
    """Register a function that turns an experiment's runs (the one to quote first) into `Facts`.

    An experiment without one is quoted by its results as they are.
    """

    def register(function: State) -> State:
        if experiment in _FACTS or experiment not in EXPERIMENTS:
            raise InputError(f"facts of {experiment!r}: registered already, or not in EXPERIMENTS.")
        _FACTS[experiment] = function
        return function

    return register


def _load() -> None:
    for module in MODULES:
        importlib.import_module(f"pitfalls.report.facts.{module}")


def known_experiments() -> tuple[str, ...]:
    """Return every experiment that the chapters may quote."""
    return EXPERIMENTS


def facts_of(experiment: str, runs: tuple[Run, ...]) -> Facts:
    """Return what the runs of an experiment say.

    Raises
    ------
    RunError
        If a run has no results, or they are damaged.
    KeyError
        If the results lack a value that the report quotes.
    """
    _load()
    if experiment not in _FACTS:
        return Facts(runs[0].results())
    return _FACTS[experiment](runs)


def plain(value: Any) -> Any:
    """Return ``value`` in JSON's own types; what JSON has no number for becomes text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value
