"""Risk and accuracy by rank, with the verdict on what descent found."""

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from pitfalls.experiments.linear_classify.figures import MARKS
from pitfalls.experiments.linear_ranks.records import RanksResult
from pitfalls.plots import BLUE, COLUMN, GREY, PAGE, RED, Drawing, Figure, panels
from pitfalls.prose import counted, percent

__all__ = ["FIGURES"]


def accuracy_by_rank(result: RanksResult, ax: Axes | None = None) -> Drawing:
    """Draw the risk, and beside it the accuracy where the data are pictures."""
    scored = result.pictures
    figure, axes = panels(ax, 1, 1 + scored, figsize=PAGE if scored else COLUMN, squeeze=False)
    _risks(axes[0, 0], result)
    text = (
        f"{result.data}, {counted(result.n, 'row')}, {counted(result.n_layers, 'layer')}, gradient "
        f"descent on white inputs, one start a rank: {result.n_found} of {len(result.rows)} end at a "
        "global minimum"
    )
    if scored:
        _accuracies(axes[0, 1], result)
        shown = ", ".join(
            f"{percent(row.test_accuracy or 0.0)} at rank {row.rank}"
            for row in dict.fromkeys((result.rows[0], result.rows[-1]))
        )
        text += f". Accuracy on {counted(result.n_test or 0, 'test image')}: {shown}"
    return Drawing(figure, alt=f"Risk and accuracy by rank. {text}.", caption=f"{text}.")


def _risks(axis: Axes, result: RanksResult) -> None:
    ranks = [row.rank for row in result.rows]
    least = [result.risk_of_zero / result.n, *(row.minimum / result.n for row in result.rows)]
    axis.plot([0, *ranks], least, color=GREY, linewidth=1, label="least risk of the rank")
    for verdict, (marker, colour) in MARKS.items():
        found = [row for row in result.rows if row.point.verdict == verdict]
        if found:
            axis.plot(
                [row.rank for row in found], [row.risk / result.n for row in found], marker,
                color=colour, markersize=9, linestyle="none", label=f"descent: {verdict}",
            )  # fmt: skip
    axis.set(xlabel="rank, the hidden width", ylabel="risk per row")
    axis.set_xticks([0, *ranks])
    axis.legend()
    axis.set_title(f"Descent: {result.n_found} of {len(result.rows)} at the global minimum")


def _accuracies(axis: Axes, result: RanksResult) -> None:
    ranks = [row.rank for row in result.rows]
    for values, colour, marker, name in (
        ([row.train_accuracy or 0.0 for row in result.rows], BLUE, "o", "training"),
        ([row.test_accuracy or 0.0 for row in result.rows], RED, "s", "test"),
    ):
        axis.plot(ranks, values, f"{marker}-", color=colour, label=name)
    chance = 1 / result.n_outputs
    axis.axhline(chance, color=GREY, linestyle="--", linewidth=1)
    axis.annotate("chance", (ranks[0], chance), (0, -12), textcoords="offset points", color=GREY)
    axis.set(xlabel="rank, the hidden width", ylabel="accuracy", ylim=(0, None))
    axis.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axis.set_xticks(ranks)
    axis.legend(loc="center right")
    last = result.rows[-1]
    axis.set_title(f"Test accuracy {percent(last.test_accuracy or 0.0)} at rank {last.rank}")


FIGURES = (Figure("accuracy-by-rank", accuracy_by_rank, lambda result: bool(result.rows)),)
