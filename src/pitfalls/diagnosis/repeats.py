"""Rows that repeat: a loader that gives one batch again and again, and data with few distinct rows."""

from dataclasses import dataclass

import numpy as np

from pitfalls.diagnosis.learners import Floats

__all__ = ["Repeats", "find_repeats"]

_LEAST_CYCLES = 3
_LEAST_ROWS = 32
_LONGEST_PERIOD = 256


@dataclass(frozen=True)
class Repeats:
    """How examples repeat.

    Parameters
    ----------
    distinct : float
        Share of distinct inputs among the examples looked at.
    possible : float
        Number of distinct inputs that the features' own values could make up, at most 1e300.
    n : int
        Examples looked at.
    period : int
        Examples after which the data as given start again, label and all; 0 if they do not.
    """

    distinct: float
    possible: float
    n: int
    period: int

    @property
    def degenerate(self) -> bool:
        """Whether rows repeat that the values of the features give no reason to repeat."""
        # bits of a small cube must repeat: there are no other rows to have
        expected = self.possible > 10 * self.n
        return self.period > 0 or (self.n >= 64 and expected and self.distinct < 0.1)


def find_repeats(features: Floats, order: tuple[tuple[str, ...], ...]) -> Repeats:
    """Count distinct rows, and look for a period in the order of the data.

    Parameters
    ----------
    features : ndarray of shape (n, d)
    order : tuple of tuple of str
        Digests of examples, batch by batch; see `Samples.order`.
    """
    distinct = len(np.unique(features, axis=0)) / len(features)
    with np.errstate(over="ignore"):
        logs = sum(np.log10(len(np.unique(column))) for column in features.T)
    possible = float(10 ** min(logs, 300.0))
    return Repeats(float(distinct), possible, len(features), _period(order))


def _period(order: tuple[tuple[str, ...], ...]) -> int:
    """Return the length of the cycle, or 0.

    Batches that hold the same examples in any order count as one cycle each; a single long
    sequence must repeat exactly. Three full cycles are asked for, and more than one example in each,
    so that a coincidence of independent rows is out of the question unless there is hardly more
    than one kind of row.
    """
    if len(order) >= _LEAST_CYCLES:
        first = sorted(order[0])
        if len(first) > 1 and all(sorted(batch) == first for batch in order[1:]):
            return len(first)
        return 0
    (row,) = order[:1] or ((),)
    n = len(row)
    if n < _LEAST_ROWS:
        return 0
    for period in range(2, min(_LONGEST_PERIOD, n // _LEAST_CYCLES) + 1):
        if row[period] == row[0] and all(row[i] == row[i - period] for i in range(period, n)):
            return period
    return 0
