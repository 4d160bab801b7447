"""Maps of what is learned, and how fast, over dimension and mask weight."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from pitfalls.experiments.parity_sweep.records import Cell, SweepResult
from pitfalls.plots import SEQUENTIAL, Canvas, Drawing, Figure, panels
from pitfalls.prose import counted, number

__all__ = ["FIGURES", "edge", "time_taken"]

INK = "#22262b"


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
        f"training: {', '.join(every) or 'no cell'}. In no training of this length: "
        f"{', '.join(none) or 'no cell'}.",
        caption=f"Share of trainings whose network is at least 99 % accurate after {time}; in each "
        f"cell how many of how many, {counted(result.n_seeds, 'seed')} a cell, each with a mask of "
        "its own; what is not learned by then may be learned later. Empty: m > d.",
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
        + ("; ".join(told) or "No cell reached it")
        + ".",
        caption="Median over the trainings that got there of the first record whose batches were "
        f"99 % accurate, within {counted(result.n_iterations, 'iteration')}; below it n, their "
        "number. Where no training got there in this time, a longer one may.",
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
    for c, at in known:
        lines.setdefault((c.n_features, c.n_hidden, c.learning_rate), []).append((c.weight, at))
    slower = [a[1] < b[1] for line in lines.values() for a, b in itertools.pairwise(sorted(line))]
    if slower and all(slower):
        return f"At every d more ones take longer: {low} to {high} iterations to 99 % accuracy"
    span = low if low == high else f"{low} to {high}"
    return f"99 % accuracy takes {span} iterations"


def _name(cell: Cell) -> str:
    return f"d = {cell.n_features}, m = {cell.weight}, k = {cell.n_hidden}, rate {number(cell.learning_rate)}"


def _maps(
    result: SweepResult,
    ax: Axes | None,
    value: Callable[[Cell], float | None],
    text: Callable[[Cell], str],
    label: str,
    colours: str,
    limits: tuple[float, float],
) -> Canvas:
    groups = result.panels
    columns = 2 if len(groups) == 4 else min(len(groups), 3)
    lines = -(-len(groups) // columns)
    size = (3.2 + 3.4 * columns, 4.0 * lines)
    figure, axes = panels(ax, lines, columns, figsize=size, squeeze=False)
    for axis in axes.flat[len(groups) :]:
        axis.set_axis_off()
    image: Any = None
    for axis, (title, cells) in zip(axes.flat, groups, strict=False):
        image = _map(axis, cells, value, text, colours, limits)
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
    text: Callable[[Cell], str],
    colours: str,
    limits: tuple[float, float],
) -> Any:
    dims = sorted({cell.n_features for cell in cells})
    weights = sorted({cell.weight for cell in cells})
    grid = np.full((len(weights), len(dims)), np.nan)
    for cell in cells:
        shown = value(cell)
        at = weights.index(cell.weight), dims.index(cell.n_features)
        grid[at] = np.nan if shown is None else shown
    image = axis.pcolormesh(
        grid, cmap=colours, edgecolors="white", linewidth=2, vmin=limits[0], vmax=limits[1]
    )
    for cell in cells:
        y, x = weights.index(cell.weight), dims.index(cell.n_features)
        ink = INK
        if np.isnan(grid[y, x]):
            axis.add_patch(Rectangle((x + 0.02, y + 0.02), 0.96, 0.96, color="#e9ecef"))
        else:
            red, green, blue, _ = image.to_rgba(grid[y, x])
            ink = "white" if 0.3 * red + 0.59 * green + 0.11 * blue < 0.5 else INK
        axis.text(x + 0.5, y + 0.5, text(cell), ha="center", va="center", fontsize=7.5, color=ink)
    axis.set_xticks(np.arange(len(dims)) + 0.5, [str(d) for d in dims])
    axis.set_yticks(np.arange(len(weights)) + 0.5, [str(w) for w in weights])
    axis.set(xlabel="d, number of features", ylabel="m, features that count")
    axis.grid(visible=False)
    return image


FIGURES = (Figure("phase-diagram", phase_diagram), Figure("iterations-to-99", iterations_to_99))
