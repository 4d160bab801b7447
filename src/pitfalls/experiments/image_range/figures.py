"""The loss against the learning rate."""

from matplotlib.axes import Axes

from pitfalls.experiments.image_range.records import RangeResult
from pitfalls.experiments.image_range.words import recommended
from pitfalls.plots import COLUMN, Drawing, Figure, draw_range, panels
from pitfalls.prose import number, plain

__all__ = ["FIGURES", "title"]


def lr_range(result: RangeResult, ax: Axes | None = None) -> Drawing:
    """Draw single losses and their moving average, with the rates that they show."""
    figure, axis = panels(ax, figsize=COLUMN)
    draw_range(axis, result.rates, result.losses, result.smoothed, result.steepest, result.lowest)
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
