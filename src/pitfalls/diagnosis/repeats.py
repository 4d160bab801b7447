"""Rows that repeat: a loader that gives one batch again and again, and data with few distinct rows."""

import numpy as np

from pitfalls.diagnosis.evidence.data import Repeats
from pitfalls.diagnosis.learners import Floats

__all__ = ["find_repeats"]

_LEAST_CYCLES = 3
_LEAST_ROWS = 32
_LONGEST_PERIOD = 256


def find_repeats(
    features: Floats, order: tuple[tuple[str, ...], ...], labels: Floats | None = None
) -> Repeats:
    """Count distinct rows, and look for a period in the order of the data.

    Parameters
    ----------
    features : ndarray of shape (n, d)
    order : tuple of tuple of str
        Digests of examples, batch by batch; see `Samples.order`.
    labels : ndarray of shape (n, q), optional
    """
    rows = _distinct(features)
    pairs = rows if labels is None else _distinct(np.concatenate([features, labels], axis=1))
    kinds = 1 + (np.diff(np.sort(features, axis=0), axis=0) != 0).sum(0)
    possible = float(10 ** min(float(np.log10(kinds).sum()), 300.0))
    varying = kinds[kinds > 1]
    values = float(np.median(varying)) / rows if len(varying) else 0.0
    n = len(features)
    return Repeats(rows / n, values, possible, n, _period(order), pairs / n)


def _distinct(rows: Floats) -> int:
    return len({row.tobytes() for row in rows + 0.0})  # minus zero is zero


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
