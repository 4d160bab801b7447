"""The data in white coordinates: the singular modes that every statement on the landscape is about.

References
----------
J. Demmel, K. Veselić, Jacobi's method is more accurate than QR, SIAM Journal on Matrix Analysis and
Applications 13 (1992).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64
from scipy.sparse.linalg import svds

from pitfalls.display import Displayed
from pitfalls.linear.network import Matrix
from pitfalls.moments import EPS, SecondMoments, Whitening, sum_rounding, whiten_inputs

__all__ = ["DataModes", "find_modes"]

_GRADED = 1e-3  # rows that differ by less lose three digits at most
_MOST_PAIRED = 64  # rows, so that their pairs take no time
_MOST_SWEEPS = 30


@dataclass(frozen=True, eq=False, repr=False)
class DataModes(Displayed):
    """The data in coordinates in which the inputs are white: R = ½‖M − K‖² + floor.

    M = W̄ E with E E' = S_xx, and K = S_yx F = U diag(s) Z'. The squares of s are the λ of the
    theorem on critical points. A mode, or an output, that is rounding of what S_yx was summed from is
    zero, exactly, in `values` and in K.

    Parameters
    ----------
    values : ndarray of shape (m,)
        s, largest first, m = min(p, rank X); zeros from `rank` on.
    left : ndarray of shape (p, m)
        U, directions of the output.
    right : ndarray of shape (rank X, m)
        Z, directions of the whitened input.
    correlation : ndarray of shape (p, rank X)
        K.
    inputs : Whitening
        Of S_xx: E, F, the rank of X and the columns that add nothing to it.
    errors : ndarray of shape (m,)
        How far every mode may be off. Modes that differ by less cannot be told apart.
    rounding : float
        How far K as a whole may be off, in the Frobenius norm.
    dropped : float
        Frobenius norm of what was taken from K as rounding, and of what columns that were dropped as
        dependent add to it.
    floor : float
        The risk of unconstrained least squares.
    floor_rounding : float
        How far the floor may be off: it is a difference of sums of squares, and where the fit is
        exact nothing but this is left.
    """

    values: Float64[np.ndarray, " m"]
    left: Float64[np.ndarray, "p m"]
    right: Float64[np.ndarray, "rank m"]
    correlation: Float64[np.ndarray, "p rank"]
    inputs: Whitening
    errors: Float64[np.ndarray, " m"]
    rounding: float
    dropped: float
    floor: float
    floor_rounding: float

    @property
    def colour(self) -> Float64[np.ndarray, "d rank"]:
        """E of shape (d, rank X): a first layer W_1 becomes W_1 E in white coordinates."""
        return self.inputs.colour

    @property
    def whiten(self) -> Float64[np.ndarray, "d rank"]:
        """F of shape (d, rank X) with F'E = I: back with W_1 = (W_1 E) F'."""
        return self.inputs.whiten

    @property
    def lift(self) -> Float64[np.ndarray, "d m"]:
        """F Z of shape (d, m): takes a first layer on canonical inputs to one on the inputs."""
        return np.asarray(self.whiten @ self.right)

    @cached_property
    def largest_x(self) -> float:
        """The largest singular value of X."""
        return _spectral_norm(self.colour)

    @cached_property
    def smallest_x(self) -> float:
        """The smallest singular value of X on its row space."""
        size = _spectral_norm(self.whiten)
        return 1.0 / size if size > 0 else 1.0

    @property
    def rank_x(self) -> int:
        """Rank of X, free of the columns' units (`Whitening.rounding` says up to what)."""
        return self.inputs.rank

    @property
    def rank(self) -> int:
        """Number of modes: the rank of Y'X. Zero means that there is nothing to learn."""
        return int(np.count_nonzero(self.values))

    def excess(self, product: Float64[np.ndarray, "p rank"], max_rank: int) -> float:
        """Return R of a map M in white coordinates less the least risk of rank `max_rank`."""
        tail = float(np.sum(self.values[max_rank:] ** 2))
        return 0.5 * (float(np.sum((product - self.correlation) ** 2)) - tail)


