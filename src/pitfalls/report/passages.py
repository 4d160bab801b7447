"""Which saddles a flow comes near on its way down, and when it leaves the first and meets the last."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pitfalls.runs import Run

__all__ = ["NEAR", "Passage", "passages"]

NEAR = 0.1
"""A map is near a critical one if closer than this share of the strongest mode."""


@dataclass(frozen=True)
class Passage:
    """One flow of a linear-tour run.

    Attributes
    ----------
    depth : int
        Number of layers.
    between : tuple of dict
        The nearest approach to each saddle between zero and the global minimum.
    passed : tuple of dict
        Those of them at which the flow was near the saddle.
    leaves_zero, arrives : float or None
        The first times at which the flow is no longer near zero and is near the minimum; None if
        that never happens.
    """

    depth: int
    between: tuple[dict[str, Any], ...]
    passed: tuple[dict[str, Any], ...]
    leaves_zero: float | None
    arrives: float | None


def passages(run: Run) -> list[Passage]:
    """Judge every flow of a linear-tour run by its distances."""
    results = run.results()
    near, last = NEAR * results["modes"][0], len(results["levels"]) - 1
    found = []
    for number, tour in enumerate(results["tours"]):
        path = run.arrays(f"tour{number}")
        rank, close = path["saddle_rank"], path["saddle_distance"] < near
        # the start and the end are no saddles on the way: every flow is near them
        between = tuple(v for v in tour["visits"] if 0 < v["rank"] < last)
        found.append(
            Passage(
                depth=tour["depth"],
                between=between,
                passed=tuple(v for v in between if v["distance"] < near),
                leaves_zero=_first(path["time"], (rank != 0) | ~close),
                arrives=_first(path["time"], (rank == last) & close),
            )
        )
    return found


def _first(time: np.ndarray, holds: np.ndarray) -> float | None:
    return float(time[int(holds.argmax())]) if holds.any() else None
