"""Maps of what is learned, and how fast, over dimension and mask weight."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.ticker import FuncFormatter

from pitfalls.experiments.parity_sweep.records import Cell, SweepResult
from pitfalls.plots import SEQUENTIAL, Canvas, Drawing, Figure, panels
from pitfalls.prose import counted, number

__all__ = ["FIGURES", "edge", "time_taken"]

INK, GREY = "#22262b", "#e9ecef"
MOST_PANELS = 12
"""Maps side by side; of a grid of more widths and rates these are the first."""
MOST_TEXTS = 400
"""Cells on all maps together that have their number written in them."""
MOST_TICKS = 30
MOST_NAMES = 40
"""Cells that are named one by one where a map is told in words."""


def phase_diagram(result: SweepResult, ax: Axes | None = None) -> Drawing:
    """Draw the share of trainings that learn."""

    def text(cell: Cell) -> str:
        return f"{cell.n_learned}/{cell.n}"

    figure = _maps(
        result, ax, lambda cell: cell.share, text, "share that learns", SEQUENTIAL, (0.0, 1.0)
    )
    title = edge(result)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    every = [_name(cell) for cell in result.cells if cell.n_learned == cell.n]
    none = [_name(cell) for cell in result.cells if cell.n_learned == 0]
    time = counted(result.n_iterations, "iteration")
    return Drawing(
        figure,
        alt=f"Heat map of the share of trainings with 99 % accuracy after {time}. {title}. In every "
        f"training: {_together(every, ', ')}. In no training of this length: "
        f"{_together(none, ', ')}.",
        caption=f"Share of trainings whose network is at least 99 % accurate after {time}; "
        f"{'in each cell how many of how many, ' if _has_texts(result) else ''}"
        f"{counted(result.n_seeds, 'seed')} a cell, each with a mask of its own; what is not learned "
        f"by then may be learned later. Empty: m > d.{_not_drawn(result)}",
    )


def iterations_to_99(result: SweepResult, ax: Axes | None = None) -> Drawing:
    """Draw the median number of iterations to 99 % accuracy."""

    def text(cell: Cell) -> str:
        took = cell.median_iterations
        if took is None:
            return f"not within\n{result.n_iterations / 1000:.3g}k"
        return f"{took / 1000:.3g}k\nn = {len(cell.reached)}"

    figure = _maps(
        result, ax, lambda cell: cell.median_iterations, text, "iterations to 99 % accuracy",
        f"{SEQUENTIAL}_r", (0.0, float(result.n_iterations)),
    )  # fmt: skip
    title = time_taken(result)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    told = [
        f"{_name(cell)}: {cell.median_iterations:,.0f}"
        for cell in result.cells
        if cell.median_iterations is not None
    ]
    return Drawing(
        figure,
        alt=f"Heat map of the median number of iterations to 99 % accuracy. {title}. "
        + (_together(told, "; ") if told else "No cell reached it")
        + ".",
        caption="Median over the trainings that got there of the first record with 99 % accuracy on "
        f"inputs as the task draws them, within {counted(result.n_iterations, 'iteration')}"
        f"{'; below it n, their number' if _has_texts(result) else ''}. Where no training got there "
        f"in this time{'' if _has_texts(result) else ' (grey)'}, a longer one may.{_not_drawn(result)}",
    )


def edge(result: SweepResult) -> str:
    """Say up to how many ones parities are learned, where one number parts the cells."""
    time = counted(result.n_iterations, "iteration")
    won = {c.weight for c in result.cells if c.n_learned == c.n}
    rest = {c.weight for c in result.cells if c.n_learned < c.n}
    lost = all(c.n_learned == 0 for c in result.cells if c.weight in rest)
    if won and rest and lost and max(won) < min(rest):
        return (
            f"Within {time} all learn masks of up to {counted(max(won), 'one')}, none of "
            f"{min(rest)} or more"
        )
    every = sum(c.n_learned == c.n for c in result.cells)
    none = sum(c.n_learned == 0 for c in result.cells)
    return (
        f"Within {time} every training learns in {every} of {counted(len(result.cells), 'cell')}, "
        f"none in {none}"
    )


def time_taken(result: SweepResult) -> str:
    """Say how long it takes, and that it takes longer for more ones where it does throughout."""
    took = [(c, c.median_iterations) for c in result.cells]
    known = [(c, float(at)) for c, at in took if at is not None]
    if not known:
        time = counted(result.n_iterations, "iteration")
        return f"No training reaches 99 % accuracy within {time}"
    low, high = (f"{f(at for _, at in known):,.0f}" for f in (min, max))
    lines: dict[tuple[int, int, float], list[tuple[int, float]]] = {}
    for c, at in took:  # what is not there by the end takes longer than what is
        line = lines.setdefault((c.n_features, c.n_hidden, c.learning_rate), [])
        line.append((c.weight, math.inf if at is None else at))
    compared = [
        [a < b for (_, a), (_, b) in itertools.pairwise(sorted(line)) if min(a, b) < math.inf]
        for line in lines.values()
    ]
    if all(slower and all(slower) for slower in compared):
        return f"At every d more ones take longer: {low} to {high} iterations to 99 % accuracy"
    span = low if low == high else f"{low} to {high}"
    return f"99 % accuracy takes {span} iterations"


def _name(cell: Cell) -> str:
    return f"d = {cell.n_features}, m = {cell.weight}, k = {cell.n_hidden}, rate {number(cell.learning_rate)}"


def _together(names: list[str], mark: str) -> str:
    """Join names of cells, of many the first and how many more there are."""
    more = [f"{len(names) - MOST_NAMES:,} more"] if len(names) > MOST_NAMES else []
    return mark.join(names[:MOST_NAMES] + more) or "no cell"


def _has_texts(result: SweepResult) -> bool:
    """Whether the cells drawn are few enough to have their numbers written in them."""
    return sum(len(cells) for _, cells in result.panels[:MOST_PANELS]) <= MOST_TEXTS


def _not_drawn(result: SweepResult) -> str:
    """Say of how many widths and rates the maps are the first; empty if they are all."""
    number_of = len(result.panels)
    if number_of <= MOST_PANELS:
        return ""
    return f" Drawn are the first {MOST_PANELS} of {number_of:,} widths and rates."


def _maps(
    result: SweepResult,
    ax: Axes | None,
    value: Callable[[Cell], float | None],
    text: Callable[[Cell], str],
    label: str,
    colours: str,
    limits: tuple[float, float],
) -> Canvas:
    groups = result.panels[:MOST_PANELS]
    write = text if _has_texts(result) else None
    columns = 2 if len(groups) == 4 else min(len(groups), 3)
    lines = -(-len(groups) // columns)
    size = (3.2 + 3.4 * columns, 4.0 * lines)
    figure, axes = panels(ax, lines, columns, figsize=size, squeeze=False)
    for axis in axes.flat[len(groups) :]:
        axis.set_axis_off()
    image: Any = None
    for axis, (title, cells) in zip(axes.flat, groups, strict=False):
        image = _map(axis, cells, value, write, colours, limits)
        if len(groups) > 1:
            axis.set_title(title)
    bar = figure.colorbar(image, ax=axes, label=label, shrink=0.9)
    if limits[1] > 1:
        bar.formatter = FuncFormatter(lambda x, _: f"{x / 1000:g}k")
    return figure


def _map(
    axis: Axes,
    cells: tuple[Cell, ...],
    value: Callable[[Cell], float | None],
    text: Callable[[Cell], str] | None,
    colours: str,
    limits: tuple[float, float],
) -> Any:
    dims = sorted({cell.n_features for cell in cells})
    weights = sorted({cell.weight for cell in cells})
    column = {d: x for x, d in enumerate(dims)}
    row = {weight: y for y, weight in enumerate(weights)}
    grid = np.full((len(weights), len(dims)), np.nan)
    nothing = np.full_like(grid, np.nan)
    for cell in cells:
        shown = value(cell)
        at = row[cell.weight], column[cell.n_features]
        (nothing if shown is None else grid)[at] = 0.0 if shown is None else shown
    few = text is not None
    # of many cells no lines between them, and one picture in the place of as many paths
    look: dict[str, Any] = {"edgecolors": "white", "linewidth": 2} if few else {"rasterized": True}
    axis.pcolormesh(nothing, cmap=ListedColormap([GREY]), **look)
    image = axis.pcolormesh(grid, cmap=colours, vmin=limits[0], vmax=limits[1], **look)
    for cell in cells:
        if text is None:
            break
        y, x = row[cell.weight], column[cell.n_features]
        ink = INK
        if np.isnan(nothing[y, x]):
            red, green, blue, _ = image.to_rgba(grid[y, x])
            ink = "white" if 0.3 * red + 0.59 * green + 0.11 * blue < 0.5 else INK
        axis.text(x + 0.5, y + 0.5, text(cell), ha="center", va="center", fontsize=7.5, color=ink)
    for ticks, values in ((axis.set_xticks, dims), (axis.set_yticks, weights)):
        every = -(-len(values) // MOST_TICKS)
        ticks(np.arange(len(values))[::every] + 0.5, [str(v) for v in values[::every]])
    axis.set(xlabel="d, number of features", ylabel="m, features that count")
    axis.grid(visible=False)
    return image


FIGURES = (Figure("phase-diagram", phase_diagram), Figure("iterations-to-99", iterations_to_99))
