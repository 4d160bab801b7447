"""The pivots of a point: pairs of layers, and the ranks of what is between and around them."""

from dataclasses import dataclass

import numpy as np

from pitfalls.linear.gauge import count
from pitfalls.linear.network import Matrix
from pitfalls.linear.white import WhitePoint

__all__ = ["Pivot", "measure_pivots"]


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


def measure_pivots(point: WhitePoint, rank: int) -> tuple[Pivot, ...]:
    """Find the ranks of both blocks of every pivot.

    The block around a pivot has rank r plus the rank of B_j G' A_i, which is far easier to tell from
    zero than a sum from r.

    Parameters
    ----------
    point : WhitePoint
    rank : int
        r, of the whole map.
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
                between, doubt_between = _rank(point.between(i, j), 1.0, point)
            scale = left * (1.0 if i == n_layers else last)
            around, doubt_around = _rank(point.around(i, j), scale, point)
            by_between, by_around = between == rank, around == 0
            sure = (by_between and not doubt_between) or (by_around and not doubt_around)
            doubtful = (doubt_between or doubt_around) and not sure
            pivots.append(Pivot(i, j, between, rank + around, by_between or by_around, doubtful))
    return tuple(pivots)


def _rank(block: Matrix, scale: float, point: WhitePoint) -> tuple[int, bool]:
    values = np.linalg.svd(block, compute_uv=False)
    return count(np.asarray(values, dtype=np.float64), scale, point.zero, point.nonzero)
