"""Gradient signal of the trained target and of all targets, along training."""

import numpy as np
from matplotlib.axes import Axes

from pitfalls.experiments.parity_along.records import AlongResult, Passage
from pitfalls.plots import CYCLE, GREY, MARKERS, PAGE, Drawing, Figure, panels, thousands
from pitfalls.prose import counted, number, percent, power

__all__ = ["FIGURES"]


def signal_along_training(result: AlongResult, ax: Axes | None = None) -> Drawing:
    """Draw the loss on the left and the signal on the right, one colour a training."""
    figure, (left, right) = panels(ax, 1, 2, figsize=(PAGE[0], PAGE[1] + 0.4))
    for at, passage in enumerate(result.passages):
        colour = CYCLE[at % len(CYCLE)]
        left.plot(passage.replica.step, passage.replica.loss, color=colour)
        _signal(right, passage, colour, MARKERS[at % len(MARKERS)])
    right.plot([], [], ":", color=GREY, label="mean over all targets")
    right.set(yscale="log", ylabel=r"$\|\nabla R_v - a\|^2$")
    most = max(passage.ratio_at_most for passage in result.passages)
    right.set_title(f"Own signal: up to {number(most, 2)} × the mean")
    n = len(result.passages)
    left.set_title(f"{len(result.learned)} of {counted(n, 'training')} learned")
    batches = counted(result.batches_a_record, "batch", "batches")
    left.set(ylabel=f"{result.loss} loss, mean of {batches}")
    left.set_ylim(bottom=0)
    thousands((left, right))
    handles, labels = right.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=n + 1)
    told = "; ".join(_told(passage) for passage in result.passages)
    return Drawing(
        figure,
        alt=f"{told}.",
        caption="Right: exact, over all inputs, in float64: the squared distance of the gradient "
        "from the part that all targets share, for the trained target (lines with marks) and on "
        f"average over all {power(2, 'd')} targets (dotted). {told}. One training a colour.",
    )


def _signal(axis: Axes, passage: Passage, colour: str, marker: str) -> None:
    # a loss of exactly 0 has no gradient and no place on a logarithmic axis
    own = np.where(passage.own > 0, passage.own, np.nan)
    mean = np.where(passage.mean > 0, passage.mean, np.nan)
    axis.plot(passage.step, own, "-", color=colour, marker=marker, ms=4, label=_name(passage))
    axis.plot(passage.step, mean, ":", color=colour)


def _name(passage: Passage) -> str:
    return f"d = {passage.replica.n_features}, m = {passage.replica.weight}"


def _told(passage: Passage) -> str:
    return (
        f"{_name(passage)} ({percent(passage.replica.test_accuracy)} right at the end): the target's "
        f"own signal starts at {number(passage.ratio_at_start, 2)} times the mean over all targets "
        f"and reaches {number(passage.ratio_at_most, 2)} times"
    )


FIGURES = (Figure("signal-along-training", signal_along_training),)
