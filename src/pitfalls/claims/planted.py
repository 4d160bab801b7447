"""Regression problems whose whole solution is known in rational numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pitfalls.claims.exact import Entry, Matrix, inverse, null_space, orthogonal, rank

__all__ = ["PlantedProblem", "plant"]


@dataclass(frozen=True)
class PlantedProblem:
    """Data with Y' P = U S V' exactly, P the projector onto the column space of X.

    Attributes
    ----------
    x, y : Matrix of shape (n, d) and (n, p)
    left : Matrix of shape (p, p)
        U, orthogonal.
    modes : tuple
        The singular values s_1 >= s_2 >= ... of Y' P, min(p, rank X) of them, zeros included.
    reader : Matrix of shape (rank X, d)
        F' with F' X' = V'.
    colour : Matrix of shape (d, rank X)
        E with E E' = X'X and F'E = I: white coordinates.
    """

    x: Matrix
    y: Matrix
    left: Matrix
    modes: tuple[Entry, ...]
    reader: Matrix
    colour: Matrix

    def solution(self, chosen: Sequence[int]) -> Matrix:
        """Return the map that fits the chosen modes and no other: U_S U_S' Syx Sxx^+."""
        p, x_rank = self.left.shape[0], self.reader.shape[0]
        kept = Matrix.build(p, x_rank, lambda i, j: self.modes[i] if i == j and i in chosen else 0)
        return self.left @ kept @ self.reader

    def minimum(self, max_rank: int) -> Entry:
        """Return the least risk of a map of rank at most ``max_rank``, by the formula of 2d."""
        fitted = sum(s * s for s in self.modes[:max_rank])
        return Fraction(1, 2) * (self.y.squared_norm() - fitted)

    @property
    def n_modes(self) -> int:
        """How many singular values are not zero: the rank of Y'X."""
        return sum(s != 0 for s in self.modes)

    def ignored(self) -> list[Matrix]:
        """Return a basis of the inputs, as columns, that no sample has a component along."""
        return null_space(self.x)


def plant(
    generator: np.random.Generator,
    n: int,
    d: int,
    p: int,
    *,
    x_rank: int | None = None,
    modes: Sequence[Entry] | None = None,
) -> PlantedProblem:
    """Draw a planted problem.

    Parameters
    ----------
    generator : numpy.random.Generator
    n, d, p : int
        Samples, features, outputs.
    x_rank : int, optional
        Rank of X (default: the full min(n, d)).
    modes : sequence, optional
        Singular values, descending; drawn (with repeats and zeros now and then) by default.
    """
    x_rank = min(n, d) if x_rank is None else x_rank
    size = min(p, x_rank)
    if modes is None:
        drawn = generator.integers(0, 5, size) if generator.random() < 0.5 else 1 + np.arange(size)
        modes = sorted((int(s) for s in drawn), reverse=True)
    basis = orthogonal(generator, n)
    fit = Matrix(row[:x_rank] for row in basis.rows)
    while rank(mixing := Matrix.random(generator, x_rank, d, 2)) < x_rank:
        pass
    left = orthogonal(generator, p)
    scales = Matrix.build(x_rank, p, lambda i, j: modes[i] if i == j else 0)
    y = fit @ scales @ left.T
    if x_rank < n:  # what no linear map can fit
        rest = Matrix(row[x_rank:] for row in basis.rows)
        y = y + rest @ Matrix.random(generator, n - x_rank, p, 2)
    reader = inverse(mixing @ mixing.T) @ mixing
    return PlantedProblem(fit @ mixing, y, left, tuple(modes), reader, mixing.T)
