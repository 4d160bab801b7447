"""Which run stands behind each place of the report, and what a reader must know about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from pitfalls.errors import InputError
from pitfalls.runs import Run, RunStore

__all__ = ["ReportEvidence", "State", "gather"]

State = Literal["complete", "partial", "missing", "stale"]


@dataclass(frozen=True)
class ReportEvidence:
    """The runs of one experiment that the report may quote.

    Attributes
    ----------
    experiment : str
        The name by which the chapters ask for it.
    runs : tuple of Run
        The one to quote first, then the others; empty when there is none.
    faults : tuple of str
        Why other runs are not among them, one line each: damaged, or failed when it was asked for.
    """

    experiment: str
    runs: tuple[Run, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def run(self) -> Run | None:
        """The run that the report quotes."""
        return self.runs[0] if self.runs else None

    @property
    def state(self) -> State:
        """Whether the run is there, finished, and of this version of the library."""
        if self.run is None:
            return "missing"
        if not self.run.complete:
            return "partial"
        return "stale" if _outdated(self.run) else "complete"

    @property
    def note(self) -> str:
        """What to say in place when the run is not a finished one of this version; else empty."""
        faults = [f"{fault.rstrip('.')}. No number from it is printed." for fault in self.faults]
        return " ".join(
            [*faults, *([self._note] if self.run is not None or not faults else [])]
        ).strip()

    @property
    def _note(self) -> str:
        if self.run is None:
            return (
                f"There is no run of {self.experiment} yet, so nothing is said here. To make all that "
                "are missing: pitfalls report."
            )
        manifest = self.run.manifest
        again = manifest.command or "the command that made it"
        if self.state == "partial" and self.run.is_older:
            return (
                f"The run {self.run.id} is not finished (it is {manifest.status}) and older: other code "
                f"than the present computed what it had saved. To make it anew: {again}."
            )
        if self.state == "partial":
            return (
                f"The run {self.run.id} is not finished (it is {manifest.status}): what follows is "
                f"what it had saved. To finish it: {again}."
            )
        if self.state == "stale":
            return f"The run {self.run.id} {_outdated(self.run)}. To make it anew: {again} --fresh."
        return ""


def gather(
    runs: RunStore | str | Path | Iterable[Run], failures: Mapping[str, str] | None = None
) -> Mapping[str, ReportEvidence]:
    """Sort runs by experiment: finished before unfinished ones, later before earlier ones.

    Parameters
    ----------
    runs : RunStore, path of a run store, or iterable of Run
        An iterable says which runs to quote, the first of an experiment first.
    failures : mapping of str to str, optional
        What went wrong with an experiment that was asked for: said in its place.

    Raises
    ------
    InputError
        If ``runs`` is a path that is no folder.
    """
    if isinstance(runs, str | Path):
        if not Path(runs).is_dir():
            raise InputError(
                f"report: no folder of runs at {runs}. Make the runs: pitfalls report --quick"
            )
        runs = RunStore(runs)
    faults = {name: [text] for name, text in (failures or {}).items()}
    if isinstance(runs, RunStore):
        for path, text in runs.unreadable().items():
            faults.setdefault(path.parent.name, []).append(text)
        runs = sorted(runs.list(), key=_preference, reverse=True)
    found: dict[str, list[Run]] = {}
    for run in runs:
        known = found.setdefault(run.manifest.experiment, [])
        if run.id not in {other.id for other in known}:
            known.append(run)
    return {
        name: ReportEvidence(name, tuple(found.get(name, ())), tuple(faults.get(name, ())))
        for name in {**found, **faults}
    }


def _outdated(run: Run) -> str:
    """Say why a run no longer speaks for the present library; empty if it does."""
    made_by = run.manifest.versions.get("pitfalls", "an unknown version")
    if made_by != version("pitfalls"):
        return f"was made by pitfalls {made_by}, not by the present {version('pitfalls')}"
    if run.is_older:
        return "is older: other code than the present computed its numbers"
    return ""


def _preference(run: Run) -> tuple[Any, ...]:
    manifest = run.manifest
    # a check of a few claims must not hide one of all of them
    return (
        run.complete,
        not run.is_older,
        not run.config.get("claims"),
        manifest.end or "",
        manifest.starts[-1:],
        run.id,
    )
