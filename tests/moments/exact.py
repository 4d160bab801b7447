"""Slow least squares to compare with: Gram-Schmidt in long double on scaled columns, and rationals."""

from fractions import Fraction

import numpy as np


def column_basis(x):
    """Return orthonormal vectors that span the columns of x."""
    x = np.asarray(x, dtype=np.longdouble)
    basis: list[np.ndarray] = []
    size = np.sqrt((x**2).sum(axis=0))
    for column in (x[:, size > 0] / size[size > 0]).T:
        rest = column
        for _ in range(3):
            for q in basis:
                rest = rest - q * (q @ rest)
        if np.sqrt(rest @ rest) > 1e-9:
            basis.append(rest / np.sqrt(rest @ rest))
    return basis


def residuals(x, y, *, center=False):
    """Return what is left of y after regression on the columns of x, and the rank of x."""
    x, y = np.asarray(x, dtype=np.longdouble), np.asarray(y, dtype=np.longdouble)
    if center:
        x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    basis = column_basis(x)
    for _ in range(2):
        for q in basis:
            y = y - np.outer(q, q @ y)
    return y, len(basis)


def least_risk(x, y, *, center=False):
    """Return ½ Σ of the squared residuals of least squares."""
    left, _ = residuals(x, y, center=center)
    return float(0.5 * (left**2).sum())


def rational_least_risk(x, y):
    """Return the same without rounding, for independent columns."""
    x = [[Fraction(float(v)) for v in row] for row in x]
    y = [[Fraction(float(v)) for v in row] for row in y]
    both = [a + b for a, b in zip(x, y, strict=True)]
    size, d = len(both[0]), len(x[0])
    sums = [[sum(row[i] * row[j] for row in both) for j in range(size)] for i in range(size)]
    for k in range(d):  # Gauss: what is left below is the Schur complement
        for i in range(k + 1, size):
            factor = sums[i][k] / sums[k][k]
            sums[i] = [a - factor * b for a, b in zip(sums[i], sums[k], strict=True)]
    return float(sum(sums[i][i] for i in range(d, size)) / 2)
