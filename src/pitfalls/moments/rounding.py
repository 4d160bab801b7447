"""What rounding hides: every threshold on second moments, once, with its reason.

All are free of units: multiplying a column of the data by 10^k moves none of the decisions.
"""

import math

import numpy as np
import numpy.typing as npt

__all__ = [
    "EPS",
    "constant_columns",
    "pivot_rounding",
    "sum_rounding",
    "value_rounding",
    "zero_rounding",
]

EPS = float(np.finfo(np.float64).eps)


def sum_rounding(n: int) -> float:
    """How far a sum of n products x_k y_k may be off, as a share of sqrt(Σx² Σy²).

    Blocked summation errs by about ε·log n at worst and ε·√log n on the whole; 8 leaves room for
    BLAS's longer blocks and for rounding of the values themselves.
    """
    return 8 * EPS * (1 + math.log2(max(n, 1)))


def zero_rounding(n: int) -> float:
    """Share of sqrt(Σx² Σy²) below which a sum of n products x_k y_k counts as zero.

    16 times what the sum itself rounds: values that were computed, residuals of a regression say,
    carry the rounding of what they were computed from.
    """
    return 16 * sum_rounding(n)


def value_rounding(n: int) -> float:
    """Share of sqrt(Σx² Σ(y - ȳ)²) by which rounding of n values x, means and all, moves Σ x (y - ȳ).

    Every value is off by ε of itself at most, and independently: the sum by ε/√n of the whole. 16 for
    the same reason as in `zero_rounding`, 4 standard deviations.
    """
    return 64 * EPS / math.sqrt(n)


def pivot_rounding(n: int, d: int) -> float:
    """Squared share of a column that is new, beside d others, up to which it is rounding.

    The column's own sum over n rows errs by `sum_rounding`, and every column taken off rounds anew.
    Squares: a direction counts as noise from about the root of this on, 1e-7 of its columns.
    """
    return sum_rounding(n) + 8 * EPS * d


def constant_columns(
    diagonal: npt.NDArray[np.float64], mean: npt.NDArray[np.float64], n: int
) -> npt.NDArray[np.bool_]:
    """Which columns are constant: they vary by less than 16 roundings of their mean."""
    return np.asarray(diagonal <= n * (16 * EPS * mean) ** 2)