def find_modes(moments: SecondMoments) -> DataModes:
    """Whiten the inputs and decompose what the outputs have in common with them."""
    n, mean_x, mean_y = moments.n, moments.mean_x, moments.mean_y
    centred = whiten_inputs(moments.centered())
    explained = centred.project(moments.scatter_yx.T).T
    cross, squares = moments.scatter_yx.T, np.diagonal(moments.scatter_yy)
    floor, floor_rounding = _unexplained(n, squares, centred, explained, cross)
    inputs, correlation = centred, explained
    if not moments.center:
        inputs = centred.about_zero(mean_x, n)
        # S_yx F = C_yx F + n m_y (F'm)', and the best fit through zero misses the means by this much
        correlation = inputs.project(moments.scatter_yx.T).T + n * np.outer(mean_y, inputs.mean)
        if np.isfinite(inputs.gain):
            missed = mean_y - explained @ centred.project(mean_x[:, None])[:, 0]
            floor += 0.5 * n * float(missed @ missed) / inputs.gain**2
            # the means are known up to rounding of the values
            lengths = moments.lengths_y + np.abs(centred.lift(explained.T).T) @ moments.lengths_x
            moved = 16 * EPS * lengths / np.sqrt(n)
            floor_rounding += 0.5 * n * float((2 * np.abs(missed) + moved) @ moved) / inputs.gain**2
        direct = _unexplained_about_zero(moments, inputs.rank)
        floor, floor_rounding = min((floor, floor_rounding), direct, key=lambda found: found[1])
    noise = _noise(moments, centred, inputs, correlation)
    kept, rank = _without_rounding(correlation, noise)
    left, values, right, computed = _decomposed(kept, rank)
    values = np.where(np.arange(len(values)) < rank, values, 0.0)
    # u' δK z, and what rounding of S_xx in the columns' units does to z
    moved = np.sqrt(np.einsum("jk,jr,kr->k", left**2, noise**2, right**2, optimize=True))
    stretch = np.sum((centred.scale[:, None] * (inputs.whiten @ right.T)) ** 2, axis=0)
    dropped = float(np.linalg.norm(correlation - kept))
    if len(inputs.dropped):
        dropped += float(np.linalg.norm(inputs.beyond(cross)))
    turned = sum_rounding(n) * centred.amplification * float(values.max(initial=0.0))
    return DataModes(
        values=values,
        left=np.asarray(left),
        right=np.asarray(right).T,
        correlation=kept,
        inputs=inputs,
        errors=moved + sum_rounding(n) * values * stretch + dropped + computed,
        rounding=float(np.linalg.norm(noise)) + turned + dropped,
        dropped=dropped,
        floor=floor,
        floor_rounding=floor_rounding + EPS * floor,
    )


def _unexplained(
    n: int, squares: Matrix, inputs: Whitening, explained: Matrix, cross: Matrix
) -> tuple[float, float]:
    """Return the risk of least squares on white inputs, and how far it may be off.

    From every output's sum of squares and its K, about the mean or about zero as the inputs are.
    """
    left = np.maximum(squares - np.sum(explained**2, axis=1), 0.0)
    # a residual is summed from y and from every column's share in the fit
    shares = inputs.lift(explained.T).T * inputs.scale
    terms = (np.sqrt(squares) + _norms(shares)) ** 2
    # columns that were dropped and are new a little would move K by this much
    new = np.abs(inputs.beyond(cross).T) if len(inputs.dropped) else np.zeros_like(explained)
    moved = float(np.sum((2 * np.abs(explained) + new) * new))
    return 0.5 * float(np.sum(left)), 0.5 * sum_rounding(n) * float(np.sum(terms)) + moved


def _unexplained_about_zero(moments: SecondMoments, rank: int) -> tuple[float, float]:
    """Return the same of sums about zero as they are; an error that is infinite at another rank.

    Far from zero they have lost their digits, but near it they may be far from dependent where what is
    left of them about their mean nearly is.
    """
    zero_x, zero_y = np.zeros(moments.n_features), np.zeros(moments.n_outputs)
    sums = (moments.sxx, moments.syx, moments.syy)
    plain = SecondMoments(moments.n, zero_x, zero_y, *sums, center=True)
    inputs = whiten_inputs(plain)
    explained = inputs.project(plain.syx.T).T
    found = _unexplained(moments.n, np.diagonal(plain.syy), inputs, explained, plain.syx.T)
    return found if inputs.rank == rank else (np.inf, np.inf)


def _noise(
    moments: SecondMoments, centred: Whitening, inputs: Whitening, correlation: Matrix
) -> Matrix:
    """Return the size below which an entry of K is rounding of what it was summed from."""
    n, about = moments.n, moments.centered()
    # squares of numbers without units: those of the columns' own may leave float64's range
    units_x, units_y = (np.where(of > 0, of, 1.0) for of in (moments.lengths_x, moments.lengths_y))
    noise = (about.syx_rounding / units_y[:, None] / units_x) ** 2
    square = noise @ (units_x[:, None] * inputs.whiten) ** 2
    if np.isfinite(inputs.gain):
        # the mean of x is known up to rounding of x, which the mean of y multiplies
        reach = moments.lengths_x[:, None] * centred.whiten
        drift = (16 * EPS) ** 2 / n * np.sum(reach**2, axis=0)
        share = 0.0 if moments.center else n / inputs.gain * (moments.mean_y / units_y)
        square = square + np.outer(np.square(share) * np.ones(len(square)), drift)
    return np.asarray(units_y[:, None] * np.sqrt(square) + sum_rounding(n) * np.abs(correlation))


