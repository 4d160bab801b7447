"""The phase diagram of what is learned."""

from typing import Any

from pitfalls.prose import series
from pitfalls.runs import Run

__all__ = ["phase_diagram"]


def phase_diagram(run: Run) -> dict[str, Any]:
    """Return the share of trainings that learned, by d and |v*|, and each cell's curves.

    A sweep over widths or rates as well is shown at its first width and rate.
    """
    rows = run.results()["cells"]
    rate = rows[0]["learning_rate"]
    factor = rows[0]["n_hidden"] / rows[0]["n_features"]
    rows = [
        row
        for row in rows
        if row["learning_rate"] == rate and row["n_hidden"] == factor * row["n_features"]
    ]
    ds = sorted({row["n_features"] for row in rows})
    weights = sorted({row["weight"] for row in rows})
    at = {(row["n_features"], row["weight"]): row for row in rows}
    cells = {}
    for (d, weight), row in sorted(at.items()):
        arrays = run.arrays(f"cell-{row['name']}")
        learned = round(row["success"] * row["n"])
        when = (
            f"; median of {row['iterations']:,.0f} iterations to 99 %"
            if row["iterations"] is not None
            else ""
        )
        cells[f"{d},{weight}"] = {
            "name": f"d = {d}, |v*| = {weight}: {learned}/{row['n']}",
            "says": f"d = {d}, |v*| = {weight}, k = {row['n_hidden']}: {learned} of {row['n']} "
            f"trainings learned{when}; median accuracy at the end {row['median_accuracy']:.3f}.",
            "series": [
                series(f"training {i + 1}", arrays["step"], curve, points=200)
                for i, curve in enumerate(arrays["accuracy_curve"])
            ],
        }

    def grid(value: Any, nothing: Any = None) -> list[list[Any]]:
        return [[value(at[d, w]) if (d, w) in at else nothing for d in ds] for w in weights]

    # the cell that says most: half learned, else the last on the way that failed
    start = min(at.values(), key=lambda row: (abs(row["success"] - 0.4), -row["n_features"]))

    return {
        "label": "Share of trainings that learned parity, by dimension and weight of the mask",
        "axes": ["dimension d", "ones of the mask |v*|"],
        "x": [str(d) for d in ds],
        "y": [str(w) for w in weights],
        "rate": grid(lambda row: row["success"]),
        "text": grid(lambda row: f"{round(row['success'] * row['n'])}/{row['n']}", ""),
        "keys": grid(lambda row: f"{row['n_features']},{row['weight']}"),
        "cells": cells,
        "start": f"{start['n_features']},{start['weight']}",
        "curve": ["iterations", "accuracy"],
    }
