"""Exact critical points of every kind, in white coordinates, and the exact sign of their Hessian."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from sympy import ZZ
from sympy.polys.matrices import DomainMatrix

from pitfalls.claims.claim import Search
from pitfalls.claims.exact import Entry, Matrix, inverse, orthogonal, product, rank
from pitfalls.claims.layers import layer_gradients, parts

__all__ = ["CriticalPoint", "draw_point", "dressed", "pivots"]


@dataclass(frozen=True)
class CriticalPoint:
    """Layers at rest on 2R = ‖M − K‖², with M their product and K = U (S ⊕ rest) Z' known.

    Attributes
    ----------
    layers : tuple of Matrix
        The first takes white inputs.
    target : Matrix of shape (p, m)
        K.
    kept, left : tuple
        Singular values of K that M holds, and those it leaves over, zeros included.
    outputs, inputs : Matrix of shape (p, p) and (m, m)
        U and Z. The first columns belong to the modes kept, the next to those left over.
    """

    layers: tuple[Matrix, ...]
    target: Matrix
    kept: tuple[Entry, ...]
    left: tuple[Entry, ...]
    outputs: Matrix
    inputs: Matrix

    @property
    def rank(self) -> int:
        """Rank of M."""
        return len(self.kept)

    @property
    def depth(self) -> int:
        """L."""
        return len(self.layers)

    @property
    def room(self) -> int:
        """The largest rank that M can have: white inputs, outputs and hidden widths."""
        return min(self.target.shape[1], *(layer.shape[0] for layer in self.layers))

    @property
    def holds_strongest(self) -> bool:
        """Whether no mode left over is stronger than one kept."""
        strongest = max(self.left, default=0)
        return bool(strongest <= min(self.kept, default=strongest))

    @property
    def is_global(self) -> bool:
        """Whether the risk is the least possible: the strongest modes, as many as there is room for."""
        squares = sorted((s * s for s in (*self.kept, *self.left)), reverse=True)
        return bool(sum(s * s for s in self.kept) == sum(squares[: self.room]))

    @cached_property
    def residual(self) -> Matrix:
        """G = M − K."""
        return product(self.layers) - self.target

    @cached_property
    def sides(self) -> list[tuple[Matrix, Matrix]]:
        """A_i and B_i for i = 1..L, at index i − 1."""
        return parts(self.layers)

    def between(self, i: int, j: int) -> Matrix:
        """Multiply C_ij = W_(i−1)...W_(j+1), the identity for i = j + 1; layers count from 1."""
        if i == j + 1:
            return Matrix.identity(self.layers[j].shape[1])
        return product(self.layers[j : i - 1])

    def crossing(self, i: int, j: int) -> Matrix:
        """Multiply E_ij = B_j G' A_i."""
        return self.sides[j - 1][1] @ self.residual.T @ self.sides[i - 1][0]

    def tightened(self, i: int, j: int) -> bool:
        """Whether one of the pivot's blocks has the rank of M."""
        around = self.sides[j - 1][1] @ self.target.T @ self.sides[i - 1][0]
        return self.rank in (rank(self.between(i, j)), rank(around))

    def is_semidefinite(self) -> bool:
        """Whether the Hessian has no negative eigenvalue: exact, for integer layers and targets.

        Its characteristic polynomial has real roots only, so Descartes' rule of signs counts them
        exactly: none is negative when the signs alternate.
        """
        hessian = _hessian(self)
        domain_matrix = DomainMatrix(
            [[ZZ(int(a)) for a in row] for row in hessian], hessian.shape, ZZ
        )
        return all((-1) ** k * int(c) >= 0 for k, c in enumerate(domain_matrix.charpoly()))


def pivots(depth: int) -> list[tuple[int, int]]:
    """Return all (i, j) with L >= i > j >= 1."""
    return [(i, j) for i in range(2, depth + 1) for j in range(1, i)]


def _hessian(point: CriticalPoint) -> np.ndarray:
    """Build the Hessian in all entries by the formula of 2e-curvature, in integers."""
    sides = [(_integers(above), _integers(below)) for above, below in point.sides]
    slopes = np.hstack([np.kron(above, below.T) for above, below in sides])  # of M, row by row
    blocks = [above.shape[1] * below.shape[0] for above, below in sides]
    places = np.cumsum([0, *blocks])
    hessian: np.ndarray = slopes.T @ slopes
    for i, j in pivots(point.depth):
        between, crossing = _integers(point.between(i, j)), _integers(point.crossing(i, j))
        block = np.einsum("bg,da->abgd", between, crossing).reshape(blocks[i - 1], blocks[j - 1])
        rows, columns = slice(places[i - 1], places[i]), slice(places[j - 1], places[j])
        hessian[rows, columns] += block
        hessian[columns, rows] += block.T
    return hessian


