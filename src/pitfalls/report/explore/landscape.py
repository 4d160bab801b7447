"""The surface around a saddle, with the direction along which the risk falls."""

from typing import Any

import numpy as np

from pitfalls.runs import Run

__all__ = ["surface"]

CEILING = 1.5
"""The walls are cut flat at this many times the saddle's height over the minimum."""


def surface(run: Run) -> dict[str, Any]:
    """Return the risk on the plane through a saddle and a minimum, and the way down."""
    arrays, results = run.arrays("landscape"), run.results()
    saddle, minimum = results["points"]
    top = minimum["risk"] + CEILING * (saddle["risk"] - minimum["risk"])
    path, along = arrays["escape_path"], arrays["escape_risk"]
    inside = along <= top
    return {
        "label": f"Risk around a {saddle['verdict']} and a {minimum['verdict']}, cut at {top:.3g}",
        "axes": [
            # short: the edge of a solid leaves little room for its name
            "to minimum",
            "escape",
            "risk",
        ],
        "x": _round(arrays["a"]),
        "y": _round(arrays["b"]),
        # leaving the walls out would leave a rim of whole grid cells, which looks like a saw
        "z": [_round(row) for row in np.minimum(arrays["risk"], top)],
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


def _round(values: np.ndarray) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
