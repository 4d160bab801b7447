"""The loss against the learning rate."""

import matplotlib.pyplot as plt

from pitfalls.experiments.image_range.records import RangeResult
from pitfalls.experiments.image_range.words import recommended
from pitfalls.plots import BLUE, COLUMN, GREY, RED, Drawing, Figure
from pitfalls.prose import number, plain

__all__ = ["FIGURES", "title"]


def lr_range(result: RangeResult) -> Drawing:
    """Draw single losses and their moving average, with the rates that they show."""
    figure, axis = plt.subplots(figsize=COLUMN)
    axis.plot(result.rates, result.losses, ".", color=BLUE, alpha=0.35, markersize=4)
    axis.plot(result.rates, result.smoothed, color=BLUE)
    low = float(result.smoothed.min())
    top = min(float(result.smoothed.max()) * 1.1, float(result.smoothed[0]) * 2.5)
    axis.set(xscale="log", xlabel="learning rate", ylabel="cross-entropy [nats], moving average")
    if low < top:
        axis.set_ylim(low - 0.15 * (top - low), top)
    for rate, colour, words, height in (
        (result.steepest, RED, "falls fastest", 0.03),
        (result.lowest, GREY, "lowest", 0.10),
    ):
        if rate is None:
            continue
        axis.axvline(rate, color=colour, linestyle="--", linewidth=1)
        axis.annotate(
            f"{words}: {number(rate, 2)}",
            (rate, height),
            (-4, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            color=colour,
            ha="right",
        )
    axis.set_title(title(result))
    text = plain(recommended(result)).strip()
    caption = f"{text} Dots: single steps; line: their moving average; n = 1."
    return Drawing(figure, alt=f"Loss against learning rate. {text}", caption=caption)


def title(result: RangeResult) -> str:
    """Name the rate at which the loss falls fastest, or say that none is shown."""
    if result.steepest is None:
        return "The range shows no rate to recommend"
    return f"The loss falls fastest at rate {number(result.steepest, 2)}"


FIGURES = (Figure("lr-range", lr_range),)
