"""What an experiment is made of, and how it becomes a run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

from pitfalls.progress import Progress, silent
from pitfalls.prose import Basis, Block

if TYPE_CHECKING:
    from pitfalls.plots import Figure
    from pitfalls.runs import Run, RunStore

__all__ = ["Experiment", "Finished", "Homework", "Scale", "run_experiment"]

C = TypeVar("C")
R = TypeVar("R")

Scale = Literal["quick", "full"]
"""``quick``: every part in minutes; ``full``: every part at the homework's own size."""


@dataclass(frozen=True)
class Homework:
    """What the homework's runs are asked with.

    Attributes
    ----------
    scale : {"quick", "full"}
    data : str, optional
        Where the pictures come from.
    seed : int
    device : {"cpu", "cuda"}
        Where networks for images train; the other parts are fast enough on a processor.
    paces : tuple of (str, float)
        Seconds an image by network and precision, where a timing was made to choose the work by.
    """

    scale: Scale = "quick"
    data: str | None = None
    seed: int = 123
    device: str = "cpu"
    paces: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Experiment(Generic[C, R]):
    """One experiment; all that belongs to it stands in one folder.

    Attributes
    ----------
    name : str
        The folder that holds its runs, and the name by which the report asks for them.
    config, result : type
        Frozen dataclasses: what is asked, and what was found.
    package : str
        The folder, as a package: its modules are ``run``, ``words``, ``figures`` and ``command``.
    command : tuple of str
        The words of its command: ``("parity", "signal")``; empty if it has none of its own.
    question : {"2", "3", "4", "claims"}, optional
        The homework's question that it answers; None if the homework does not ask for it.
    """

    name: str
    config: type[C]
    result: type[R]
    package: str
    command: tuple[str, ...] = ()
    question: Literal["2", "3", "4", "claims"] | None = None

    def run(self, config: C, run: "Run", progress: Progress) -> R:
        """Do the work; called again with the same run after an interruption."""
        return cast(R, self._part("run", "run")(config, run, progress))

    def homework(self, asked: Homework) -> tuple[C, ...]:
        """Return the configs of the homework's runs; none where the homework does not ask."""
        if self.question is None:
            return ()
        return cast(tuple[C, ...], self._part("run", "homework")(asked))

    def figures(self) -> "tuple[Figure[R], ...]":
        """Return the figures of a result, in the order in which they are shown."""
        return cast("tuple[Figure[R], ...]", self._part("figures", "FIGURES"))

    def account(self, result: R) -> tuple[Block, ...]:
        """Return what the report says of a result."""
        return cast(tuple[Block, ...], self._part("words", "account")(result))

    def basis(self, result: R) -> Basis:
        """Return what stands behind the numbers of a result."""
        return cast(Basis, self._part("words", "basis")(result))

    def charts(self, result: R) -> Mapping[str, Any]:
        """Return the data of the page's interactive parts, plain values by the part's name."""
        return cast(Mapping[str, Any], self._part("words", "charts")(result))

    def _part(self, module: str, name: str) -> Callable[..., Any]:
        return cast(Callable[..., Any], getattr(import_module(f"{self.package}.{module}"), name))


@dataclass(frozen=True)
class Finished(Generic[R]):
    """A finished run and what it found."""

    run: "Run"
    result: R


def run_experiment(
    experiment: Experiment[C, R],
    config: C,
    store: "RunStore",
    *,
    command: str = "",
    threads: int | None = None,
    fresh: bool = False,
    progress: Progress = silent,
) -> Finished[R]:
    """Return the run of ``config``: reused if complete, continued if interrupted, else made.

    What a run was made of may be other runs, which a config names by their ids. It then has a method
    ``still_holds(result, store)``: where that is false, they are others now, and the run is made anew.

    Raises
    ------
    RunError
        If another process holds the run, or its folder is damaged.
    PitfallsError
        Whatever the experiment raises; the run then stays and can be continued.
    """
    with store.open(
        experiment.name,
        config,
        entry=f"{experiment.package}.run",
        command=command,
        threads=threads,
        fresh=fresh,
    ) as run:
        if not run.complete:
            run.save(experiment.run(config, run, progress))
    finished = Finished(run, run.load(experiment.result))
    holds = getattr(config, "still_holds", None)
    if run.was_opened or holds is None or holds(finished.result, store):
        return finished
    return run_experiment(
        experiment, config, store, command=command, threads=threads, fresh=True, progress=progress
    )
