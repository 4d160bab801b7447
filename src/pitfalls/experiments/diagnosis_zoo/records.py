"""How many seeds, and what was named for each set-up."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from pitfalls.diagnosis.zoo import Judgement, Partition, Tally, tally
from pitfalls.errors import InputError
from pitfalls.frame import Result

__all__ = ["ZooConfig", "ZooResult", "ZooSetup"]


@dataclass(frozen=True)
class ZooConfig:
    """The zoo at several seeds.

    Parameters
    ----------
    n_seeds : int
        Diagnoses of each set-up.
    budget : float
        Seconds for each, about.
    """

    n_seeds: int = 5
    budget: float = 60.0

    def __post_init__(self) -> None:
        if self.n_seeds < 1:
            raise InputError(f"ZooConfig: n_seeds must be at least 1. Got {self.n_seeds}.")
        if not 0 < self.budget < np.inf:
            raise InputError(f"ZooConfig: budget must be positive. Got {self.budget}.")


@dataclass(frozen=True)
class ZooSetup:
    """One set-up: its name, a line about it, its part of the zoo and its right causes."""

    name: str
    text: str
    part: Partition
    right: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class ZooResult(Result):
    """Every judgement.

    Attributes
    ----------
    setups : tuple of ZooSetup
    judgements : tuple of Judgement
    """

    TABLE = "judgements"

    setups: tuple[ZooSetup, ...]
    judgements: tuple[Judgement, ...]

    @property
    def n(self) -> int:
        """Number of diagnoses."""
        return len(self.judgements)

    @property
    def n_unchanged(self) -> int:
        """How many left every bit as it was."""
        return sum(row.unchanged for row in self.judgements)

    @property
    def n_held(self) -> int:
        """How many had every witness hold again."""
        return sum(row.held for row in self.judgements)

    def tally(self, *parts: Partition) -> Tally:
        """Count right causes and false alarms of some parts of the zoo."""
        return tally(row for row in self.judgements if row.part in parts)

    def causes_of(self, setup: str) -> tuple[tuple[str, int], ...]:
        """Return the causes named first for one set-up, and how often."""
        return tuple(Counter(r.cause for r in self.judgements if r.setup == setup).most_common())

    def correct_of(self, setup: str) -> int:
        """Return how often a right cause was named first for one set-up."""
        return sum(row.correct for row in self.judgements if row.setup == setup)

    def confusion(self) -> tuple[tuple[str, str, int], ...]:
        """Return true cause, cause named first and count, without the tuning part."""
        rows = [r for r in self.judgements if r.part != "tuning"]
        counts = Counter((r.right[0], r.cause) for r in rows)
        return tuple((right, cause, n) for (right, cause), n in sorted(counts.items()))