def _integers(matrix: Matrix) -> np.ndarray:
    return np.array(matrix.rows, dtype=np.int64)


MODES: tuple[tuple[int, ...], ...] = (
    (5, 3, 2),
    (4, 2, 1),
    (3, 1, 0),
    (2, 2, 1),
    (2, 1, 1),
    (1, 1, 1),
    (1, 0, 0),
    (0, 0, 0),
    (1_000_001, 1_000_000, 1),
    (1_000_000, 2, 1),
)
"""Strong and weak, equal, nearly equal and zero modes, and nothing to learn at all."""


def draw_point(search: Search, modes: Sequence[int] | None = None) -> CriticalPoint:
    """Draw an integer critical point with K diagonal.

    Side by side with the modes kept runs a chain of random layers. It must multiply to zero, and be
    blind to the modes left over as seen from every layer; most sparse chains that are drawn are.
    """
    draw = search.random
    p, m = (int(v) for v in draw.choice([1, 2, 2, 3, 3], 2))
    if modes is None:
        modes = MODES[draw.integers(len(MODES))]
    modes = modes[: min(p, m)]
    hidden = draw.choice([1, 2, 2, 3, 3], draw.choice([0, 1, 1, 2, 2, 2, 3, 3, 3]))
    widths = [m, *(int(w) for w in hidden), p]
    alive = [k for k, s in enumerate(modes) if s]
    # a single layer rests at K alone
    size = len(alive) if len(widths) == 2 else int(draw.integers(0, min(len(alive), *widths) + 1))
    chosen = list(range(size))
    if draw.random() < 0.4:
        chosen = sorted(int(k) for k in draw.choice(len(alive), size, replace=False))
    kept = tuple(modes[k] for k in chosen)
    left = tuple(s for k, s in enumerate(modes) if k not in chosen)
    rest = np.zeros((p - size, m - size), dtype=int)
    rest[range(len(left)), range(len(left))] = left
    target, kept_alone = _beside(kept, rest), _beside(kept, 0 * rest)
    for _ in range(50):
        layers = _chain(search, kept, widths)
        slopes = layer_gradients(layers, Matrix.identity(m), target.T)
        if product(layers) == kept_alone and all(slope.is_zero() for slope in slopes):
            break
    else:
        layers = _chain(search, kept, widths, blank=True)
    return CriticalPoint(tuple(layers), target, kept, left, Matrix.identity(p), Matrix.identity(m))


def _chain(
    search: Search, kept: Sequence[int], widths: Sequence[int], *, blank: bool = False
) -> list[Matrix]:
    draw, size = search.random, len(kept)
    holder = int(draw.integers(0, len(widths) - 1))  # the layer that carries the modes' strengths
    layers = []
    for h, (below, above) in enumerate(pairwise(widths)):
        shape = (above - size, below - size)
        side = draw.integers(-1, 2, shape) * draw.integers(0, 2, shape)
        if blank or len(widths) == 2 or draw.random() < 0.35:
            side = np.zeros(shape, dtype=int)
        layers.append(_beside(kept if h == holder else [1] * size, side))
    return layers


def _beside(diagonal: Sequence[int], side: np.ndarray) -> Matrix:
    """Put a diagonal and another block side by side, zeros elsewhere."""
    r = len(diagonal)
    whole = np.zeros((r + side.shape[0], r + side.shape[1]), dtype=int)
    whole[range(r), range(r)] = diagonal
    whole[r:, r:] = side
    return Matrix(whole.tolist())


def dressed(search: Search, point: CriticalPoint) -> CriticalPoint:
    """Turn inputs and outputs by rational rotations, and mix every hidden layer."""
    outputs = orthogonal(search.random, point.target.shape[0])
    inputs = orthogonal(search.random, point.target.shape[1])
    layers = list(point.layers)
    layers[0] = layers[0] @ inputs.T
    layers[-1] = outputs @ layers[-1]
    for h in range(len(layers) - 1):
        size = layers[h].shape[0]
        while rank(mix := Matrix.random(search.random, size, size, 2)) < size:
            pass
        layers[h], layers[h + 1] = mix @ layers[h], layers[h + 1] @ inverse(mix)
    target = outputs @ point.target @ inputs.T
    return CriticalPoint(tuple(layers), target, point.kept, point.left, outputs, inputs)
