"""A curve beside its limit."""

from benchmarks.growth.words import Part, at, seconds, title
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from pitfalls.plots import BLUE, COLUMN, GREY, ORANGE, Drawing, panels
from pitfalls.prose import number

__all__ = ["caption", "growth"]

FIXED = {"d": "d = {}", "width": "{} wide", "side": "{0} × {0} pixels"}
"""What stays as it is along the axis, where a reader needs it."""


def growth(part: Part, ax: Axes | None = None) -> Drawing:
    """Draw seconds against what grows, the limit's below, and the piece that explains the bend."""
    figure, axis = panels(ax, figsize=COLUMN)
    sizes = [row.size for row in part.rows]
    drawn = [("ours", BLUE, "o", "-", "ours"), ("limit", GREY, "s", "--", "limit")]
    if all(row.part is not None for row in part.rows):
        drawn.append(("part", ORANGE, "^", ":", f"of ours: {part.part}"))
    for kind, colour, marker, line, label in drawn:
        low, high = zip(*(row.ranges[kind] for row in part.rows), strict=True)
        axis.fill_between(sizes, low, high, color=colour, alpha=0.18, lw=0)
        values = [getattr(row, kind) for row in part.rows]
        axis.plot(sizes, values, line, color=colour, marker=marker, ms=4, label=label)
    axis.set_yscale("log")
    if part.axis not in ("d", "processes"):
        axis.set_xscale("log")
    axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axis.xaxis.set_minor_locator(NullLocator())
    clock = "seconds" if part.clock == "median_s" else "processor seconds"
    axis.set(xlabel=part.axis, ylabel=clock, title=title(part))
    axis.legend()
    return Drawing(figure, _alt(part), caption(part))


def _alt(part: Part) -> str:
    rows = [part.rows[0], part.rows[-1]][: len(part.rows)]
    said = "; ".join(
        f"{seconds(row.ours)} at {at(part, row)}, the limit {seconds(row.limit)}, ratio "
        f"{number(row.times, 2)}"
        for row in rows
    )
    return f"{part.what[0].upper()}{part.what[1:]}: {said}."


def caption(part: Part) -> str:
    """Say what is shown, with n and spread."""
    counts = sorted({row.n for row in part.rows})
    n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    fixed = [FIXED[key].format(value) for key, value in part.fixed.items() if key in FIXED]
    stays = f" ({', '.join(fixed)})" if fixed else ""
    return (
        f"{part.what[0].upper()}{part.what[1:]}{stays}. Limit: {part.limit}. Lines are medians of n = {n} "
        "turns, bands their range."
    )
