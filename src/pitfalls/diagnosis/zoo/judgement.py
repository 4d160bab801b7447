"""One diagnosis held against what is known, and counts over many; records without torch."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["QUIET", "Judgement", "Partition", "Tally", "tally"]

Partition: TypeAlias = Literal["tuning", "reported", "blind"]
"""Of the zoo: what the rules were fixed on, what they were not, and what was diagnosed once."""

QUIET = ("healthy", "unclear")
"""Causes that raise no alarm."""


@dataclass(frozen=True)
class Judgement:
    """One diagnosis of one set-up.

    Parameters
    ----------
    setup : str
    part : {"tuning", "reported", "blind"}
    seed : int
    right : tuple of str
        Causes that count as right.
    cause : str
        The first cause named.
    causes : tuple of str
        All of them.
    rule : str
        The rule that named the first.
    unchanged : bool
        Whether model, optimizer and global generators have the same bits as before.
    held : bool
        Whether every card's witness held when it was checked again.
    seconds : float
    gradients : int
        Batches sent back through the model, Hessian products counted four times.
    """

    setup: str
    part: Partition
    seed: int
    right: tuple[str, ...]
    cause: str
    causes: tuple[str, ...]
    rule: str
    unchanged: bool
    held: bool
    seconds: float
    gradients: int

    @property
    def correct(self) -> bool:
        """Whether the first cause is a right one."""
        return self.cause in self.right

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong with the set-up."""
        return "healthy" in self.right

    @property
    def false_alarm(self) -> bool:
        """Whether a fault was named where there is none."""
        return self.healthy and self.cause not in QUIET


@dataclass(frozen=True)
class Tally:
    """Counts over judgements.

    Parameters
    ----------
    n, correct : int
    healthy, false_alarms : int
        Diagnoses of healthy set-ups, and those of them with an alarm.
    faults, found : int
        Diagnoses of faulty set-ups, and those of them with a right cause.
    """

    n: int
    correct: int
    healthy: int
    false_alarms: int
    faults: int
    found: int


def tally(judgements: Iterable[Judgement]) -> Tally:
    """Count right causes and false alarms."""
    rows = tuple(judgements)
    well = [row for row in rows if row.healthy]
    ill = [row for row in rows if not row.healthy]
    return Tally(
        len(rows),
        sum(row.correct for row in rows),
        len(well),
        sum(row.false_alarm for row in well),
        len(ill),
        sum(row.correct for row in ill),
    )
