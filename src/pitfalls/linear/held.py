"""Which modes of the data a map holds, and whether that can be told."""

from dataclasses import dataclass

import numpy as np

from pitfalls.linear.gauge import count
from pitfalls.linear.margins import APART, product_rounding
from pitfalls.linear.white import WhitePoint

__all__ = ["HeldModes", "find_held_modes"]


@dataclass(frozen=True)
class HeldModes:
    """The modes S of a critical map.

    Parameters
    ----------
    modes : tuple of int
        S, counted from 1.
    rank : int
        Rank of the map.
    most : int
        The rank of a best map: what the widths and the data's modes allow.
    swapped : bool
        Whether a mode left over is stronger than one that is kept.
    weakest_kept, strongest_left : float
        Modes of the data, over the strongest; infinite and 0 where there is none.
    doubts : tuple of str
        What could turn the answer over.
    """

    modes: tuple[int, ...]
    rank: int
    most: int
    swapped: bool
    weakest_kept: float
    strongest_left: float
    doubts: tuple[str, ...]


def find_held_modes(point: WhitePoint, capacity: int) -> HeldModes:
    """Match the singular values of a map with the modes of the data.

    Modes closer to each other than `APART`, or than the point's own noise, are one group. To hold a
    part of a group is to hold the strongest of it only if its modes are equal to rounding.

    Parameters
    ----------
    point : WhitePoint
    capacity : int
        The narrowest width, or the rank of X.
    """
    data = point.modes
    values = data.values[: data.rank] / point.unit
    apart = max(APART, point.zero)
    equal = product_rounding(4, max(point.target.shape))
    rank, doubtful = count(point.kept, 1.0, point.zero, point.nonzero)
    doubts = ["a singular value of the map lies between rounding and rank"] if doubtful else []
    group = np.concatenate([[0], np.cumsum(-np.diff(values) > apart)]).astype(int)
    free = list(range(len(values)))
    taken: list[int] = []
    for value in point.kept[:rank]:
        if not free:
            break
        nearest = min(free, key=lambda k: abs(float(values[k] - value)))
        nearest = min(k for k in free if group[k] == group[nearest])
        free.remove(nearest)
        taken.append(nearest)
    if len(taken) < rank or any(
        abs(float(values[k] - value)) > apart * (1 + np.sum(group == group[k]))
        for k, value in zip(taken, point.kept, strict=False)
    ):
        doubts.append("the map is none that a critical point has: the gradient hides its modes")
    split = sorted({int(group[k]) for k in taken} & {int(group[k]) for k in free})
    for g in split:
        members = values[group == g]
        if members[0] - members[-1] > equal:
            doubts.append("a mode left over equals a mode kept to within tolerance")
    strongest = float(values[free[0]]) if free else 0.0
    if 0.0 < strongest <= max(point.nonzero, APART):
        doubts.append("what is left of the data's modes is small but not zero")
    swapped = bool(free and taken and group[free[0]] < group[max(taken)])
    return HeldModes(
        modes=tuple(sorted(k + 1 for k in taken)),
        rank=rank,
        most=min(capacity, len(values)),
        swapped=swapped,
        weakest_kept=float(values[max(taken)]) if taken else np.inf,
        strongest_left=strongest,
        doubts=tuple(dict.fromkeys(doubts)),
    )
