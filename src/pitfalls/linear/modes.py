"""The data in white coordinates: the singular modes that every statement on the landscape is about."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import lapack
from scipy.sparse.linalg import svds

from pitfalls.linear.network import Matrix
from pitfalls.moments import SecondMoments

__all__ = ["DataModes", "find_modes"]

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class DataModes:
    """The data in coordinates in which the inputs are white: R = ½‖M − K‖² + constant.

    M = W̄ E with E E' = S_xx, and K = S_yx F = U diag(s) Z'. The squares of s
    are the λ of the theorem on critical points.

    Parameters
    ----------
    values : ndarray of shape (m,)
        s, largest first, m = min(p, rank X).
    left : ndarray of shape (p, m)
        U, directions of the output.
    right : ndarray of shape (rank X, m)
        Z, directions of the whitened input.
    correlation : ndarray of shape (p, rank X)
        K.
    colour : ndarray of shape (d, rank X)
        E: a first layer W_1 becomes W_1 E in white coordinates.
    whiten : ndarray of shape (d, rank X)
        F with F'E = I: back with W_1 = (W_1 E) F'.
    floor : float
        The risk of unconstrained least squares.
    """

    values: Matrix
    left: Matrix
    right: Matrix
    correlation: Matrix
    colour: Matrix
    whiten: Matrix
    floor: float

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
        """Rank of X (to rounding of S_xx: directions below about 1e-7 of the largest are lost)."""
        return int(self.colour.shape[1])

    @property
    def rank(self) -> int:
        """Number of modes above rounding: the rank of Y'X.

        Rounding is judged against the strongest mode and against the size of Y: where X and Y are not
        correlated at all, every mode is rounding.
        """
        top = float(self.values[0]) if len(self.values) else 0.0
        size = float(np.sqrt(2 * self.floor + np.sum(self.values**2)))
        cut = max(1e-9 * top, 1e-13 * size)
        return sum(float(s) > cut for s in self.values)


def find_modes(moments: SecondMoments) -> DataModes:
    """Whiten the inputs and decompose what the outputs have in common with them."""
    colour, whiten = _square_roots(moments.sxx)
    correlation = moments.syx @ whiten
    left, values, right = np.linalg.svd(correlation, full_matrices=False)
    floor = 0.5 * (float(np.trace(moments.syy)) - float(np.sum(values**2)))
    return DataModes(values, left, right.T, correlation, colour, whiten, max(floor, 0.0))


def _square_roots(sxx: Matrix) -> tuple[Matrix, Matrix]:
    """E and F with E E' = S_xx and F'E = I, on the range of S_xx.

    Where S_xx is well conditioned its Cholesky factor will do, at a fortieth of the cost; else the
    eigenvectors tell which directions are there.
    """
    factor, failed = lapack.dpotrf(sxx, lower=1, clean=1)
    if not failed:
        reciprocal, _ = lapack.dpocon(factor, float(np.abs(sxx).sum(axis=0).max()), uplo="L")
        if reciprocal > 1e-11:
            inverse, _ = lapack.dtrtri(factor, lower=1)
            return np.ascontiguousarray(factor), np.ascontiguousarray(inverse.T)
    eigenvalues, vectors = np.linalg.eigh(sxx)
    # S_xx squares the singular values of X and its sums round at eps, so this is as far as ranks go
    least = max(len(sxx), 16) * 4 * _EPS * max(float(eigenvalues[-1]), 0.0)
    keep = eigenvalues > least
    root = np.sqrt(eigenvalues[keep])
    return vectors[:, keep] * root, vectors[:, keep] / root


def _spectral_norm(matrix: Matrix) -> float:
    if min(matrix.shape) <= 400:
        return float(np.linalg.norm(matrix, 2)) if matrix.size else 0.0
    top = svds(matrix, k=1, return_singular_vectors=False, tol=1e-8, random_state=0)
    return float(top[0])
