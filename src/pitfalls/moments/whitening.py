"""The one whitening: S = E E' and F with F'E = I, in units of the columns, whatever the rank of S.

Columns are first scaled to unit length, so that no decision depends on their units. Cholesky's factor
of what results will do where all columns are independent; else the same with pivots says which columns
are new and which depend on those, up to rounding. With x_dropped = M x_kept the factor of the whole is
E = [B; M B], B B' = S on the columns kept, and F = E (E'E)^{-1}: what F gives is of least norm in the
data's own units.

Sums about zero, S = C + n m m' with C about the mean m, are not factored as they are: far from zero
that loses the digits of C. In white coordinates of C they are I + n q q', q = F_c' m: with q as first
axis, the root is diag(g, 1, ..., 1), g² = 1 + n|q|². If m is no combination of columns that vary (a
column of ones, say), it is one direction more.

References
----------
A. J. Cox, N. J. Higham, Stability of Householder QR factorization for weighted least squares problems,
Numerical Analysis 1997, Pitman Research Notes in Mathematics 380, 1998.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from jaxtyping import Float64, Int
from scipy.linalg import lapack, norm, qr, solve_triangular

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.moments.rounding import constant_columns, pivot_rounding
from pitfalls.moments.second_moments import SecondMoments
from pitfalls.moments.streaming import FAINTEST

__all__ = ["Whitening", "whiten_inputs", "whiten_outputs"]

Matrix: TypeAlias = npt.NDArray[np.float64]
Columns: TypeAlias = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False, repr=False)
class Whitening(Displayed):
    """S + ridge·I = E E' on the space that S sees.

    Parameters
    ----------
    scale : ndarray of shape (d,)
        Root of the diagonal of S: the columns' units. 0 where a column is constant (or zero).
    kept : ndarray of shape (rank,), int
        Columns that are independent of each other.
    dropped : ndarray of shape (d - rank,), int
        The others: constant, or a combination of those kept up to `rounding`.
    dependence : ndarray of shape (d - rank, rank)
        M, what combination: x_dropped = M x_kept. Rows of zeros for constant columns.
    dependence_rounding : float
        How far a coefficient of it may be off, with every column at unit length; smaller ones are 0.
    rounding : float
        Squared share of a column that had to be new for it to be kept.
    mean : ndarray of shape (rank,)
        F' m, the mean in white coordinates; zeros where S is about the mean.
    gain : float
        g of the module's docstring: 1 where S is about the mean, infinite where the mean is a
        direction of its own.
    factor : Triangular or Dense
        B.
    """

    scale: Float64[np.ndarray, " d"]
    kept: Int[np.ndarray, " rank"]
    dropped: Int[np.ndarray, " left"]
    dependence: Float64[np.ndarray, "left rank"]
    dependence_rounding: float
    rounding: float
    mean: Float64[np.ndarray, " rank"]
    gain: float
    factor: "Triangular | Dense"

    @property
    def rank(self) -> int:
        """Directions that S sees."""
        return len(self.kept)

    @property
    def n_features(self) -> int:
        """All columns, d."""
        return len(self.scale)

    @cached_property
    def _in_order(self) -> bool:
        """Whether all columns are kept and B has them in their own order, not in that of the pivots."""
        return bool(np.array_equal(self.kept, np.arange(self.n_features)))

    @cached_property
    def _share(self) -> Matrix:
        """M (I + M'M)^{-1}: what of a kept column's coefficient goes to those that depend on it."""
        m = self.dependence
        tall = m.T if len(m) <= m.shape[1] else m
        # Least squares on [tall; I], since a product M'M would square what units differ by. Long rows
        # first and with pivots Householder's QR keeps the digits of every row (Cox, Higham 1998).
        both = np.vstack([tall, np.eye(tall.shape[1])])
        order = np.argsort(-np.abs(both).max(axis=1, initial=0.0), kind="stable")
        q, r, columns = qr(both[order], mode="economic", pivoting=True, check_finite=False)
        above = order < len(tall)
        share = np.empty(tall.T.shape)
        share[np.ix_(columns, order[above])] = solve_triangular(r, q[above].T)
        return share if tall is not m else share.T

    def project(self, b: Float64[np.ndarray, "d k"]) -> Float64[np.ndarray, "rank k"]:
        """Return F' b of shape (rank, k) for b of shape (d, k)."""
        if self._in_order:
            return self.factor.solve(b)
        kept = self.factor.solve(b[self.kept])
        return kept + self.beyond(b) if len(self.dropped) else kept

    def beyond(self, b: Float64[np.ndarray, "d k"]) -> Float64[np.ndarray, "rank k"]:
        """Return what dropped columns add to `project`: rounding, or that they are new a little."""
        more = b[self.dropped] - self.dependence @ b[self.kept]
        return self.factor.solve(self._share.T @ more)

    def lift(self, u: Float64[np.ndarray, "rank k"]) -> Float64[np.ndarray, "d k"]:
        """Return F u of shape (d, k): directions whose scores on the data are u on white data."""
        v = self.factor.solve_transposed(u)
        if self._in_order:
            return v
        whole = np.empty((self.n_features, u.shape[1]))
        if len(self.dropped):
            whole[self.dropped] = passed = self._share @ v
            # subtracting what was passed on keeps F'E = I whatever the accuracy of the share
            v = v - self.dependence.T @ passed
        whole[self.kept] = v
        return whole

    def solve(self, b: Float64[np.ndarray, "d k"]) -> Float64[np.ndarray, "d k"]:
        """Return S⁺ b, the solution of least norm."""
        return self.lift(self.project(b))

    @cached_property
    def colour(self) -> Float64[np.ndarray, "d rank"]:
        """E of shape (d, rank)."""
        if self._in_order:
            return self.factor.matrix
        whole = np.empty((self.n_features, self.rank))
        whole[self.kept] = self.factor.matrix
        whole[self.dropped] = self.dependence @ self.factor.matrix
        return whole

    @cached_property
    def whiten(self) -> Float64[np.ndarray, "d rank"]:
        """F of shape (d, rank), F'E = I."""
        if self._in_order:
            return self.factor.inverse_transposed
        return self.lift(np.eye(self.rank))

    @cached_property
    def amplification(self) -> float:
        """Bound on how much rounding of S grows in what is solved with it, in the columns' units.

        The squared norm of F with its columns' units taken off: at least 1/λ of the smallest
        eigenvalue of S scaled to unit diagonal.
        """
        return float(np.sum((self.scale[:, None] * self.whiten) ** 2)) if self.rank else 1.0

    def about_zero(self, mean: Float64[np.ndarray, " d"], n: int) -> "Whitening":
        """From the whitening of n rows about this mean make that of their sums about zero.

        Parameters
        ----------
        mean : ndarray of shape (d,)
        n : int
        """
        return _about_zero(self, mean, n)


@dataclass(frozen=True, eq=False, repr=False)
class Triangular(Displayed):
    """B = diag(scale) L with L lower triangular."""

    scale: Matrix
    lower: Matrix

    def solve(self, b: Matrix) -> Matrix:
        """Return B^{-1} b."""
        return np.asarray(solve_triangular(self.lower, b / self.scale[:, None], lower=True))

    def solve_transposed(self, u: Matrix) -> Matrix:
        """Return B^{-T} u."""
        solved = solve_triangular(self.lower, u, lower=True, trans="T")
        return np.asarray(solved / self.scale[:, None])

    @cached_property
    def matrix(self) -> Matrix:
        """B."""
        return np.ascontiguousarray(self.scale[:, None] * np.tril(self.lower))

    @cached_property
    def inverse_transposed(self) -> Matrix:
        """B^{-T}."""
        if not len(self.lower):  # LAPACK complains of it on the terminal
            return self.lower
        inverse, _ = lapack.dtrtri(self.lower, lower=1)
        return np.ascontiguousarray(np.tril(inverse).T / self.scale[:, None])


@dataclass(frozen=True, eq=False, repr=False)
class Dense(Displayed):
    """B and B^{-T} as they are."""

    matrix: Matrix
    inverse_transposed: Matrix

    def solve(self, b: Matrix) -> Matrix:
        """Return B^{-1} b."""
        return np.asarray(self.inverse_transposed.T @ b)

    def solve_transposed(self, u: Matrix) -> Matrix:
        """Return B^{-T} u."""
        return np.asarray(self.inverse_transposed @ u)


def whiten_inputs(moments: SecondMoments, ridge: float = 0.0) -> Whitening:
    """Whiten S_xx + ridge·I, about the mean or about zero as the moments say.

    Parameters
    ----------
    moments : SecondMoments
    ridge : float, default=0
        Added to the diagonal, in the squared units of x.

    Returns
    -------
    Whitening

    Raises
    ------
    InputError
        If ridge is negative or not finite.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0], [2.0, 4.0], [4.0, 8.0]]) * [1e8, 1e-3]
    >>> white = whiten_inputs(SecondMoments.from_arrays(x, x))
    >>> white.rank, white.kept.tolist(), white.dropped.tolist()
    (1, [0], [1])
    """
    centred = _factored(moments.scatter_xx, moments.mean_x, moments.n, ridge)
    return centred if moments.center else centred.about_zero(moments.mean_x, moments.n)


def whiten_outputs(moments: SecondMoments) -> Whitening:
    """Whiten S_yy, about the mean or about zero as the moments say.

    Parameters
    ----------
    moments : SecondMoments

    Returns
    -------
    Whitening
    """
    centred = _factored(moments.scatter_yy, moments.mean_y, moments.n, 0.0)
    return centred if moments.center else centred.about_zero(moments.mean_y, moments.n)


def _factored(scatter: Matrix, mean: Matrix, n: int, ridge: float) -> Whitening:
    """Whiten sums about the mean."""
    if not 0 <= ridge < np.inf:
        raise InputError(f"ridge must be finite and not negative, got {ridge}.")
    d = len(scatter)
    diagonal = np.diagonal(scatter) + ridge
    constant = np.zeros(d, dtype=bool) if ridge else constant_columns(diagonal, mean, n)
    scale = np.where(constant, 0.0, np.sqrt(diagonal))
    varying, rounding = np.flatnonzero(~constant), pivot_rounding(n, d)

    def made(kept: Columns, lower: Matrix, dropped: Columns, dependence: Matrix) -> Whitening:
        still = np.flatnonzero(constant)
        return Whitening(
            scale=scale,
            kept=kept,
            dropped=np.concatenate([dropped, still]),
            dependence=np.concatenate([dependence, np.zeros((len(still), len(kept)))]),
            # rounding of a pivot spreads as far as the inverse of the factor reaches
            dependence_rounding=rounding / float(lower.diagonal().min(initial=1.0)),
            rounding=rounding,
            mean=np.zeros(len(kept)),
            gain=1.0,
            factor=Triangular(scale[kept], lower),
        )

    nobody, nothing = np.zeros(0, dtype=np.intp), np.zeros((0, len(varying)))
    if not len(varying):
        return made(varying, np.zeros((0, 0)), nobody, nothing)
    if ridge or n > len(varying):
        unit = _equilibrated(scatter, scale, varying)
        size = float(norm(unit.T, 1, check_finite=False))
        # the transpose of a symmetric matrix in C order is itself in the order LAPACK works on
        lower, failed = lapack.dpotrf(unit.T, lower=1, clean=0, overwrite_a=1)
        if not failed and lapack.dpocon(lower, size, uplo="L")[0] * size > rounding:
            return made(varying, lower, nobody, nothing)
    # larger units first where nothing else decides: dependent columns then have small coefficients
    order = varying[np.argsort(-scale[varying], kind="stable")]
    unit = _equilibrated(scatter, scale, order)
    packed, pivots, rank, _ = lapack.dpstrf(unit.T, lower=1, tol=rounding, overwrite_a=1)
    order = order[pivots - 1]
    kept, dropped = order[:rank], order[rank:]
    lower = np.asfortranarray(packed[:rank, :rank])
    alike = solve_triangular(lower, packed[rank:, :rank].T, lower=True, trans="T").T
    # rounding of a coefficient would be a coefficient of any size in another column's units
    alike[np.abs(alike) <= rounding / float(lower.diagonal().min())] = 0.0
    return made(kept, lower, dropped, alike * scale[dropped][:, None] / scale[kept])


def _equilibrated(scatter: Matrix, scale: Matrix, columns: Columns) -> Matrix:
    """Scale these rows and columns to unit diagonal. A ridge is in the scale and so in the diagonal."""
    whole = len(columns) == len(scatter) and bool(np.all(np.diff(columns) == 1))
    unit = scatter / scale if whole else scatter[np.ix_(columns, columns)] / scale[columns]
    unit /= scale[columns, None]
    np.fill_diagonal(unit, 1.0)
    return np.asarray(unit)


def _about_zero(white: Whitening, mean: Matrix, n: int) -> Whitening:
    """Turn the whitening of sums about the mean into that of sums about zero."""
    squares = white.scale**2 + n * mean**2
    if ((mean != 0) & (squares < FAINTEST)).any():
        raise InputError(
            "about_zero: a column's sum of squares is beyond float64, which would take it for zero. "
            "Rescale the data first."
        )
    scale = np.sqrt(squares)
    m, more = mean[white.kept], white.dependence
    left = mean[white.dropped] - more @ m  # of the mean, what the columns kept do not explain
    terms = scale[white.dropped] + np.abs(more) @ scale[white.kept]
    share = n * left**2 / np.maximum(terms**2, np.finfo(float).tiny)
    left[share <= white.dependence_rounding**2] = 0.0
    back = white.factor.inverse_transposed
    if share.max(initial=0.0) <= white.rounding:
        q = white.factor.solve(m[:, None])[:, 0]  # a product with the inverse would not give m back
        length = float(np.linalg.norm(q))
        if length == 0.0:
            return replace(white, scale=scale)
        # the mean becomes the first axis, so that its size costs the others no digits
        g = float(np.hypot(1, np.sqrt(n) * length))
        matrix, inverse = _with_first_axis(white.factor.matrix, q), _with_first_axis(back, q)
        matrix[:, 0] = m * (g / length)
        inverse[:, 0] /= g
        along = np.zeros(len(q))
        along[0] = length / g
        factor = Dense(matrix, inverse)
        return replace(white, scale=scale, mean=along, gain=g, factor=factor)
    # of those that the mean nearly is, the one in the largest units, as in _factored
    k = int(np.where(share >= 0.5 * share.max(), np.abs(left), 0.0).argmax())
    rest = np.arange(len(left)) != k
    root, row = np.sqrt(n), more[k]
    ratio = left[rest] / left[k]
    matrix = np.block(
        [
            [white.factor.matrix, root * m[:, None]],
            [row[None] @ white.factor.matrix, np.array([[root * mean[white.dropped[k]]]])],
        ]
    )
    inverse = np.block(
        [
            [back + np.outer(row, (back.T @ m) / left[k]), -row[:, None] / (root * left[k])],
            [-(back.T @ m)[None] / left[k], np.array([[1 / (root * left[k])]])],
        ]
    )
    return replace(
        white,
        scale=scale,
        kept=np.append(white.kept, white.dropped[k]),
        dropped=white.dropped[rest],
        dependence=np.hstack([more[rest] - np.outer(ratio, row), ratio[:, None]]),
        mean=np.append(np.zeros(white.rank), 1 / root),
        gain=np.inf,
        factor=Dense(matrix, inverse),
    )


def _with_first_axis(matrix: Matrix, q: Matrix) -> Matrix:
    """Multiply from the right with an orthogonal matrix whose first column is q/|q|."""
    v = q / np.linalg.norm(q)
    sign = 1.0 if v[0] >= 0 else -1.0
    v[0] += sign
    turned = matrix - np.outer(matrix @ v, v / abs(v[0]))  # Householder's, |v|² = 2|v_1|
    turned[:, 0] *= -sign
    return turned
