"""Accuracy of every seed of the fast recipe, plain and over six views, and the way there."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from pitfalls.experiments.image_curves import mean_of, window
from pitfalls.experiments.image_fast.records import FastResult
from pitfalls.experiments.image_fast.words import against_target, reached
from pitfalls.plots import BLUE, GREY, PAGE, RED, Drawing, Figure, panels
from pitfalls.prose import number, percent, plain

__all__ = ["FIGURES"]


def fast_accuracy(result: FastResult, ax: Axes | None = None) -> Drawing:
    """Draw training accuracy against time, and test accuracy by seed."""
    figure, (left, right) = panels(ax, 1, 2, figsize=PAGE)
    for training, clock in zip(result.trainings, result.clocks, strict=True):
        time = training.steps * clock.seconds / training.n_steps
        left.plot(time, training.smooth_accuracy, color=BLUE, alpha=0.7, linewidth=1)
    n_steps = result.trainings[0].n_steps
    smoothed = "" if window(n_steps) == 1 else f", {mean_of(n_steps)}"
    left.set(xlabel="seconds of training, at the mean pace")
    left.set_ylabel(f"training accuracy{smoothed}")
    left.set_title(f"{number(result.seconds)} s a training")
    left.yaxis.set_major_formatter(PercentFormatter(1, 0))
    _seeds(right, 0, [100 * training.test_accuracy for training in result.trainings], BLUE)
    names = ["plain"]
    if result.six_views is not None:
        _seeds(right, 1, [100 * (t.six_views or 0.0) for t in result.trainings], RED)
        names.append("mean over six views")
    if result.has_target and not result.is_altered:
        right.axhline(result.target, color=GREY, linestyle="--", linewidth=1)
        name = "target" if result.views == "plain" else "target over six views"
        right.annotate(name, (-0.45, result.target), (0, 3), textcoords="offset points", color=GREY)
    right.set_xticks(range(len(names)), names)
    right.set(xlim=(-0.5, len(names) - 0.3), ylabel="test accuracy [%]")
    right.margins(y=0.15)
    right.set_title(f"{percent(result.accuracy, 2)} plain")
    text = plain(reached(result) + against_target(result)).strip()
    precision = result.training.precision
    return Drawing(
        figure,
        alt=f"Training accuracy over time and test accuracies. {text}",
        caption=f"{text} In {precision}, {number(result.cpu_seconds)} s of processor time a training. "
        "Right: every seed" + (", and a line at their mean." if result.n > 1 else "."),
    )


def _seeds(axis: Axes, place: int, values: list[float], colour: str) -> None:
    several = len(values) > 1
    spread = np.linspace(-0.12, 0.12, len(values)) if several else np.zeros(1)
    axis.plot(place + spread, values, "o", color=colour, alpha=0.7)
    mean = float(np.mean(values))
    if several:
        axis.plot([place - 0.25, place + 0.25], [mean, mean], color=colour)
    axis.annotate(f"{mean:.2f}", (place + 0.27, mean), va="center", color=colour, fontweight="bold")


FIGURES = (Figure("fast-accuracy", fast_accuracy),)
