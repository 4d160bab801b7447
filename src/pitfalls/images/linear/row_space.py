"""Fewer rows than columns: all that is linear lives in the space that the rows span.

X - m = Z Q' with Q of shape (d, r) orthonormal and r < n. PCA, CCA and least squares (of least norm, or
with a ridge) on X are those on Z, with directions Q w for w, so that nothing of shape (d, d) is formed:
Z and Q follow from the Gram matrix of the rows, of shape (n, n).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh
from scipy.sparse import issparse

from pitfalls.moments import SecondMoments, pivot_rounding

__all__ = ["RowSpace", "row_space"]

Matrix = npt.NDArray[np.float64]

WIDE_FROM = 1024  # columns from which a (d, d) matrix is worth avoiding
ALIKE = 1e4  # ratio of columns' units up to which rounding in one does not drown another
CHUNK_VALUES = 1 << 22  # 32 MB in float64


@dataclass(frozen=True, eq=False)
class RowSpace:
    """Rows about their mean in an orthonormal basis of their span.

    Attributes
    ----------
    rows : ndarray or sparse matrix of shape (n, d)
    mean : ndarray of shape (d,)
    root : ndarray of shape (n,)
        What each row counts, as the root of its weight.
    coordinates : ndarray of shape (n, r)
        Z, of the weighted rows.
    """

    rows: Any
    mean: Matrix
    root: Matrix
    coordinates: Matrix
    weights: Matrix

    def moments(self, targets: Matrix, mean: Matrix) -> SecondMoments:
        """Return the moments of the coordinates and of targets (n, q), weighted, about ``mean`` (q,)."""
        centred = (targets - mean) * self.root[:, None]
        z = self.coordinates
        return SecondMoments(
            n=len(z),
            mean_x=np.zeros(z.shape[1]),
            mean_y=mean,
            scatter_xx=z.T @ z,
            scatter_yx=centred.T @ z,
            scatter_yy=centred.T @ centred,
            center=True,
        )

    def lift(self, directions: Matrix) -> Matrix:
        """Return Q w of shape (d, k) for w of shape (r, k)."""
        factors = self.weights @ directions
        lifted = np.empty((self.rows.shape[1], directions.shape[1]))
        for columns, part in _centred_columns(self.rows, self.mean, self.root):
            lifted[columns] = part.T @ factors
        return lifted


def row_space(
    rows: Any, weight: Matrix | None = None, *, about_mean: bool = True
) -> RowSpace | None:
    """Find the span of the rows, where that is the cheaper way and as safe as the other.

    Parameters
    ----------
    rows : ndarray or sparse matrix of shape (n, d)
        Real and finite.
    weight : ndarray of shape (n,), optional
        What each row counts, positive; one each if not given.
    about_mean : bool, default=True
        Whether the rows are taken about their (weighted) mean, or as they are.

    Returns
    -------
    RowSpace or None
        None where there are no fewer rows than columns, few columns, or columns whose units differ by
        so much that a Gram matrix of the rows would lose the small ones.
    """
    n, d = rows.shape
    if n >= d or d < WIDE_FROM:
        return None
    sparse = bool(issparse(rows))
    rows = rows.tocsc() if sparse else rows
    share = np.ones(n) if weight is None else weight
    mean, root = np.zeros(d), np.sqrt(share)
    if about_mean:
        # about the first row, so that a constant column leaves nothing
        first = np.asarray(rows[:1].toarray() if sparse else rows[:1], dtype=np.float64)[0]
        for columns, part in _centred_columns(rows, first, np.ones(n)):
            mean[columns] = first[columns] + share @ part / share.sum()
    gram, spread = np.zeros((n, n)), np.zeros(d)
    for columns, part in _centred_columns(rows, mean, root):
        gram += part @ part.T
        spread[columns] = np.sqrt((part**2).sum(axis=0))
    varying = spread[spread > 0]
    if len(varying) == 0 or varying.max() > ALIKE * varying.min():
        return None
    values, vectors = eigh(gram)
    kept = values > pivot_rounding(d, n) * values[-1]
    size = np.sqrt(values[kept])
    return RowSpace(rows, mean, root, vectors[:, kept] * size, vectors[:, kept] / size)


def _centred_columns(rows: Any, mean: Matrix, root: Matrix) -> Iterator[tuple[slice, Matrix]]:
    """Yield some columns at a time, in float64, about their mean and weighted."""
    step, sparse = max(CHUNK_VALUES // len(root), 1), bool(issparse(rows))
    for start in range(0, len(mean), step):
        columns = slice(start, start + step)
        part = rows[:, columns]
        part = part.toarray() if sparse else part
        yield columns, (part.astype(np.float64) - mean[columns]) * root[:, None]
