"""Curves to zoom into, thinned to what a screen can show."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["series", "thin"]

POINTS = 600


def thin(
    x: npt.ArrayLike, y: npt.ArrayLike, points: int = POINTS
) -> tuple[list[float], list[float]]:
    """Average runs of neighbours until at most ``points`` are left.

    Examples
    --------
    >>> thin([0, 1, 2, 3], [1.0, 3.0, 5.0, 7.0], points=2)
    ([0.5, 2.5], [2.0, 6.0])
    """
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if len(xs) > points:
        edges = np.linspace(0, len(xs), points + 1).astype(int)[:-1]
        sizes = np.diff([*edges, len(xs)])
        xs, ys = np.add.reduceat(xs, edges) / sizes, np.add.reduceat(ys, edges) / sizes
    return [_round(v) for v in xs], [_round(v) for v in ys]


def series(
    name: str,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    points: int = POINTS,
    *,
    colour: str | None = None,
    dash: int | None = None,
) -> dict[str, Any]:
    """Return one curve; where a value is not finite, it has a gap.

    Without a colour and a dash of its own it gets those of its place among the curves.
    """
    xs, ys = thin(x, y, points)
    given = {"colour": colour, "dash": dash}
    return {
        "name": name,
        "x": xs,
        "y": [v if math.isfinite(v) else None for v in ys],
        **{key: value for key, value in given.items() if value is not None},
    }


def _round(value: float) -> float:
    # five digits are more than a screen can tell apart
    return float(f"{value:.5g}")
