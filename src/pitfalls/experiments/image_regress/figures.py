"""What least squares confuses, and how well it does on each class."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from pitfalls.experiments.image_confusion import Confusion
from pitfalls.experiments.image_regress.records import PartScore, RegressResult
from pitfalls.experiments.image_source import called
from pitfalls.experiments.image_words import mistake_title, spread_title
from pitfalls.plots import BLUE, ORANGE, PAGE, SEQUENTIAL, Drawing, Figure, panels, verbatim
from pitfalls.prose import counted, percent

__all__ = ["FIGURES"]

NAMED = 20  # classes whose names fit beside the axes
NUMBERED = 12  # classes whose cells have room for a number


def regression(result: RegressResult, ax: Axes | None = None) -> Drawing:
    """Draw the confusion matrix of the images shown, and the accuracy of each class."""
    names = tuple(map(verbatim, result.pictures.class_names))
    score = result.unseen or result.train
    figure, (left, right) = panels(
        ax, 1, 2, figsize=(PAGE[0], 4.2), width_ratios=(1.15, 1), layout="constrained"
    )
    _draw_confusion(left, score, names)
    _draw_classes(right, result, names)
    parts = " and ".join(
        f"{percent(s.confusion.right.value, 2)} of "
        f"{counted(s.confusion.right.n, f'{called(s.part)} image')}"
        for s in result.scores
        if s.part in ("train", score.part)
    )
    text = (
        f"Least squares onto one-hot labels, {result.pictures.name}: {parts} right; always naming the "
        f"commonest class of training gets {percent(result.pictures.constant(score.part))} of the "
        f"{called(score.part)} images."
    )
    finding = mistake_title(score.confusion, result.pictures.class_names)
    return Drawing(
        figure,
        alt=f"{text} {called(score.part).capitalize()} images: {finding}.",
        caption=f"{text} Left: shares of the true class, {called(score.part)} images.",
    )


def _draw_confusion(axis: Axes, score: PartScore, names: tuple[str, ...]) -> None:
    counts = score.confusion.counts
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    darkest = float(share.max())
    picture = axis.imshow(share, cmap=SEQUENTIAL, vmin=0, vmax=darkest)
    axis.grid(visible=False)
    if len(names) <= NAMED:
        at = range(len(names))
        axis.set_xticks(at, names, rotation=45, ha="right", rotation_mode="anchor", fontsize=8)
        axis.set_yticks(at, names, fontsize=8)
    if len(names) <= NUMBERED:
        for i, j in np.ndindex(share.shape):
            axis.text(
                j, i, f"{100 * share[i, j]:.0f}", ha="center", va="center", fontsize=7,
                color="black" if share[i, j] > 0.55 * darkest else "white",
            )  # fmt: skip
    axis.set(xlabel="predicted", ylabel="true class")
    axis.set_title(mistake_title(score.confusion, names), fontsize=10)
    axis.figure.colorbar(
        picture, ax=axis, format=PercentFormatter(1, 0), shrink=0.8,
        label=f"share of the true class's {called(score.part)} images",
    )  # fmt: skip


def _draw_classes(axis: Axes, result: RegressResult, names: tuple[str, ...]) -> None:
    unseen = result.unseen
    places = np.arange(len(names))
    shown = [(result.train, BLUE, -0.2)] + ([(unseen, ORANGE, 0.2)] if unseen else [])
    for score, colour, offset in shown:
        mean = score.confusion.right.value
        axis.barh(places + offset, _values(score.confusion), height=0.38, color=colour)
        axis.axvline(mean, color=colour, linewidth=1.2, linestyle="--")
        axis.plot([], [], "s", color=colour, label=f"{called(score.part)} {percent(mean)}")
    last = unseen or result.train
    constant = result.pictures.constant(last.part)
    axis.axvline(constant, color="black", linewidth=0.8, linestyle=":")
    axis.plot([], [], ":", color="black", linewidth=0.8, label=f"one class {percent(constant)}")
    axis.set_yticks(places, names if len(names) <= NAMED else [""] * len(names), fontsize=8)
    axis.invert_yaxis()
    axis.set_xlim(0, 1)
    axis.xaxis.set_major_formatter(PercentFormatter(1, 0))
    axis.grid(visible=False, axis="y")
    axis.set_xlabel("accuracy (dashed: over all classes)")
    axis.set_title(spread_title(last.confusion, names), fontsize=10)
    axis.legend(
        loc="upper center", bbox_to_anchor=(0.4, -0.16), ncols=3, fontsize=8, columnspacing=1.2
    )


def _values(confusion: Confusion) -> list[float]:
    return [np.nan if share is None else share.value for share in confusion.classes]


FIGURES = (Figure("regression", regression),)
