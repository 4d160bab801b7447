"""The data in white coordinates: the singular modes that every statement on the landscape is about."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse.linalg import svds

from pitfalls.linear.network import Matrix
from pitfalls.moments import SecondMoments, Whitening, whiten_inputs
from pitfalls.moments.rounding import sum_rounding

__all__ = ["DataModes", "find_modes"]


@dataclass(frozen=True, eq=False)
class DataModes:
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
    rounding : float
        How far a mode may be off. Modes closer than this cannot be told apart.
    floor : float
        The risk of unconstrained least squares.
    floor_rounding : float
        How far the floor may be off: it is a difference of sums of squares, and where the fit is
        exact nothing but this is left.
    """

    values: Matrix
    left: Matrix
    right: Matrix
    correlation: Matrix
    inputs: Whitening
    rounding: float
    floor: float
    floor_rounding: float

    @property
    def colour(self) -> Matrix:
        """E of shape (d, rank X): a first layer W_1 becomes W_1 E in white coordinates."""
        return self.inputs.colour

    @property
    def whiten(self) -> Matrix:
        """F of shape (d, rank X) with F'E = I: back with W_1 = (W_1 E) F'."""
        return self.inputs.whiten

    @property
    def lift(self) -> Matrix:
        """F Z of shape (d, m): takes a first layer on canonical inputs to one on the inputs."""
        return self.whiten @ self.right

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

    def excess(self, product: Matrix, max_rank: int) -> float:
        """Return R of a map M in white coordinates less the least risk of rank `max_rank`."""
        tail = float(np.sum(self.values[max_rank:] ** 2))
        return 0.5 * (float(np.sum((product - self.correlation) ** 2)) - tail)


def find_modes(moments: SecondMoments) -> DataModes:
    """Whiten the inputs and decompose what the outputs have in common with them."""
    n, mean_x, mean_y = moments.n, moments.mean_x, moments.mean_y
    about_mean = moments.centered()
    centred = whiten_inputs(about_mean)
    explained = centred.project(moments.scatter_yx.T).T
    solution = centred.lift(explained.T).T
    unexplained = np.diagonal(moments.scatter_yy) - np.sum(explained**2, axis=1)
    # what the residual of an output was summed from
    terms = (np.sqrt(np.diagonal(moments.scatter_yy)) + _norms(solution * centred.scale)) ** 2
    floor = 0.5 * float(np.sum(np.maximum(unexplained, 0.0)))
    floor_rounding = 0.5 * sum_rounding(n) * float(np.sum(terms))

    inputs = centred if moments.center else centred.about_zero(mean_x, n)
    # about zero too: the mean of x is off by rounding of x, and the gain takes off what x is longer by
    noise = (about_mean.syx_rounding**2) @ (inputs.whiten**2)
    correlation = explained
    if not moments.center:
        # S_yx F = C_yx F + n m_y (F'm)', and the best fit through zero misses the means by this much
        correlation = inputs.project(moments.scatter_yx.T).T + n * np.outer(mean_y, inputs.mean)
        if np.isfinite(inputs.gain):
            missed = mean_y - explained @ centred.project(mean_x[:, None])[:, 0]
            floor += 0.5 * n * float(missed @ missed) / inputs.gain**2
    noise = np.sqrt(noise.sum(axis=1)) + sum_rounding(n) * _norms(correlation)
    left, values, right = np.linalg.svd(correlation, full_matrices=False)
    values, right = np.asarray(values), np.asarray(right)
    # in units of every output's own rounding, so that an output in small units counts as well
    units = np.where(noise > 0, noise, 1.0)[:, None]
    rank = int(np.sum(np.linalg.svd(correlation / units, compute_uv=False) > 1.0))
    if rank < len(values):
        values[rank:] = 0.0
        correlation = _project(left[:, :rank], correlation)
    # an output that is rounding throughout is zero, lest its own size make it look like something
    correlation = np.where((_norms(correlation) <= noise)[:, None], 0.0, correlation)
    error = sum_rounding(n) * centred.amplification * float(values.max(initial=0.0))
    return DataModes(
        values=values,
        left=left,
        right=right.T,
        correlation=correlation,
        inputs=inputs,
        rounding=float(np.linalg.norm(noise)) + error,
        floor=floor,
        floor_rounding=floor_rounding,
    )


def _project(columns: Matrix, onto: Matrix) -> Matrix:
    """U U' K. From the left, so that every column of K keeps its own digits."""
    return np.asarray(columns @ (columns.T @ onto))


def _norms(rows: Matrix) -> Matrix:
    return np.asarray(np.linalg.norm(rows, axis=1))


def _spectral_norm(matrix: Matrix) -> float:
    if min(matrix.shape) <= 400:
        return float(np.linalg.norm(matrix, 2)) if matrix.size else 0.0
    top = svds(matrix, k=1, return_singular_vectors=False, tol=1e-8, random_state=0)
    return float(top[0])
