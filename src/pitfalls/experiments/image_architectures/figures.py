"""Accuracy of every network, and its loss by step."""

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from pitfalls.experiments.image_architectures.records import ArchitecturesResult
from pitfalls.experiments.image_curves import loss_label, mean_curve, mean_of
from pitfalls.experiments.image_source import called
from pitfalls.plots import BLUE, CYCLE, GREY, PAGE, Drawing, Figure, panels, verbatim
from pitfalls.prose import counted, number, percent

__all__ = ["FIGURES", "title"]


def architectures(result: ArchitecturesResult, ax: Axes | None = None) -> Drawing:
    """Draw the accuracies beside the losses, networks with convolutions filled."""
    figure, (left, right) = panels(ax, 1, 2, figsize=PAGE)
    rows = sorted(result.rows, key=lambda row: row.held_out)
    for place, row in enumerate(rows):
        spread = 2 * row.error
        left.errorbar(
            row.held_out, place, xerr=spread, fmt="o", color=BLUE, capsize=3,
            markerfacecolor=BLUE if row.candidate.convolves else "white",
        )  # fmt: skip
        left.plot(row.train, place, "|", color=GREY, markersize=10)
    left.axvline(result.constant, color=GREY, linestyle=":", linewidth=1)
    left.set_yticks(range(len(rows)), [verbatim(row.candidate.title) for row in rows])
    left.set(xlabel=f"{called(result.part)} accuracy", title=title(result))
    left.xaxis.set_major_formatter(PercentFormatter(1, 0))
    left.margins(y=0.15)
    for row, colour in zip(result.rows, CYCLE, strict=False):
        trainings = result.of(row.candidate.model)
        right.plot(*mean_curve(trainings), color=colour, label=verbatim(row.candidate.title))
    steps = result.trainings[0].n_steps
    right.set(
        xlabel="step",
        ylabel=f"{loss_label(result.training)}, {mean_of(steps)}",
        title="Loss by step",
    )
    right.legend(loc="best", frameon=True, framealpha=0.85, edgecolor="none")  # over the curves
    scores = "; ".join(f"{row.candidate.title} {percent(row.held_out)}" for row in result.rows)
    text = (
        f"{result.pictures.name}, {counted(result.pictures.n('train'), 'training image')}, "
        f"{counted(len(result.seeds), 'start')} a network. Accuracy on "
        f"{counted(result.n_held_out, called(result.part) + ' image')}: {scores}."
    )
    return Drawing(
        figure,
        alt=f"Accuracies and loss curves, {counted(len(rows), 'network')}. {text}",
        caption=f"{text} Filled: with convolutions; bars: two standard errors of counting; strokes: "
        "training accuracy; dotted: naming the commonest class.",
    )


def title(result: ArchitecturesResult) -> str:
    """Say what a convolution buys, where there are both kinds and the difference is beyond its error."""
    best, other = result.best(convolves=True), result.best(convolves=False)
    if best is None or other is None:
        return f"{counted(len(result.rows), 'network')}, one schedule"
    points = number(100 * abs(best.held_out - other.held_out), 2)
    if result.decided == "with":
        return f"A convolution buys {points} points"
    if result.decided == "without":
        return f"Without convolutions {points} points more"
    return "Convolutions: no clear difference"


FIGURES = (Figure("architectures", architectures),)
