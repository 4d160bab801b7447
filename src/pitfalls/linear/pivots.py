"""A point in white, isometric coordinates, and the ranks of its pivots."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pitfalls.linear.gauge import Gauge, count, isometric_gauge
from pitfalls.linear.network import Matrix, end_to_end
from pitfalls.linear.risk import SquaredRisk

__all__ = ["Pivot", "WhitePoint", "measure_pivots"]


@dataclass(frozen=True)
class Pivot:
    """A pair of layers and its two complementary blocks.

    Parameters
    ----------
    after, before : int
        i > j, layers counted from 1.
    rank_between : int
        Rank of W_{i-1}...W_{j+1}.
    rank_around : int
        Rank of W_{j-1}...W_1 K' W_L...W_{i+1}.
    tightened : bool
        Whether one of the two is the rank of the whole map.
    doubtful : bool
        Whether a singular value within tolerance could turn `tightened` over.
    """

    after: int
    before: int
    rank_between: int
    rank_around: int
    tightened: bool
    doubtful: bool = False


@dataclass(frozen=True, eq=False)
class WhitePoint:
    """The layers as isometries on white inputs, all in units of the data's strongest mode.

    Parameters
    ----------
    gauge : Gauge
        The layers, with W_1 E in place of W_1, and the last one divided by `unit`.
    target : ndarray of shape (p, rank X)
        K / unit.
    residual : ndarray of shape (p, rank X)
        G = M - K, over unit.
    unit : float
        The strongest mode, or the size of the map where the data have none.
    rounding : float
        How far the gauge moved the map, with room: below it nothing is known.
    colour, whiten : ndarray of shape (d, rank X)
        To white inputs and back.
    """

    gauge: Gauge
    target: Matrix
    residual: Matrix
    unit: float
    rounding: float
    colour: Matrix
    whiten: Matrix

    @classmethod
    def of(cls, layers: Sequence[Matrix], risk: SquaredRisk) -> "WhitePoint":
        """Bring a point into these coordinates."""
        modes = risk.modes
        white = [layers[0] @ modes.colour, *layers[1:]]
        product = end_to_end(white)
        unit = float(modes.values[0]) if len(modes.values) else 0.0
        size = float(np.linalg.norm(product))
        unit = (unit if unit > 1e-12 * size else size) or 1.0
        made_of = float(np.linalg.norm(layers[0], 2)) * modes.largest_x
        gauge = isometric_gauge([*white[:-1], white[-1] / unit], made_of)
        rounding = 100 * float(np.linalg.norm(end_to_end(gauge.layers) - product / unit)) + 1e-13
        target = modes.correlation / unit
        return cls(
            gauge, target, product / unit - target, unit, rounding, modes.colour, modes.whiten
        )

    @property
    def layers(self) -> tuple[Matrix, ...]:
        """The layers in this gauge."""
        return self.gauge.layers

    @cached_property
    def map_svd(self) -> tuple[Matrix, Matrix, Matrix]:
        """Singular value decomposition of M."""
        left, values, right = np.linalg.svd(self.residual + self.target, full_matrices=False)
        return left, values, right

    @cached_property
    def residual_svd(self) -> tuple[Matrix, Matrix, Matrix]:
        """Singular value decomposition of -G, what is left over of K."""
        left, values, right = np.linalg.svd(-self.residual, full_matrices=False)
        return left, values, right

    @property
    def kept(self) -> Matrix:
        """Singular values of M: the modes that the map holds."""
        return self.map_svd[1]

    @property
    def left(self) -> Matrix:
        """Singular values of G: the modes left over."""
        return self.residual_svd[1]

    @cached_property
    def before(self) -> list[Matrix]:
        """B_i = W_{i-1}...W_1 for i = 2..L, at index i - 2."""
        products: list[Matrix] = []
        for layer in self.layers[:-1]:
            products.append(layer @ products[-1] if products else layer)
        return products

    @cached_property
    def after(self) -> list[Matrix]:
        """A_i = W_L...W_{i+1} for i = 1..L, at index i - 1."""
        products = [np.eye(self.target.shape[0])]
        for layer in self.layers[:0:-1]:
            products.append(products[-1] @ layer)
        return products[::-1]

    def between(self, i: int, j: int) -> Matrix:
        """Multiply W_{i-1}...W_{j+1}, the identity for i = j + 1."""
        product = np.eye(len(self.layers[j - 1]))
        for layer in self.layers[j : i - 1]:
            product = layer @ product
        return product

    def around(self, i: int, j: int) -> Matrix:
        """Multiply B_j G' A_i: what is left over, seen from between layers j and i."""
        seen = self.residual.T @ self.after[i - 1]
        return seen if j == 1 else self.before[j - 2] @ seen

    def relative_gradients(self) -> tuple[float, ...]:
        """Norm of the gradient by every layer, free of the scales of the layers and of the data."""
        last = float(np.linalg.norm(self.layers[-1], 2))
        size = max(1.0, float(self.kept[0])) if len(self.kept) else 1.0
        norms = []
        message = self.residual
        for i in range(len(self.layers), 0, -1):
            gradient = message if i == 1 else message @ self.before[i - 2].T
            scale = size * (1.0 if i == len(self.layers) else last)
            norms.append(float(np.linalg.norm(gradient)) / scale if scale > 0 else 0.0)
            if i > 1:
                message = self.layers[i - 1].T @ message
        return tuple(norms[::-1])


def measure_pivots(point: WhitePoint, rank: int, zero: float, nonzero: float) -> tuple[Pivot, ...]:
    """Find the ranks of both blocks of every pivot.

    The block around a pivot has rank r plus the rank of B_j G' A_i, which is far easier to tell from
    zero than a sum from r.

    Parameters
    ----------
    point : WhitePoint
    rank : int
        r, of the whole map.
    zero, nonzero : float
        Below and above them a singular value is rounding or rank.
    """
    n_layers = len(point.layers)
    left = float(point.left[0])
    last = float(np.linalg.norm(point.layers[-1], 2))
    pivots = []
    for i in range(n_layers, 1, -1):
        for j in range(i - 1, 0, -1):
            if i == j + 1:
                between, doubt_between = len(point.layers[j - 1]), False
            else:
                between, doubt_between = _rank(point.between(i, j), 1.0, zero, nonzero)
            scale = left * (1.0 if i == n_layers else last)
            around, doubt_around = _rank(point.around(i, j), scale, zero, nonzero)
            by_between, by_around = between == rank, around == 0
            sure = (by_between and not doubt_between) or (by_around and not doubt_around)
            doubtful = (doubt_between or doubt_around) and not sure
            pivots.append(Pivot(i, j, between, rank + around, by_between or by_around, doubtful))
    return tuple(pivots)


def _rank(block: Matrix, scale: float, zero: float, nonzero: float) -> tuple[int, bool]:
    values = np.linalg.svd(block, compute_uv=False)
    return count(np.asarray(values, dtype=np.float64), scale, zero, nonzero)
