"""What the report says of a saddle and the way down from it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitfalls.experiments.linear_landscape.records import LandscapeResult
from pitfalls.experiments.linear_verdict import held
from pitfalls.prose import Basis, Block, Chart, Markup, Paragraph, Picture, number, say

__all__ = ["CEILING", "account", "basis", "charts", "drawn"]

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
    return {
        "surface": {
            "label": f"Risk around {saddle.named} and {minimum.named}, cut at {number(top)}",
            # short: the edge of a solid leaves little room for its name
            "axes": ["to minimum", "escape", "risk"],
            "x": _round(result.a),
            "y": _round(result.b),
            # leaving the walls out would leave a rim of whole grid cells, which looks like a saw
            "z": [_round(row) for row in np.minimum(result.risk, top)],
            "paths": [
                {
                    "name": f"escape direction (curvature {number(result.curvature)})",
                    "x": _round(result.path[inside, 0]),
                    "y": _round(result.path[inside, 1]),
                    "z": _round(result.path_risk[inside]),
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


def _round(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
