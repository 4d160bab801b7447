"""Factor S_xx once: what least squares and CCA both need, whatever its rank."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh, lapack, norm, solve_triangular

from pitfalls.errors import InputError
from pitfalls.moments import SecondMoments

__all__ = ["FactoredGram", "factor_gram", "factor_inputs"]

Matrix: TypeAlias = npt.NDArray[np.float64]

SAFE_RCOND = 1e-13  # of the equilibrated matrix; below it Cholesky could take noise for signal


@dataclass(frozen=True, eq=False)
class FactoredGram:
    """S + ridge·I = F F' on the space that S sees.

    Parameters
    ----------
    factor : ndarray of shape (m, m) or (m, r)
        Lower triangular and scaled by ``scale`` from the left where all columns that vary are
        independent; else Q Λ^{1/2}.
    rank : int
        Number of directions kept.
    scale : ndarray of shape (m,)
        Root of the diagonal (1 where it is projected).
    values : ndarray of shape (r,) or None
        The eigenvalues kept; None where all are, and none were computed.
    varying : ndarray of shape (m,), int
        The columns that are not constant: the others have coefficient 0.
    n_features : int
        d, all columns.
    """

    factor: Matrix
    rank: int
    scale: Matrix
    values: Matrix | None
    varying: npt.NDArray[np.intp]
    n_features: int

    def whiten(self, b: Matrix) -> Matrix:
        """Return F⁺ b."""
        if self.n_features > len(self.varying):
            b = b[self.varying]
        if self.values is None:
            scaled = b / self.scale[:, None]
            return np.asarray(solve_triangular(self.factor, scaled, lower=True))
        return np.asarray(self.factor.T @ b / self.values[:, None])

    def unwhiten(self, u: Matrix) -> Matrix:
        """Return F⁺' u, the directions whose scores on the data are u on whitened data."""
        if self.values is None:
            solved = solve_triangular(self.factor, u, lower=True, trans="T")
            directions = solved / self.scale[:, None]
        else:
            directions = self.factor @ (u / self.values[:, None])
        if self.n_features == len(self.varying):
            return np.asarray(directions)
        whole = np.zeros((self.n_features, u.shape[1]))
        whole[self.varying] = directions
        return whole

    def solve(self, b: Matrix) -> Matrix:
        """Return S⁺ b, the solution of least norm."""
        return self.unwhiten(self.whiten(b))


def factor_inputs(moments: SecondMoments, ridge: float = 0.0) -> FactoredGram:
    """Factor S_xx + ridge·I of these moments, about the mean. Least squares and CCA share it."""
    return factor_gram(moments.scatter_xx, moments.n, moments.mean_x, ridge)


def factor_gram(gram: Matrix, n: int, mean: Matrix, ridge: float = 0.0) -> FactoredGram:
    """Factor a centred Gram matrix S, by Cholesky if it safely has full rank.

    Columns that are constant up to rounding (``mean`` gives their scale) are left out: S says
    nothing of them, and the solution of least norm has zeros there. Where the others depend on each
    other, the directions with eigenvalues below max(n, d)·ε·λ_max are projected away, so that a
    solution is the one of least norm. Eigenvalues are squares: then, and only then, a direction
    counts as noise from about √(nε) of the largest spread on, a column in very small units too.

    Parameters
    ----------
    gram : ndarray of shape (d, d)
        Sum over the rows of (x - mean)(x - mean)'.
    n : int
        Number of rows.
    mean : ndarray of shape (d,)
        Their mean.
    ridge : float, default=0
        Added to the diagonal.

    Raises
    ------
    InputError
        If ridge is negative or not finite.
    """
    if not 0 <= ridge < np.inf:
        raise InputError(f"ridge must be finite and not negative, got {ridge}.")
    d = len(gram)
    diagonal = np.diagonal(gram).copy()
    constant = diagonal <= n * (16 * np.finfo(float).eps * mean) ** 2
    varying = np.arange(d) if ridge else np.flatnonzero(~constant)
    if len(varying) == 0:
        return FactoredGram(np.zeros((0, 0)), 0, np.ones(0), np.zeros(0), varying, d)
    if len(varying) < d:
        gram, diagonal = gram[np.ix_(varying, varying)], diagonal[varying]
    if ridge or n > len(varying):
        scale = np.sqrt(diagonal + ridge)
        equilibrated = gram / scale
        equilibrated /= scale[:, None]
        np.fill_diagonal(equilibrated, 1.0)
        size = float(norm(equilibrated.T, 1, check_finite=False))
        # the transpose of a symmetric matrix in C order is itself in the order LAPACK works on
        lower, failed = lapack.dpotrf(equilibrated.T, lower=1, clean=0, overwrite_a=1)
        if not failed and lapack.dpocon(lower, size, uplo="L")[0] > SAFE_RCOND:
            return FactoredGram(lower, len(varying), scale, None, varying, d)
    values, vectors = _spectrum(gram, n)
    values = values + ridge
    return FactoredGram(
        vectors * np.sqrt(values), len(values), np.ones(len(varying)), values, varying, d
    )


def _spectrum(gram: Matrix, n: int) -> tuple[Matrix, Matrix]:
    """Eigenvalues above the noise and their vectors.

    With fewer rows than columns pivoted Cholesky first shrinks the problem: S = C C' with C of
    shape (d, r), and the eigenvalues of C'C are those of S.
    """
    d = len(gram)
    if n <= d:
        packed, pivots, rank, _ = lapack.dpstrf(gram, lower=1)
        columns = np.zeros((d, rank))
        columns[pivots - 1] = np.tril(packed)[:, :rank]
        values, inner = eigh(columns.T @ columns)
        kept = _above_noise(values, n, d)
        values = values[kept]
        vectors = columns @ inner[:, kept] / np.sqrt(values)
    else:
        values, vectors = eigh(gram)
        kept = _above_noise(values, n, d)
        values, vectors = values[kept], vectors[:, kept]
    return np.asarray(values), np.asarray(vectors)


def _above_noise(values: Matrix, n: int, d: int) -> npt.NDArray[np.bool_]:
    largest = float(values.max(initial=0.0))
    return np.asarray(values > max(n, d) * np.finfo(float).eps * largest)
