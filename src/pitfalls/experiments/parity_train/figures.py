"""Loss and accuracy of one training."""

from matplotlib.axes import Axes

from pitfalls.experiments.parity_train.records import ParityTrainResult
from pitfalls.plots import (
    PAGE,
    Drawing,
    Figure,
    draw_accuracies,
    draw_losses,
    panels,
    thousands,
)
from pitfalls.prose import number, percent

__all__ = ["FIGURES"]


def training_curve(result: ParityTrainResult, ax: Axes | None = None) -> Drawing:
    """Draw the loss and the accuracy against iterations."""
    last = result.replica
    figure, (left, right) = panels(ax, 1, 2, figsize=PAGE)
    draw_losses(left, last.step, last.batch_loss, last.loss)
    inputs = "fresh inputs" if result.fresh else "test inputs"
    memorised = None if result.fresh else last.train_accuracy
    draw_accuracies(right, last.step, last.accuracy, f"on {inputs}", memorised)
    right.plot(last.step[-1], last.test_accuracy, "D", color="black", label="at the end")
    thousands((left, right))
    left.set_ylabel(f"{result.loss} loss")
    left.set_title(f"The risk ends at {number(last.risk, 2)}")
    right.set_title(f"{percent(last.test_accuracy)} right at the end")
    right.legend(loc="lower right")
    what = f"d = {last.n_features}, a mask of m = {last.weight}, k = {result.n_hidden}"
    kind = "all" if last.exact else "sampled"
    return Drawing(
        figure,
        alt=f"One training on {what}: final risk {number(last.risk)}, accuracy "
        f"{percent(last.test_accuracy)}.",
        caption=f"One training, {what}. Pale: the last batch before each record; dark: mean between "
        f"records. At the end, over {last.n_inputs:,} {kind} inputs: risk {number(last.risk)}, "
        f"accuracy {percent(last.test_accuracy)}.",
    )


FIGURES = (Figure("training-curve", training_curve),)
