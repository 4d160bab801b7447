"""Gradients layer by layer at the start, and what each depth learned."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from pitfalls.experiments.parity_depth.records import DepthResult, DepthStart, TrainedDepth
from pitfalls.experiments.parity_depth.words import told
from pitfalls.plots import (
    CYCLE,
    GREY,
    MARKERS,
    PAGE,
    Drawing,
    Figure,
    draw_layers,
    panels,
    thousands,
)
from pitfalls.prose import counted, number

__all__ = ["FIGURES"]


def layer_gradients(result: DepthResult, ax: Axes | None = None) -> Drawing:
    """Draw the message and the gradient of each layer at the start, beside the bound."""
    figure, (left, right) = panels(ax, 1, 2, figsize=(PAGE[0], PAGE[1] + 0.4), sharey=True)
    for at, start in enumerate(result.starts):
        draw_layers(left, start.message_norm, start.activation, at)
        layer = np.arange(1, start.message_bound.shape[1] + 1)
        left.plot(layer, np.median(start.message_bound, 0), "--", color=CYCLE[at], lw=1)
        draw_layers(right, start.gradient_norm, start.activation, at)
    left.plot([], [], "--", color=GREY, lw=1, label="bound by spectral norms")
    left.set(yscale="log", ylabel=r"message at the start, $\|\delta_l\|$, rms")
    left.set_title(_fading(result))
    right.set_ylabel(r"gradient of the risk, $\|\partial R/\partial W_l\|_F$")
    first = [
        f"{start.activation} {number(float(np.median(start.gradient_norm[:, 0])), 1)}"
        for start in result.starts
    ]
    right.set_title(f"First layer's gradient: {', '.join(first)}", fontsize=10)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    said = "; ".join(_factor(start) for start in result.starts)
    layers = counted(result.shown, "hidden layer")
    return Drawing(
        figure,
        alt=f"Networks of {layers} before training. {said}.",
        caption=f"Before training, over {result.inputs}: "
        f"{counted(result.n_seeds, 'network')} of {layers} of width {result.width}, median and range; "
        f"dashed, the bound from spectral norms, true for every network. {said}.",
    )


def depth_and_learning(result: DepthResult, ax: Axes | None = None) -> Drawing:
    """Draw what is learned at each depth, and the first layer's gradient on the way."""
    figure, (left, right) = panels(ax, 1, 2, figsize=(PAGE[0], PAGE[1] + 0.6))
    names = [start.activation for start in result.starts]
    depths = sorted({cell.depth for cell in result.trained})
    deepest = []
    for at, activation in enumerate(names):
        cells = sorted(result.of(activation), key=lambda cell: cell.depth)
        shift = 0.06 * (at - (len(names) - 1) / 2)
        _accuracies(left, cells, depths, shift, at)
        for c, cell in enumerate(cells):
            _on_the_way(right, cell, CYCLE[at], ("-", "--", "-.", ":")[c % 4])
        learned = [cell.depth for cell in cells if cell.n_learned == cell.n]
        deepest.append(f"{activation} {max(learned, default='none')}")
    left.set(xlabel="hidden layers", ylabel="accuracy after training", ylim=(0.3, 1.04))
    left.set_xticks(range(len(depths)), [str(depth) for depth in depths])
    left.set_title(f"Deepest at which all learned: {', '.join(deepest)}", fontsize=10)
    left.yaxis.set_major_formatter(PercentFormatter(1, 0))
    left.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    left.legend(loc="lower left")
    weakest = min(result.trained, key=lambda cell: cell.gradient_at_start)
    right.set(yscale="log", ylabel=r"first layer's $\|\partial R/\partial W_1\|_F$")
    right.set_title(
        f"Least at the start: {weakest.activation}, {weakest.depth} hidden", fontsize=10
    )
    thousands((right,))
    handles, labels = right.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(depths) if len(depths) <= 4 else 3
    )
    said = "; ".join(told(cell) for cell in result.trained)
    return Drawing(
        figure,
        alt=f"{said}.",
        caption=f"{counted(result.n_seeds, 'training')} of "
        f"{counted(result.n_iterations, 'iteration')} at rate {number(result.learning_rate)} for each depth "
        f"and activation, width {result.width}, on parities of {result.weight} of "
        f"{result.n_features} features. Left: every training, and a line through the medians. Right: "
        f"median of the gradient over {result.inputs}; a line ends where it is 0. {said}.",
    )


def _accuracies(
    axis: Axes, cells: list[TrainedDepth], depths: list[int], shift: float, at: int
) -> None:
    places = [depths.index(cell.depth) + shift for cell in cells]
    for place, cell in zip(places, cells, strict=True):
        axis.plot(
            np.full(cell.n, place), cell.final_accuracy, MARKERS[at], color=CYCLE[at], alpha=0.7,
            linestyle="none",
        )  # fmt: skip
    axis.plot(
        places, [cell.median_accuracy for cell in cells], color=CYCLE[at], marker=MARKERS[at], lw=1,
        label=cells[0].activation,
    )  # fmt: skip


def _on_the_way(axis: Axes, cell: TrainedDepth, colour: str, line: str) -> None:
    middle = np.median(cell.first_gradient, axis=0)
    # where the loss is 0 at every input there is no gradient, and no place on the axis
    axis.plot(
        np.concatenate([[0], cell.step]), np.where(middle > 0, middle, np.nan), line, color=colour,
        lw=1.3, label=f"{cell.activation}, {cell.depth} hidden",
    )  # fmt: skip


def _factor(start: DepthStart) -> str:
    factor, bound = start.factor_a_layer, start.bound_a_layer
    if factor is None or bound is None:
        return f"{start.activation}: one hidden layer"
    return (
        f"{start.activation}: a layer multiplies the message by {number(factor, 2)}, its bound "
        f"{number(bound, 2)}"
    )


def _fading(result: DepthResult) -> str:
    factors = [(start.factor_a_layer, start.activation) for start in result.starts]
    known = [(factor, activation) for factor, activation in factors if factor is not None]
    if not known:
        return "One hidden layer: nothing to fade through"
    factor, activation = min(known)
    if factor >= 1:
        return "The messages do not fade"
    if factor == 0:
        return f"{activation}: messages do not reach the first layer"
    return f"{activation}: messages fade {number(1 / factor, 2)}-fold a layer"


FIGURES = (
    Figure("layer-gradients", layer_gradients),
    Figure("depth-and-learning", depth_and_learning),
)
