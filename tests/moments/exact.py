"""Slow least squares to compare with: columns scaled, then Gram-Schmidt in long double."""

import numpy as np


def column_basis(x):
    """Return orthonormal vectors that span the columns of x."""
    x, basis = np.asarray(x, dtype=np.longdouble), []
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
