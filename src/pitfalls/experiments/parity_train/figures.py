"""Loss and accuracy of one training."""

import matplotlib.pyplot as plt
from matplotlib.ticker import PercentFormatter

from pitfalls.experiments.parity_curves.figures import thousands
from pitfalls.experiments.parity_train.records import TrainResult
from pitfalls.plots import BLUE, GREY, PAGE, Drawing, Figure
from pitfalls.prose import number, percent

__all__ = ["FIGURES"]


def training_curve(result: TrainResult) -> Drawing:
    """Draw the loss and the accuracy against iterations."""
    last = result.replica
    figure, (left, right) = plt.subplots(1, 2, figsize=PAGE)
    left.plot(last.step, last.batch_loss, color=BLUE, alpha=0.3, linewidth=0.8)
    left.plot(last.step, last.loss, color=BLUE)
    if not result.fresh:
        right.plot(last.step, last.train_accuracy, color=GREY, label="on the training set")
    inputs = "fresh inputs" if result.fresh else "test inputs"
    right.plot(last.step, last.accuracy, color=BLUE, label=f"on {inputs}")
    right.plot(last.step[-1], last.test_accuracy, "D", color="black", label="at the end")
    thousands((left, right))
    left.set(ylabel=f"{result.loss} loss", ylim=(0, None))
    left.set_title(f"The risk ends at {number(last.risk, 2)}")
    right.set(ylim=(0.4, 1.02), title=f"{percent(last.test_accuracy)} right at the end")
    right.set_ylabel("accuracy")
    right.yaxis.set_major_formatter(PercentFormatter(1, 0))
    right.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
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
