"""Grade a submission: every part of the sheet that can be run, in a process that is believed nothing."""

import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import numpy as np

from pitfalls.course.grading.depth_part import DEPTH_PART
from pitfalls.course.grading.image_parts import IMAGE_PARTS
from pitfalls.course.grading.linear_parts import LINEAR_PARTS
from pitfalls.course.grading.parity_parts import PARITY_PARTS
from pitfalls.course.grading.properties import Desk, Part, Result
from pitfalls.course.grading.reported_parts import REPORTED_PARTS
from pitfalls.course.grading.sandbox import Lost, Sandbox, Visit
from pitfalls.course.grading.sheet import Sheet
from pitfalls.course.grading.signal_parts import SIGNAL_PARTS
from pitfalls.errors import InputError

__all__ = ["FILES", "PARTS", "Grade", "grade", "parts_named"]

PARTS: Final[tuple[Part, ...]] = (
    *LINEAR_PARTS,
    *PARITY_PARTS,
    *SIGNAL_PARTS,
    DEPTH_PART,
    REPORTED_PARTS[0],
    *IMAGE_PARTS,
    REPORTED_PARTS[1],
)

FILES: Final = ("formulas.py", "pitfalls.py", "cifar10.py", "losses.json", "answers.json")
"""What a submission is made of; other files are not looked at."""


@dataclass(frozen=True)
class Grade:
    """What a submission was found to be.

    Attributes
    ----------
    results : tuple of Result
        One a check, in the sheet's order.
    notices : tuple of str
        What the work did beside its task; it changed no point.
    layers : tuple of str
        What of the confinement this machine offers: limits, files, user, calls.
    seconds, cpu_seconds : float
        On the clock; of the processor, in the work's own processes.
    peak_mb : float
        The largest of the work's processes, torch included.
    """

    results: tuple[Result, ...]
    notices: tuple[str, ...]
    layers: tuple[str, ...]
    seconds: float
    cpu_seconds: float
    peak_mb: float

    @property
    def points(self) -> int:
        """Points given."""
        return sum(result.points for result in self.results)

    @property
    def max_points(self) -> int:
        """Points there were."""
        return sum(result.max_points for result in self.results)

    def of(self, part: str) -> int:
        """Points given for one part."""
        return sum(result.points for result in self.results if result.part == part)


def parts_named(names: Sequence[str]) -> tuple[Part, ...]:
    """Return the parts whose names begin with these (with = before it: are this); all for none.

    Raises
    ------
    InputError
        If no part has such a name.
    """

    def is_meant(part: Part) -> bool:
        return not names or any(
            part.name == name[1:] if name.startswith("=") else part.name.startswith(name)
            for name in names
        )

    for name in names:
        if not any(part.name.startswith(name.removeprefix("=")) for part in PARTS):
            known = ", ".join(part.name for part in PARTS)
            raise InputError(f"course: there is no part {name!r}. The parts are {known}.")
    return tuple(part for part in PARTS if is_meant(part))


def grade(
    files: Mapping[str, bytes],
    sandbox: Sandbox,
    sheet: Sheet | None = None,
    parts: Sequence[Part] = PARTS,
    data: tuple[np.ndarray, np.ndarray] | None = None,
) -> Grade:
    """Ask the work what each part asks for, and judge what comes back.

    The questions are drawn afresh from the operating system's randomness after the work is loaded:
    there is nothing to read that would tell them before.

    Parameters
    ----------
    files : mapping of str to bytes
        The submission, as ``read_submission`` gives it.
    sandbox : Sandbox
        Open; its limits hold.
    sheet : Sheet, optional
        The sizes; by default the homework's own.
    parts : sequence of Part
    data : pair of ndarray, optional
        X and Y on which the functions of question 2 are asked as well.
    """
    started = time.monotonic()
    results: dict[str, list[Result]] = {}
    notices: list[str] = []
    tally = _Tally()
    for name in dict.fromkeys(part.file for part in parts):
        of_file = [part for part in parts if part.file == name]
        room = _Room(files, name, sandbox, tally)
        with room:
            for part in of_file:
                late = time.monotonic() - started > sandbox.limits.total_seconds
                desk = Desk(
                    part,
                    sheet or Sheet(),
                    np.random.default_rng(secrets.randbits(128)),
                    None,
                    files,
                    data,
                )
                results[part.name] = list(desk.results(_examine(desk, room, late=late)))
        notices += [f"{name}: {notice}" for notice in room.notices]
    return Grade(
        tuple(result for part in parts for result in results[part.name]),
        tuple(dict.fromkeys(notices)),
        tally.layers,
        time.monotonic() - started,
        tally.cpu,
        tally.peak_kb / 1024,
    )


def _examine(desk: Desk, room: "_Room", *, late: bool) -> str:
    """Examine one part; returns why the checks not reached are lost."""
    if late:
        limit = room.sandbox.limits.total_seconds
        return f"the time of {limit:g} s for the whole submission is used up"
    try:
        if desk.part.functions:
            desk.visit = room.visit()
        desk.part.examine(desk)
    except Lost as lost:
        return room.explain(str(lost))
    except Exception as error:  # what came was of a form that nobody thought of: it earns nothing
        return room.explain(f"what it sends back cannot be read ({type(error).__name__})")
    return "what it sends back is no answer"


class _Tally:
    """What all processes of one submission took."""

    def __init__(self) -> None:
        self.cpu, self.peak_kb = 0.0, 0
        self.layers: tuple[str, ...] = ()

    def add(self, visit: Visit) -> None:
        self.cpu += visit.cpu
        self.peak_kb = max(self.peak_kb, visit.peak_kb)
        self.layers = self.layers or visit.layers


class _Room:
    """One file of the submission, loaded in a process; a new one where the last was lost."""

    def __init__(
        self, files: Mapping[str, bytes], name: str, sandbox: Sandbox, tally: _Tally
    ) -> None:
        self.files, self.name, self.sandbox, self.tally = files, name, sandbox, tally
        self.notices: list[str] = []
        self._stack = ExitStack()
        self._visit: Visit | None = None
        self._hopeless = (
            "" if name in files else f"{name} is not there, or is no plain file of 1 MiB"
        )

    def __enter__(self) -> "_Room":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def visit(self) -> Visit:
        if self._hopeless:
            raise Lost(self._hopeless)
        if self._visit is None:
            visit = self._stack.enter_context(self.sandbox.visit(self.files))
            self._visit = visit
            try:
                visit.load(self.name.removesuffix(".py"))
            except Lost as lost:
                # it would be lost in the same way for every part
                self._hopeless = self.explain(f"while it is imported: {lost}")
                raise Lost(self._hopeless) from None
        return self._visit

    def explain(self, reason: str) -> str:
        """Close the process that was lost; says with the reason what it was seen doing."""
        seen = list(self._visit.notices) if self._visit else []
        self._close()
        new = [notice for notice in seen if notice not in reason]
        return reason + (f" ({'; '.join(new[:3])})" if new else "")

    def _close(self) -> None:
        visit, self._visit = self._visit, None
        self._stack.close()
        if visit is not None:
            self.notices += [n for n in visit.notices if n not in self.notices]
            self.tally.add(visit)
