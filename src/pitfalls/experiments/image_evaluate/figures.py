"""What a network confuses, how its confidence fits its accuracy, and its surest mistakes."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from pitfalls.experiments.image_evaluate.records import EvaluateResult
from pitfalls.experiments.image_evaluate.words import has_looks
from pitfalls.experiments.image_words import mistake_title
from pitfalls.plots import (
    BLUE,
    COLUMN,
    GREY,
    PAGE,
    Drawing,
    Figure,
    draw_confusion,
    panels,
    verbatim,
)
from pitfalls.prose import counted, listed, number, percent, plain

__all__ = ["FIGURES", "calibration_title", "mistakes_title"]


def confusion(result: EvaluateResult, ax: Axes | None = None) -> Drawing:
    """Draw the confusion matrix with the accuracy of each class."""
    counts, names = result.confusion.counts, tuple(map(verbatim, result.pictures.class_names))
    side = max(4.6, 0.46 * len(names) + 1.6)
    figure, axis = panels(ax, figsize=(side + 1.2, side))
    image = draw_confusion(axis, counts, names)
    figure.colorbar(image, ax=axis, label="share of the true class, mistakes only", shrink=0.8)
    axis.set_title(mistake_title(result.confusion, names))
    title = mistake_title(result.confusion, result.pictures.class_names)
    text = f"{_images(result)}, accuracy {percent(result.confusion.right.value, 2)}."
    return Drawing(
        figure,
        alt=f"Confusion matrix. {title}. {text}",
        caption=f"{text} Diagonal: share right; elsewhere: number of images.",
    )


def calibration(result: EvaluateResult, ax: Axes | None = None) -> Drawing:
    """Draw accuracy against confidence, and how many images have which confidence."""
    found = result.calibration
    figure, (top, bottom) = panels(
        ax, 2, 1, figsize=(COLUMN[0], 5.0), sharex=True, height_ratios=(3, 1)
    )
    edges = np.linspace(0, 1, found.n_bins + 1)
    width = edges[1] - edges[0]
    filled = found.bin_count > 0
    top.bar(edges[:-1][filled] + width / 2, found.bin_accuracy[filled], 0.9 * width, color=BLUE)
    top.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1)
    top.annotate("calibrated", (0.62, 0.66), rotation=31, color=GREY)
    top.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1), title=calibration_title(result))
    bottom.bar(edges[:-1] + width / 2, found.bin_count, 0.9 * width, color=GREY)
    bottom.set(xlabel="confidence: probability of the predicted class", ylabel="images")
    for axis in (top, bottom):
        axis.xaxis.set_major_formatter(PercentFormatter(1, 0))
    top.yaxis.set_major_formatter(PercentFormatter(1, 0))
    text = (
        f"{_images(result)} in {counted(found.n_bins, 'bin')} of confidence; mean confidence "
        f"{percent(found.mean_confidence)}, accuracy {percent(result.confusion.right.value)}, expected "
        f"calibration error {number(100 * found.error, 2)} points."
    )
    return Drawing(figure, alt=f"Reliability diagram. {text}", caption=text)


def calibration_title(result: EvaluateResult) -> str:
    """Say how large the error is, and to which side the network leans if that is beyond chance."""
    found = result.calibration
    lean = "" if found.leaning == "neither" else f": on average {found.leaning}"
    return f"Calibration error {number(100 * found.error, 2)} points{lean}"


def worst_mistakes(result: EvaluateResult, ax: Axes | None = None) -> Drawing:
    """Show the pictures that the network was most sure about and wrong; needs a mistake."""
    answers, names = result.answers, result.pictures.class_names
    places = answers.mistakes[: len(result.worst)]
    columns = 8
    rows = max(-(-len(places) // columns), 1)
    figure, axes = panels(
        ax, rows, columns, figsize=(PAGE[0] + 0.6, 1.55 * rows + 0.5), squeeze=False
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, place, picture in zip(axes.flat, places, result.worst, strict=False):
        axis.imshow(np.moveaxis(picture, 0, -1).squeeze(), cmap="gray", interpolation="nearest")
        predicted, true = names[answers.predictions[place]], names[answers.labels[place]]
        sure = percent(float(answers.confidences[place]), 0)
        axis.set_title(
            verbatim(f"{predicted}? {sure}\nis {true}"),
            fontsize=7, fontweight="normal", loc="center",
        )  # fmt: skip
    figure.suptitle(mistakes_title(result), fontweight="bold")
    where = plain(listed([str(i) for i in answers.indices[places].tolist()]))
    text = (
        f"{_images(result)}; above each picture the answer with its confidence, and the label. Places in "
        f"the source: {where}."
    )
    return Drawing(figure, alt=f"{mistakes_title(result)}. {text}", caption=text)


def mistakes_title(result: EvaluateResult) -> str:
    """Say which of how many mistakes are shown."""
    total, shown = len(result.answers.mistakes), len(result.worst)
    if shown == total:
        return f"All of the {counted(total, 'mistake')}" if total > 1 else "The one mistake"
    return f"Sure and wrong: the {shown} most confident of {counted(total, 'mistake')}"


def looks(result: EvaluateResult, ax: Axes | None = None) -> Drawing:
    """Show the first mistakes, and below each which pixels speak for the answer; needs their maps."""
    found, answers, names = result.looks, result.answers, result.pictures.class_names
    assert found is not None
    n = len(found.maps)
    figure, axes = panels(ax, 2, n, figsize=(1.15 * n + 0.6, 3.0), squeeze=False)
    for k, place in enumerate(answers.mistakes[:n]):
        top, bottom = axes[:, k]
        top.imshow(
            np.moveaxis(result.worst[k], 0, -1).squeeze(), cmap="gray", interpolation="nearest"
        )
        limit = float(np.abs(found.maps[k]).max()) or 1.0
        bottom.imshow(
            found.maps[k], cmap="PuOr_r", vmin=-limit, vmax=limit, interpolation="nearest"
        )
        predicted, true = names[answers.predictions[place]], names[answers.labels[place]]
        top.set_title(
            verbatim(f"{predicted}?\nis {true}"), fontsize=7, fontweight="normal", loc="center"
        )
        for axis in (top, bottom):
            axis.axis("off")
    figure.suptitle("Orange speaks for the wrong answer, purple against it", fontweight="bold")
    miss = float(np.max(found.gaps / np.maximum(np.abs(found.logits), 1e-9)))
    text = (
        f"{_images(result)}; the most confident of {counted(len(answers.mistakes), 'mistake')}, and below "
        "integrated gradients of the answer's logit against a picture of the mean colour, each on its own "
        f"scale. Their sums miss the logit's difference by {percent(miss)} at most."
    )
    return Drawing(figure, alt=f"What the network looks at in its mistakes. {text}", caption=text)


def _images(result: EvaluateResult) -> str:
    n = counted(result.confusion.right.n, result.noun)
    return f"{result.pictures.name}, {n}"


FIGURES = (
    Figure("confusion", confusion),
    Figure("calibration", calibration),
    Figure("worst-mistakes", worst_mistakes, lambda result: len(result.worst) > 0),
    Figure("looks", looks, has_looks),
)
