"""Made-up results, for words and figures at their edges."""

import numpy as np

from pitfalls.experiments.parity_signal import SignalResult, SignalRow
from pitfalls.experiments.parity_signal.records import SignalCells

__all__ = ["result_of"]


def result_of(*dimensions: int, n: int = 2, exact: bool = True) -> SignalResult:
    """Return a result whose signal is 2^-d and whose bounds are 400, 2 and 1.5 times too large."""
    d = np.repeat(np.array(dimensions), n)
    one = np.ones(len(d))
    cells = SignalCells(
        d, np.arange(len(d)), -1.0 * d, 8 * one, 400 * one, 2 * one, 1.5 * one, one, one / 100,
        np.full(len(d), exact),
    )  # fmt: skip
    rows = tuple(
        SignalRow(m, 10 * m, n, exact, -float(m), 8.0, 7.0, 9.0, 0.01, 400.0, 2.0, 1.5)
        for m in dimensions
    )
    return SignalResult(rows, cells, 100)