def _without_rounding(correlation: Matrix, noise: Matrix) -> tuple[Matrix, int]:
    """Return K without the modes that are rounding, and the number of the others.

    Every entry counts in units of its own noise, or nearly so: neither an output in small units nor a
    direction of the input that is hardly there hides the rest.
    """
    rows = noise.max(axis=1, initial=0.0)
    alive = rows > 0  # an output without rounding is zero throughout
    by_rows = correlation / np.where(alive, rows, 1.0)[:, None]
    columns = (noise / np.where(alive, rows, 1.0)[:, None]).max(axis=0, initial=0.0)
    columns[columns == 0] = 1.0
    unit = by_rows / columns
    most = np.sqrt(len(columns))  # the norm of a row of ones
    left, sizes, _ = np.linalg.svd(unit, full_matrices=False)
    rank = int(np.sum(sizes > most))
    if rank < len(sizes):
        # from the left, so that every column of K keeps its own digits, and in units of the noise, lest
        # an output that is rounding spill into the others
        basis = left[:, :rank]
        correlation = rows[:, None] * (basis @ (basis.T @ by_rows))
    # an output that is rounding throughout is zero, lest its own size make it look like something
    return np.where((_norms(unit) <= most)[:, None], 0.0, correlation), rank


def _decomposed(rows: Matrix, rank: int) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Decompose a matrix of this rank: U, s, Z', and how far rounding has moved every s.

    The usual decomposition errs by a share of the largest value. Outputs in small units would be lost
    in that, so where rows differ much in size they are made orthogonal pair by pair, which errs by a
    share of each row (Demmel, Veselić 1992).
    """
    sizes = _norms(rows)
    order = np.argsort(-sizes, kind="stable")
    p, r = rows.shape
    if rank == p <= min(r, _MOST_PAIRED) and sizes.min() < _GRADED * sizes.max():
        turned, values, right = _orthogonal_rows(rows[order])
        least = float(np.linalg.svd(rows / sizes[:, None], compute_uv=False)[-1])
        share = EPS * (p + r) * np.sqrt(p) / max(least, EPS)
        left, errors = np.empty((p, p)), share * values
    else:
        turned, values, right = np.linalg.svd(rows[order], full_matrices=False)
        left, errors = np.empty_like(turned), np.full(len(values), EPS * (p + r))
        errors *= values.max(initial=0.0)
    left[order] = turned
    return left, values, right, errors


def _orthogonal_rows(rows: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """Decompose a matrix of full row rank by Jacobi's rotations: U, s, Z'."""
    p, unit = len(rows), float(np.abs(rows).max())
    rows, turned = rows / unit, np.eye(p)
    for _ in range(_MOST_SWEEPS):
        still = True
        for i in range(p):
            for j in range(i + 1, p):
                a, b, c = (float(rows[k] @ rows[m]) for k, m in ((i, i), (j, j), (i, j)))
                if abs(c) <= EPS * np.sqrt(a) * np.sqrt(b):
                    continue
                still = False
                zeta = (b - a) / (2 * c)
                t = (1.0 if zeta >= 0 else -1.0) / (abs(zeta) + np.hypot(1.0, zeta))
                cosine = 1 / np.hypot(1.0, t)
                turn = np.array([[cosine, -cosine * t], [cosine * t, cosine]])
                rows[[i, j]] = turn @ rows[[i, j]]
                turned[[i, j]] = turn @ turned[[i, j]]
        if still:
            break
    values = _norms(rows)
    order = np.argsort(-values, kind="stable")
    return turned[order].T, values[order] * unit, rows[order] / values[order, None]


def _norms(rows: Matrix) -> Matrix:
    return np.asarray(np.linalg.norm(rows, axis=1))


def _spectral_norm(matrix: Matrix) -> float:
    if min(matrix.shape) <= 400:
        return float(np.linalg.norm(matrix, 2)) if matrix.size else 0.0
    top = svds(matrix, k=1, return_singular_vectors=False, tol=1e-8, random_state=0)
    return float(top[0])
