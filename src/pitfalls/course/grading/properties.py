"""Checks with reasons: what was asked, what came, and which well-known mistake gives just that."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pitfalls.course.grading.calls import Call, Outcome
from pitfalls.course.grading.channel import Image, Kept, Tensor, Unknown
from pitfalls.course.grading.sandbox import Lost, Visit
from pitfalls.course.grading.sheet import Sheet

__all__ = [
    "Check",
    "Desk",
    "Part",
    "Result",
    "Trial",
    "Wrong",
    "arrays",
    "compare",
    "layers",
    "number",
    "shapes",
    "shown",
    "truth",
]


@dataclass(frozen=True)
class Check:
    """One property that an answer must have.

    Attributes
    ----------
    name : str
        In words, as the student reads it.
    points : int
    hidden : bool
        Whether the student sees its result only when the grades are out.
    """

    name: str
    points: int
    hidden: bool = False


@dataclass(frozen=True)
class Part:
    """One part of the sheet whose answer can be run.

    Attributes
    ----------
    name : str
        As the sheet counts, such as 3b.
    title : str
    file : str
        The starter script that it lies in.
    functions : tuple of str
        What it asks for there.
    checks : tuple of Check
    examine : callable
        ``(desk)``: asks the work and passes or fails each check.
    """

    name: str
    title: str
    file: str
    functions: tuple[str, ...]
    checks: tuple[Check, ...]
    examine: Callable[["Desk"], None]

    @property
    def points(self) -> int:
        """The most that it gives."""
        return sum(check.points for check in self.checks)


@dataclass(frozen=True)
class Result:
    """What became of one check.

    Attributes
    ----------
    part, name : str
    points, max_points : int
    hidden : bool
    reason : str
        Why points are lost, in words, with the input that fails; empty where none are.
    """

    part: str
    name: str
    points: int
    max_points: int
    hidden: bool
    reason: str

    @property
    def passed(self) -> bool:
        """Whether the property held."""
        return self.points == self.max_points


class Wrong(Exception):  # noqa: N818 - the work is wrong, the program is not
    """An answer has not the form that was asked for; the text says what it is instead."""


@dataclass
class Desk:
    """Where a part is examined: the sheet, fresh randomness, the work, and what is found."""

    part: Part
    sheet: Sheet
    rng: np.random.Generator
    visit: Visit | None
    files: Mapping[str, bytes]
    data: tuple[np.ndarray, np.ndarray] | None = None
    found: dict[str, str] = field(default_factory=dict)

    def ask(self, *calls: Call) -> list[Outcome]:
        """Put calls to the work."""
        if self.visit is None:
            raise Lost(f"{self.part.file} is not there")
        return self.visit.ask(calls)

    def judge(self, number: int, reason: str) -> None:
        """Pass a check (no reason) or fail it."""
        self.found[self.part.checks[number].name] = reason

    def check(self, number: int, verify: Callable[[], str]) -> None:
        """Judge a check by a function that returns a reason; an answer of a wrong form is one."""
        try:
            self.judge(number, verify())
        except Wrong as wrong:
            self.judge(number, str(wrong))

    def results(self, otherwise: str) -> Iterator[Result]:
        """Yield what became of each check; those not reached fail for the reason given."""
        for check in self.part.checks:
            reason = self.found.get(check.name, otherwise)
            points = 0 if reason else check.points
            yield Result(
                self.part.name, check.name, points, check.points, check.hidden, reason[:1000]
            )


@dataclass(frozen=True)
class Trial:
    """One question with its answer.

    Attributes
    ----------
    call : Call
    wanted : ndarray or float
    at : str
        The input in words.
    faults : mapping
        What well-known mistakes give there, by their descriptions.
    """

    call: Call
    wanted: Any
    at: str
    faults: Mapping[str, Any] = field(default_factory=dict)


def compare(desk: Desk, trials: Sequence[Trial], tolerance: float = 1e-6) -> str:
    """Ask all trials; returns a reason with the first that fails, and the mistake that fits them all."""
    outcomes = desk.ask(*(trial.call for trial in trials))
    failed: tuple[Trial, np.ndarray] | None = None
    got = []
    for trial, outcome in zip(trials, outcomes, strict=True):
        try:
            got.append(arrays(outcome, np.shape(trial.wanted), trial.call.function))
        except Wrong as wrong:
            if failed is not None:
                break  # the first that fails is the one that is told
            fault = _telling(trials, outcomes, tolerance)
            raise Wrong(f"at {trial.at}: {wrong}{fault}") from None
        if failed is None and not _close(got[-1], trial.wanted, tolerance):
            failed = (trial, got[-1])
    if failed is None:
        return ""
    trial, value = failed
    wanted = np.asarray(trial.wanted, float)
    worst = np.unravel_index(int(np.argmax(np.abs(value - wanted))), wanted.shape)
    place = f"entry {tuple(int(i) for i in worst)} is " if wanted.ndim else "it gives "
    return (
        f"at {trial.at}: {place}{shown(value[worst])} where {shown(wanted[worst])} is due"
        + _telling(trials, outcomes, tolerance)
    )


def _telling(trials: Sequence[Trial], outcomes: Sequence[Outcome], tolerance: float) -> str:
    """Name the mistake that gives all that came, if one does."""
    names = set.intersection(*(set(trial.faults) for trial in trials)) if trials else set()
    for name in sorted(names):
        pairs = [(o.value, t.faults[name]) for o, t in zip(outcomes, trials, strict=True)]
        if all(_same_numbers(value, fault, tolerance) for value, fault in pairs):
            return f"; {name} gives just that"
    return ""


def _same_numbers(value: Any, fault: Any, tolerance: float) -> bool:
    try:
        found = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return False
    return found.shape == np.shape(fault) and _close(found, fault, tolerance)


def _close(value: np.ndarray, wanted: Any, tolerance: float) -> bool:
    wanted = np.asarray(wanted, float)
    scale = max(1.0, float(np.abs(wanted).max(initial=0)))
    return bool(np.abs(value - wanted).max(initial=0) <= tolerance * scale)


def arrays(outcome: Outcome, shape: Sequence[int], who: str) -> np.ndarray:
    """Read one finite array of a shape from an outcome; a number may come as an array of one.

    Raises
    ------
    Wrong
        If something else came; the text says what.
    """
    value = _something(outcome, who)
    if isinstance(value, list):
        try:
            value = np.array([np.asarray(item, dtype=float) for item in value], dtype=float)
        except (TypeError, ValueError):
            raise Wrong(f"{who} returns a list that is no array of numbers") from None
    if not isinstance(value, np.ndarray):
        raise Wrong(f"{who} returns {_kind(value)} where numbers are due")
    array = value.astype(float)
    if not len(shape) and array.size == 1 and array.ndim <= 2:
        array = array.reshape(())
    if array.shape != tuple(shape):
        raise Wrong(f"{who} returns shape {array.shape} where {tuple(shape)} is due")
    if not np.isfinite(array).all():
        raise Wrong(f"{who} returns numbers that are not finite")
    return array


def number(outcome: Outcome, who: str) -> float:
    """Read one finite number; True and False are none."""
    if isinstance(outcome.value, bool):
        raise Wrong(f"{who} returns {outcome.value} where a number is due")
    return float(arrays(outcome, (), who))


def truth(outcome: Outcome, who: str) -> bool:
    """Read a yes or no."""
    value = _something(outcome, who)
    if isinstance(value, bool):
        return value
    if isinstance(value, np.ndarray) and value.shape == () and value.dtype == bool:
        return bool(value)
    raise Wrong(f"{who} returns {_kind(value)} where True or False is due")


def layers(outcome: Outcome, widths: Sequence[int], who: str) -> list[np.ndarray]:
    """Read W_1, ..., W_L of the shapes that the widths ask for."""
    value = _something(outcome, who)
    if not isinstance(value, list) and not (isinstance(value, np.ndarray) and value.ndim == 3):
        raise Wrong(f"{who} returns {_kind(value)} where a list of W_1, ..., W_L is due")
    if len(value) != len(widths) - 1:
        raise Wrong(f"{who} returns {len(value)} layers where {len(widths) - 1} are due")
    return [
        arrays(Outcome(item), (after, before), f"{who}, W_{i}:")
        for i, (item, before, after) in enumerate(zip(value, widths, widths[1:], strict=False), 1)
    ]


def shapes(outcome: Outcome, who: str) -> list[tuple[int, ...]]:
    """Read a list of shapes, each of one number or more."""
    value = _something(outcome, who)
    if not isinstance(value, list):
        raise Wrong(f"{who} returns {_kind(value)} where a list of shapes is due")
    found = []
    for item in value:
        try:
            numbers = np.atleast_1d(np.asarray(item, dtype=float))
        except (TypeError, ValueError):
            raise Wrong(f"{who} returns a list that is none of shapes") from None
        if numbers.ndim != 1 or not (np.isfinite(numbers) & (numbers == numbers.round())).all():
            raise Wrong(f"{who} returns a list that is none of shapes")
        found.append(tuple(int(n) for n in numbers))
    return found


def _something(outcome: Outcome, who: str) -> Any:
    if "NotImplementedError" in outcome.error:
        raise Wrong(f"the gap of {who} is still empty")
    if outcome.error:
        raise Wrong(f"{who} raises {outcome.error}")
    if outcome.value is None:
        raise Wrong(f"{who} returns nothing")
    return outcome.value


def _kind(value: Any) -> str:
    if isinstance(value, Unknown):
        return f"an object of type {value.name}"
    if isinstance(value, np.ndarray):
        return "a number" if value.shape == () else f"an array of shape {value.shape}"
    if isinstance(value, Tensor | Image | Kept):
        return "what is no value"
    return {list: "a list", str: "text", dict: "a dictionary", bool: str(value)}.get(
        type(value), "nothing"
    )


def shown(value: Any) -> str:
    """Show a number, or the digits of a mask or an input."""
    array = np.asarray(value)
    if array.ndim == 1 and array.dtype.kind in "iu":
        return "".join(map(str, array))
    return f"{float(array):.4g}"
