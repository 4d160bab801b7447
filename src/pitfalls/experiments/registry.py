"""How a config finds its experiment, and how an experiment becomes a run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pitfalls.errors import InputError
from pitfalls.progress import Progress, silent
from pitfalls.runs import Run, RunStore

__all__ = [
    "Experiment",
    "experiment",
    "experiment_of",
    "perform",
]


C = TypeVar("C")
Function = Callable[[C, Run, Progress], None]


@dataclass(frozen=True)
class Experiment:
    """One kind of run.

    Attributes
    ----------
    name : str
        The folder that holds its runs.
    config : type
        The frozen dataclass that asks for one.
    function : callable
        ``(config, run, progress) -> None``; called again with the same run after an interruption.
    """

    name: str
    config: type
    function: Callable[[Any, Run, Progress], None]


_BY_CONFIG: dict[type, Experiment] = {}


def experiment(name: str) -> Callable[[Function[C]], Function[C]]:
    """Register a function ``(config: SomeConfig, run: Run, progress: Progress) -> None``."""

    def register(function: Function[C]) -> Function[C]:
        config = function.__annotations__["config"]
        if config in _BY_CONFIG or any(e.name == name for e in _BY_CONFIG.values()):
            raise InputError(f"experiment {name!r}: its name or config type is registered already.")
        _BY_CONFIG[config] = Experiment(name, config, function)
        return function

    return register


def experiment_of(config: object) -> Experiment:
    """Return the experiment that a config asks for."""
    try:
        return _BY_CONFIG[type(config)]
    except KeyError:
        raise InputError(
            f"perform: {type(config).__name__} is not the config of an experiment."
        ) from None


def perform(
    config: object,
    store: RunStore,
    *,
    command: str = "",
    threads: int | None = None,
    fresh: bool = False,
    progress: Progress = silent,
) -> Run:
    """Return the run of ``config``: reused if complete, continued if interrupted, else made.

    Raises
    ------
    RunError
        If another process holds the run, or its folder is damaged.
    PitfallsError
        Whatever the experiment raises; the run then stays and can be continued.
    """
    found = experiment_of(config)
    with store.open(
        found.name,
        config,
        entry=found.function.__module__,
        command=command,
        threads=threads,
        fresh=fresh,
    ) as run:
        if not run.complete:
            found.function(config, run, progress)
    return run
