"""Singular values of a target, and how near narrower networks come."""

import numpy as np
from matplotlib.axes import Axes

from pitfalls.experiments.linear_capacity.records import CapacityResult
from pitfalls.plots import BLUE, GREY, PAGE, RED, Drawing, Figure, panels
from pitfalls.prose import counted, number

__all__ = ["FIGURES"]


def capacity(result: CapacityResult, ax: Axes | None = None) -> Drawing:
    """Draw the singular values on the left and the distances on the right."""
    values, distances, d_star = result.singular_values, result.distances, result.capacity
    figure, (left, right) = panels(ax, 1, 2, figsize=PAGE)
    index = np.arange(1, len(values) + 1)
    left.bar(index, values, color=[BLUE if i <= d_star else RED for i in index], width=0.7)
    left.axvline(d_star + 0.5, color=GREY, linestyle="--", linewidth=1)
    left.text(d_star + 0.42, max(values) * 0.98, f"d* = {d_star}", ha="right", color=GREY)
    left.set(xlabel="number of the singular value", ylabel="singular value of the target")
    lost = max(0, result.rank - d_star)
    told = f"{lost} {'is' if lost == 1 else 'are'} lost" if lost else "none is lost"
    left.set_title(f"{counted(result.rank, 'singular value')}, room for {d_star}: {told}")
    left.set_xticks(index)
    widths = np.arange(1, len(distances) + 1)
    at = float(distances[min(d_star, len(distances)) - 1])
    names = "-".join(map(str, result.widths))
    right.plot(widths, distances, "o-", color=BLUE)
    right.plot(d_star, at, "o", color=RED, markersize=9)
    right.annotate(f"widths {names}", (d_star, at), (8, 10), textcoords="offset points", color=RED)
    right.set(xlabel="narrowest width", ylabel="relative distance to the nearest map")
    right.set_ylim(bottom=-0.02)
    right.set_xticks(widths)
    exact = [int(w) for w, distance in zip(widths, distances, strict=True) if distance < 1e-9]
    right.set_title(f"Exact from width {exact[0]} on" if exact else "No width here is exact")
    fits = "is represented" if result.representable else "is not representable"
    text = (
        f"A target of rank {result.rank} {fits} by widths {names}: relative error "
        f"{number(result.relative_error, 2)}, largest imbalance {number(result.imbalance, 2)}. "
        "One random target."
    )
    return Drawing(
        figure, alt=f"Singular values and distance by narrowest width. {text}", caption=text
    )


FIGURES = (Figure("capacity", capacity),)
