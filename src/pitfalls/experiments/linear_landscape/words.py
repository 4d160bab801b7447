"""What the report says of a saddle and the way down from it."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitfalls.experiments.linear_landscape.records import LandscapeResult
from pitfalls.experiments.linear_verdict import held
from pitfalls.prose import Basis, Block, Chart, Markup, Paragraph, Picture, number, say

__all__ = ["CEILING", "account", "basis", "below", "charts", "drawn"]

CEILING = 1.5
"""The solid's walls are cut flat at this many times the saddle's height over the minimum."""


def account(result: LandscapeResult) -> tuple[Block, ...]:
    """Return what is drawn, the line, and the plane."""
    figures = (Picture("escape-line"), Picture("plane"))
    return (
        Paragraph(drawn(result)),
        Chart("surface", "The risk around a saddle, to turn", figures),
    )


def drawn(result: LandscapeResult) -> Markup:
    """Name the two points, and the curvature of the way down."""
    return say(
        "Drawn below: {saddle} at risk {high}, holding {held}; the direction along which the risk "
        "curves down from it, by {curvature}; and the plane through it, along this direction and to "
        "{minimum} at risk {low}. On the page the solid's walls are cut flat at {cut} times the "
        "saddle's height above the minimum. ",
        saddle=result.saddle.named, high=number(result.saddle.risk), held=held(result.saddle),
        curvature=number(result.curvature), minimum=result.minimum.named,
        low=number(result.minimum.risk), cut=number(CEILING),
    )  # fmt: skip


def basis(result: LandscapeResult) -> Basis:
    """Say that it is one saddle and one minimum."""
    return Basis(n="1 saddle and 1 minimum", spread="none, exact values", data=result.data)


def charts(result: LandscapeResult) -> Mapping[str, Any]:
    """Return the risk on the plane, and the way down, to turn."""
    saddle, minimum = result.saddle, result.minimum
    top = minimum.risk + CEILING * (saddle.risk - minimum.risk)
    inside = result.path_risk <= top
    x, z = below(result.a, result.risk, top)
    return {
        "surface": {
            "label": f"Risk around {saddle.named} and {minimum.named}, cut at {number(top)}",
            # short: the edge of a solid leaves little room for its name
            "axes": ["to minimum", "escape", "risk"],
            "x": [_round(row, x) for row in x],
            "y": _round(result.b),
            "z": [_round(row, z) for row in z],
            # where a browser draws no solids
            "flat": {
                "x": _round(result.a),
                "y": _round(result.b),
                "z": [_round(row, z) for row in np.minimum(result.risk, top)],
            },
            "paths": [
                {
                    "name": f"escape direction (curvature {number(result.curvature)})",
                    "x": _round(result.path[inside, 0], result.a),
                    "y": _round(result.path[inside, 1], result.b),
                    "z": _round(result.path_risk[inside], z),
                }
            ],
            "points": [
                {
                    "name": f"{point.verdict} (risk {number(point.risk, 4)})",
                    "x": at,
                    "y": 0.0,
                    "z": point.risk,
                }
                for point, at in ((saddle, 0.0), (minimum, result.span))
            ],
        }
    }


def below(
    x: NDArray[np.float64], z: NDArray[np.float64], top: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a surface row by row between the places where it meets a ceiling.

    Cutting the values of a fixed grid would leave a rim of whole cells, which looks like a saw. So
    each row gets as many nodes as it had, evenly from its first to its last place below the ceiling;
    a row that is nowhere below it keeps its places, at the ceiling.

    Parameters
    ----------
    x : array of shape (m,)
        Increasing.
    z : array of shape (n, m)
    top : float

    Returns
    -------
    x, z : arrays of shape (n, m)
        Places, and values of the straight lines between the given ones, at most ``top``.
    """
    places, heights = np.empty_like(z), np.empty_like(z)
    for i, row in enumerate(z):
        low, high = x[0], x[-1]
        under = np.flatnonzero(row <= top)
        if len(under):
            first, last = under[0], under[-1]
            if first > 0:
                share = (row[first - 1] - top) / (row[first - 1] - row[first])
                low = x[first - 1] + share * (x[first] - x[first - 1])
            if last < len(x) - 1:
                share = (top - row[last]) / (row[last + 1] - row[last])
                high = x[last] + share * (x[last + 1] - x[last])
        places[i] = np.linspace(low, high, len(x))
        heights[i] = np.minimum(np.interp(places[i], x, row), top)
    return places, heights


def _round(values: NDArray[np.float64], among: NDArray[np.float64] | None = None) -> list[float]:
    """Round to five digits of what the values span, or those that they are among, wherever that lies."""
    span = float(np.ptp(values if among is None else among)) or 1.0
    decimals = 4 - math.floor(math.log10(span))
    return [round(value, decimals) for value in values.tolist()]
