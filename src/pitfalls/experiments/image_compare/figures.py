"""Loss and learning rate of every scheme, from the same starts."""

import numpy as np
from matplotlib.axes import Axes

from pitfalls.experiments.image_compare.records import CompareResult, SchemeRow
from pitfalls.experiments.image_compared import epochs_words
from pitfalls.experiments.image_curves import loss_label, mean_curve, mean_of, window
from pitfalls.experiments.image_source import called
from pitfalls.plots import CYCLE, PAGE, Drawing, Figure, panels, verbatim
from pitfalls.prose import counted, number, percent

__all__ = ["FIGURES", "most_changed", "title"]


def schemes(result: CompareResult, ax: Axes | None = None) -> Drawing:
    """Draw the losses beside the rates, one colour a scheme."""
    figure, (left, right) = panels(ax, 1, 2, figsize=PAGE)
    for row, colour in zip(result.rows, CYCLE, strict=False):
        _losses(left, result, row, colour)
        _rate(right, result, row, colour)
    n_steps = result.rows[0].n_steps
    smoothed = "" if window(n_steps) == 1 else f", {mean_of(n_steps)}"
    left.set(xlabel="step", ylabel=f"{loss_label(result.training)}{smoothed}")
    left.set_title(verbatim(title(result)))
    positive = [rate for t in result.trainings for rate in t.rate if rate > 0]
    if positive:
        right.set_yscale("log")
        right.set_ylim(max(min(positive), 1e-6) / 2, max(positive) * 2)
    right.margins(x=0.16)
    right.set(xlabel="step", ylabel="learning rate", title=verbatim(most_changed(result)))
    handles, _ = left.get_legend_handles_labels()
    # below the axes, where no curve can run through it
    figure.legend(
        handles,
        [verbatim(f"{row.scheme}  {percent(row.held_out)}") for row in result.rows],
        title=f"{called(result.part)} accuracy",
        loc="outside lower center",
        ncols=min(len(result.rows), 4),
    )
    text = _told(result)
    several = len(result.seeds) > 1
    return Drawing(
        figure,
        alt=f"Loss curves and learning rates, {counted(len(result.rows), 'scheme')}. {text}",
        caption=f"{text} Curves: {mean_of(n_steps)}"
        + ("; thin: single starts; thick: their mean." if several else "."),
    )


def title(result: CompareResult) -> str:
    """Say which scheme is ahead, if one is."""
    best = result.best
    if len(result.rows) == 1:
        return f"{best.scheme}: {percent(best.held_out)}"
    if result.tied:
        return f"No clear winner: {percent(best.held_out)} at best"
    return f"{best.scheme} ends ahead: {percent(best.held_out)}"


def most_changed(result: CompareResult) -> str:
    """Name the scheme whose rate ends farthest from where it began, by the first and last above 0."""
    courses = {}
    for row in result.rows:
        used = [float(rate) for rate in result.of(row.scheme)[0].rate if rate > 0]
        courses[row.scheme] = (used[0], used[-1]) if used else (1.0, 1.0)
    change = {name: abs(float(np.log(last / first))) for name, (first, last) in courses.items()}
    name = max(change, key=lambda scheme: change[scheme])
    first, last = courses[name]
    if change[name] < 1e-9:
        return "The rate ends as it began" if len(courses) == 1 else "Every rate ends as it began"
    # a rate that begins at 0 rises by no factor, so the height is said and not the ratio
    if last > first:
        return f"{name}: the rate rises to {number(last, 2)}"
    return f"{name}: the rate falls {number(first / last, 2)}-fold"


def _losses(axis: Axes, result: CompareResult, row: SchemeRow, colour: str) -> None:
    trainings = result.of(row.scheme)
    if len(trainings) > 1:
        for training in trainings:
            axis.plot(training.steps, training.smooth_loss, color=colour, alpha=0.35, linewidth=0.8)
    axis.plot(*mean_curve(trainings), color=colour, label=row.scheme)


def _rate(axis: Axes, result: CompareResult, row: SchemeRow, colour: str) -> None:
    training = max(result.of(row.scheme), key=lambda one: one.n_steps)
    # a rate of 0 has no place on a logarithmic axis
    axis.plot(training.steps, np.where(training.rate > 0, training.rate, np.nan), color=colour)
    if row.last_rate > 0:
        axis.annotate(
            verbatim(row.scheme), (training.n_steps, row.last_rate), (5, 0),
            textcoords="offset points", color=colour, va="center", fontsize=9,
        )  # fmt: skip


def _told(result: CompareResult) -> str:
    scores = "; ".join(f"{row.scheme} {percent(row.held_out)}" for row in result.rows)
    text = (
        f"{result.pictures.name}, {counted(result.pictures.n('train'), 'training image')}, "
        f"{epochs_words(result.trainings)}, {counted(len(result.seeds), 'start')} a "
        f"scheme. Accuracy on {counted(result.n_held_out, called(result.part) + ' image')}: {scores}."
    )
    if result.diverged:
        text += f" {counted(len(result.diverged), 'training')} diverged."
    return text


FIGURES = (Figure("schemes", schemes),)
