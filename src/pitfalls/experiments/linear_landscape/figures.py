"""The line down from a saddle, and the plane to a minimum."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from pitfalls.experiments.linear_classify.figures import MARKS, draw_line
from pitfalls.experiments.linear_landscape.records import LandscapeResult
from pitfalls.experiments.linear_verdict import Judged, held
from pitfalls.plots import COLUMN, RED, SEQUENTIAL, Drawing, Figure, panels
from pitfalls.prose import number

__all__ = ["FIGURES"]


def escape_line(result: LandscapeResult, ax: Axes | None = None) -> Drawing:
    """Draw the risk along a strict saddle's escape direction."""
    saddle = result.saddle
    figure, axis = panels(ax, figsize=COLUMN)
    draw_line(axis, result.lengths, result.line, saddle, result.minimum.risk)
    axis.set_xlabel("distance along the escape direction")
    sides = " on both sides" if result.falls_on_both_sides else ""
    axis.set_title(f"Zero gradient, and a way down{sides}: {held(saddle)} held")
    text = (
        f"{result.data}, widths {_widths(result)}; {saddle.named} that holds {held(saddle)}, excess "
        f"{number(saddle.excess, 4)}; curvature along its witness {number(result.curvature, 4)}. "
        "One point."
    )
    return Drawing(figure, alt=f"Risk along a line through a saddle. {text}", caption=text)


def plane(result: LandscapeResult, ax: Axes | None = None) -> Drawing:
    """Draw the risk on a plane through a saddle and a minimum, with their verdicts."""
    excess = np.maximum(result.risk - result.minimum.risk, 0.0)
    top = np.percentile(excess, 90)
    figure, axis = panels(ax, figsize=(COLUMN[0], 4.4))
    levels = np.geomspace(max(float(excess.min()), 2e-3 * top), top, 19)
    clipped = np.clip(excess, levels[0], top)
    drawn = axis.contourf(result.a, result.b, clipped, levels, cmap=SEQUENTIAL, norm=LogNorm())
    axis.contour(
        result.a, result.b, clipped, levels[::3], colors="white", linewidths=0.4, alpha=0.6
    )
    axis.plot(result.path[:, 0], result.path[:, 1], color=RED, linewidth=1.4)
    _mark(axis, result.saddle, 0.0)
    _mark(axis, result.minimum, result.span)
    axis.annotate(
        "escape direction", tuple(result.path[int(0.78 * len(result.path))]), (6, 0),
        textcoords="offset points", color=RED, fontsize=9,
        bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "alpha": 0.85, "lw": 0},
    )  # fmt: skip
    axis.set(
        xlabel="distance from the saddle towards the minimum",
        ylabel="distance across",
        xlim=(result.a[0], result.a[-1]),
        ylim=(result.b[0], result.b[-1]),
    )
    axis.grid(visible=False)
    bar = figure.colorbar(drawn, ax=axis, label="risk above the global minimum")
    decades = 10.0 ** np.arange(np.floor(np.log10(levels[0])), np.log10(top) + 1)
    ticks = [t for t in np.outer(decades, (1, 3)).ravel().tolist() if levels[0] <= t <= top]
    ticks = ticks or [float(levels[0]), float(top)]
    bar.set_ticks(ticks, labels=[number(tick) for tick in ticks])
    saddle, minimum = result.saddle, result.minimum
    above = f"{number(saddle.excess)} above {minimum.named}"
    axis.set_title(f"{saddle.named[0].upper()}{saddle.named[1:]} {above}")
    text = (
        f"{result.data}, widths {_widths(result)}; plane through {saddle.named} ({held(saddle)}, "
        f"excess {number(saddle.excess, 4)}) and {minimum.named} {number(result.span)} away, and "
        f"along the saddle's escape direction; {len(result.a)} × {len(result.b)} values."
    )
    return Drawing(figure, alt=f"Contours of the risk on a plane. {text}", caption=text)


def _mark(axis: Axes, point: Judged, x: float) -> None:
    marker, colour = MARKS[point.verdict]
    axis.plot(x, 0.0, marker, color=colour, markersize=13, markeredgecolor="white")
    axis.annotate(
        f"{point.verdict}\n{held(point)}", (x, 0.0), (-11, 11) if x > 0 else (11, 11),
        textcoords="offset points", ha="right" if x > 0 else "left", fontsize=9,
        bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "alpha": 0.85, "lw": 0},
    )  # fmt: skip


def _widths(result: LandscapeResult) -> str:
    return "-".join(map(str, result.widths))


FIGURES = (Figure("escape-line", escape_line), Figure("plane", plane))
