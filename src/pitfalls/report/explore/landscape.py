"""The surface around a saddle, with the direction along which the risk falls."""

from typing import Any

import numpy as np

from pitfalls.runs import Run

__all__ = ["surface"]

CEILING = 1.5
"""Walls higher than this many times the saddle's height over the minimum are left out."""


def surface(run: Run) -> dict[str, Any]:
    """Return the risk on the plane through a saddle and a minimum, and the way down."""
    arrays, results = run.arrays("landscape"), run.results()
    saddle, minimum = results["points"]
    top = minimum["risk"] + CEILING * (saddle["risk"] - minimum["risk"])
    path, along = arrays["escape_path"], arrays["escape_risk"]
    inside = along <= top
    return {
        "label": f"Risk around a {saddle['verdict']} and a {minimum['verdict']}",
        "axes": [
            "towards the minimum",
            "escape direction",
            "risk",
        ],
        "x": _round(arrays["a"]),
        "y": _round(arrays["b"]),
        "z": _cut(arrays["risk"], top),
        "paths": [
            {
                "name": f"escape direction (curvature {results['curvature']:.3g})",
                "x": _round(path[inside, 0]),
                "y": _round(path[inside, 1]),
                "z": _round(along[inside]),
            }
        ],
        "points": [
            {
                "name": f"{point['verdict']} (risk {point['risk']:.4g})",
                "x": point["at"][0],
                "y": point["at"][1],
                "z": point["risk"],
            }
            for point in (saddle, minimum)
        ],
    }


def _cut(risk: np.ndarray, top: float) -> list[list[float | None]]:
    """Leave out what is higher than ``top``, but for a rim that makes the edge even."""
    low = np.pad(risk <= top, 1)
    n, m = risk.shape
    near = np.zeros_like(risk, dtype=bool)
    for down in range(3):
        for right in range(3):
            near |= low[down : down + n, right : right + m]
    return [
        [value if kept else None for value, kept in zip(_round(row), keep, strict=True)]
        for row, keep in zip(np.minimum(risk, top), near, strict=True)
    ]


def _round(values: np.ndarray) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
