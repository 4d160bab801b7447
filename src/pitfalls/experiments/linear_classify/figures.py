"""The risk along the direction that shows the verdict."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pitfalls.experiments.linear_classify.records import ClassifyResult
from pitfalls.experiments.linear_verdict import Curved, Judged, Sloping, held
from pitfalls.plots import BLUE, COLUMN, GREEN, GREY, ORANGE, RED, Drawing, Figure, panels
from pitfalls.prose import number

__all__ = ["FIGURES", "MARKS", "draw_line"]

MARKS = {
    "global minimum": ("*", GREEN),
    "strict saddle": ("X", RED),
    "non-strict saddle": ("D", ORANGE),
    "not critical": ("o", GREY),
    "undecided": ("s", GREY),
}
"""Marker and colour of each verdict."""


def risk_along_the_witness(result: ClassifyResult, ax: Axes | None = None) -> Drawing:
    """Draw the risk along the witness, the gradient or a random direction."""
    point = result.point
    figure, axis = panels(ax, figsize=COLUMN)
    draw_line(axis, result.lengths, result.risk, point, result.minimum)
    along = "a random direction"
    if isinstance(point.witness, Curved):
        along = "the escape direction"
    elif isinstance(point.witness, Sloping):
        along = "steepest descent"
    axis.set_xlabel(f"distance along {along}")
    holding = f", holding {held(point)}" if point.holds_modes else ""
    axis.set_title(f"{point.named[0].upper()}{point.named[1:]}{holding}")
    curved = "" if point.curvature is None else f", curvature {number(point.curvature, 4)}"
    text = (
        f"{result.data}, widths {'-'.join(map(str, result.widths))}: {point.verdict}, rank "
        f"{point.rank}, excess {number(point.excess, 4)} over the global minimum{curved}. One point."
    )
    return Drawing(figure, alt=f"Risk along {along}. {text}", caption=text)


def draw_line(
    axis: Axes,
    lengths: NDArray[np.float64],
    risk: NDArray[np.float64],
    point: Judged,
    minimum: float,
) -> None:
    """Draw the risk along a line through a point, with the parabola of its curvature."""
    marker, colour = MARKS[point.verdict]
    here, low = point.risk, float(risk.min())
    drop, curvature = here - low, point.curvature
    if curvature is not None and drop > 0:
        high = here + 1.5 * drop  # what matters is the dip on both sides
        inside = np.abs(lengths[risk <= high])
        axis.set_xlim(-1.1 * inside.max(), 1.1 * inside.max())
        axis.set_ylim(low - 0.25 * drop, high)
        near = np.linspace(-1, 1, 80) * np.sqrt(2.4 * drop / -curvature)
        axis.plot(
            near, here + 0.5 * curvature * near**2, color=RED, linestyle=":",
            label=f"parabola of curvature {number(curvature, 3)}",
        )  # fmt: skip
        axis.legend(loc="upper center")
    else:
        high = float(np.percentile(risk, 92))
        low = min(low, minimum)
        axis.set_ylim(low - 0.08 * (high - low), max(high, here + 0.1 * (high - low)))
        axis.axhline(minimum, color=GREY, linestyle="--", linewidth=1)
        axis.annotate(
            "global minimum", (0.99, minimum), (0, 3), xycoords=("axes fraction", "data"),
            textcoords="offset points", color=GREY, ha="right",
        )  # fmt: skip
    axis.plot(lengths, risk, color=BLUE)
    axis.plot(0, here, marker, color=colour, markersize=11, markeredgecolor="white")
    axis.set_ylabel("risk")


FIGURES = (Figure("risk-along-the-witness", risk_along_the_witness),)
