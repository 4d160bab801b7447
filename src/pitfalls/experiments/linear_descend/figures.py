"""Every mode's strength over time, against the exact solution."""

from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes

from pitfalls.experiments.linear_descend.records import DescendResult
from pitfalls.plots import COLUMN, Drawing, Figure, draw_modes, panels
from pitfalls.prose import counted, number

__all__ = ["FIGURES", "title"]


def modes(result: DescendResult, ax: Axes | None = None) -> Drawing:
    """Draw the strength of each mode, its closed form behind it and its target dashed."""
    done = np.flatnonzero(result.excess > 1e-3 * result.excess[0])
    end = min(len(result.time), int(1.3 * (done[-1] + 2))) if len(done) else len(result.time)
    figure, axis = panels(ax, figsize=COLUMN)
    n = len(result.modes)  # a map may have room for more directions than the data have modes
    exact = None if result.gap is None else result.exact[:end, :n]
    draw_modes(axis, result.time[:end], result.strengths[:end, :n], result.modes, exact)
    axis.set_title(title(result))
    gap = (
        ""
        if result.gap is None
        else f"; largest gap to the closed form (broad grey) {number(result.gap, 2)}"
    )
    text = (
        f"{result.data}, widths {'-'.join(map(str, result.widths))}, {result.method}, start "
        f"{result.start}; ends at {result.end.named}{gap}. Dashed: the modes' strengths in the "
        "data. One descent."
    )
    return Drawing(figure, alt=f"Strength of each mode over time. {text}", caption=text)


def title(result: DescendResult) -> str:
    """Say in which order the modes reach half their strength in the data."""
    if result.start == "saddle":
        return f"Off the saddle, and down to {result.end.named}"
    times = result.half_times
    reached = [at for at in times if at is not None]
    if len(reached) < len(times):
        return f"{len(reached)} of {counted(len(times), 'mode')} reach half their strength"
    if not times:
        return "The data hold no mode"
    # of equal modes none is the stronger
    apart = all(b < (1 - 1e-7) * a for a, b in pairwise(result.modes.tolist()))
    if len(times) > 1 and apart and all(a < b for a, b in pairwise(reached)):
        return "The stronger a mode, the sooner it is half learnt, from this start"
    return f"{'All modes reach' if len(times) > 1 else 'The one mode reaches'} half the strength"


FIGURES = (Figure("modes", modes),)
