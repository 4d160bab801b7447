"""Loss and accuracy of every training of part (b)."""

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from pitfalls.experiments.parity_curves.records import CurveCase, CurvesResult
from pitfalls.experiments.parity_curves.words import name_of
from pitfalls.plots import CYCLE, GREY, PAGE, Drawing, Figure, panels, thousands
from pitfalls.prose import counted, number, plain

__all__ = ["FIGURES", "title"]


def loss_curves(result: CurvesResult, ax: Axes | None = None) -> Drawing:
    """Draw one line a training, one colour a case."""
    figure, (left, right) = panels(ax, 1, 2, figsize=(PAGE[0], PAGE[1] + 0.5))
    for at, case in enumerate(result.cases):
        _draw(left, right, case, CYCLE[at % len(CYCLE)])
    figure.suptitle(title(result), x=0.01, ha="left", fontsize=11, fontweight="bold")
    thousands((left, right))
    batches = counted(result.batches_a_record, "batch", "batches")
    left.set(ylabel=f"{result.loss} loss, mean of {batches}")
    left.set_ylim(bottom=0, top=min(1.3, left.get_ylim()[1]))
    inputs = "fresh inputs" if result.fresh else "test inputs"
    right.set(ylabel=f"accuracy on {inputs}", ylim=(0.4, 1.02))
    right.yaxis.set_major_formatter(PercentFormatter(1, 0))
    right.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    right.annotate("guessing", (0, 0.5), (3, -10), textcoords="offset points", color=GREY)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 3))
    told = "; ".join(_told(case) for case in result.cases)
    return Drawing(
        figure,
        alt=f"Loss and accuracy against iterations. {told}.",
        caption=f"One line a training, {counted(len(result.cases[0].replicas), 'training')} a "
        "colour, each with a mask (m ones), initial weights and inputs of its own; "
        + (
            "loss and accuracy are means over the batches between two records. "
            if result.fresh
            else "the loss is that of the training set, the accuracy that of test inputs. "
        )
        + f"At the end: {told}.",
    )


def title(result: CurvesResult) -> str:
    """Say how many trainings learned, or that one d holds both."""
    every = {c.n_features for c in result.cases if c.n_learned == len(c.replicas)}
    none = {c.n_features for c in result.cases if c.n_learned == 0}
    some = {c.n_features for c in result.cases if 0 < c.n_learned < len(c.replicas)}
    if apart := (every & none) - some:
        return f"At d = {min(apart)} all trainings learn or none does, by the mask's weight"
    total = sum(len(case.replicas) for case in result.cases)
    learned = sum(case.n_learned for case in result.cases)
    return f"{learned} of {counted(total, 'training')} learned: 99 % accurate at the end"


def _draw(left: Axes, right: Axes, case: CurveCase, colour: str) -> None:
    for at, replica in enumerate(case.replicas):
        label = plain(name_of(case)) if at == 0 else None
        left.plot(replica.step, replica.loss, label=label, color=colour, lw=1.1, alpha=0.75)
        right.plot(replica.step, replica.accuracy, color=colour, lw=1.1, alpha=0.75)


def _told(case: CurveCase) -> str:
    last = case.replicas[0]
    inputs = f"{'all ' if last.exact else ''}{last.n_inputs:,} inputs"
    middle = "median risk" if len(case.replicas) > 1 else "risk"
    return (
        f"{plain(name_of(case))}: {case.n_learned} of {len(case.replicas)} learned, {middle} "
        f"{number(case.risk, 2)} over {inputs}"
    )


FIGURES = (Figure("loss-curves", loss_curves),)
