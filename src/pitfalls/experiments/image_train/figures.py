"""Loss by step and accuracy by epoch of one training."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pitfalls.experiments.image_curves import loss_label, mean_of, window
from pitfalls.experiments.image_train.records import TrainRunResult
from pitfalls.plots import BLUE, GREY, ORANGE, PAGE, Drawing, Figure, draw_epochs, panels
from pitfalls.prose import counted, number, percent

__all__ = ["FIGURES", "course"]


def training_curve(result: TrainRunResult, ax: Axes | None = None) -> Drawing:
    """Draw the loss with the rate, and the accuracies."""
    trained, pictures = result.trained, result.pictures
    figure, (left, right) = panels(ax, 1, 2, figsize=PAGE)
    _loss(left, result)
    _accuracies(right, result)
    single = window(trained.n_steps) == 1
    text = (
        f"{pictures.name}, {counted(pictures.n('train'), 'training image')}, scheme "
        f"{trained.scheme}, {counted(trained.n_epochs, 'epoch')}: training accuracy "
        f"{percent(trained.train_accuracy)}, test accuracy {percent(trained.test_accuracy)} (n = 1 "
        f"training, {counted(pictures.n('test'), 'test image')})."
    )
    if (cycle := result.cycle) is not None:
        text += (
            f" Orange: one cycle in as many steps, training accuracy {percent(cycle.train_accuracy)}, "
            f"test accuracy {percent(cycle.test_accuracy)} (n = 1 training)."
        )
    return Drawing(
        figure,
        alt=f"The loss {course(trained.smooth_loss)} over {counted(trained.n_steps, 'step')}; "
        f"accuracy by epoch. {text}",
        caption=f"{text} "
        + (
            "Line: single steps; "
            if single
            else f"Thin: single steps; thick: {mean_of(trained.n_steps)}; "
        )
        + "training values are taken while the weights change.",
    )


def course(drawn: NDArray[np.float64]) -> str:
    """Say how a drawn curve begins, where its window is first full, and how it ends."""
    drawn = drawn[window(len(drawn)) - 1 :]
    first, last, most = (float(value) for value in (drawn[0], drawn[-1], drawn.max()))
    begins, ends = number(first), number(last)
    if most > 1.1 * max(first, last):
        return f"rises from {begins} to {number(most)}, ends at {ends}"
    if begins == ends:
        return f"begins and ends at {begins}"
    return f"{'falls' if last < first else 'rises'} from {begins} to {ends}"


def _loss(axis: Axes, result: TrainRunResult) -> None:
    trained, rate = result.trained, axis.twinx()
    for (one, _), (colour, rates) in zip(
        result.timed, ((BLUE, GREY), (ORANGE, ORANGE)), strict=False
    ):
        if window(one.n_steps) > 1:
            axis.plot(one.steps, one.loss, color=colour, alpha=0.25, linewidth=0.7)
        axis.plot(one.steps, one.smooth_loss, color=colour)
        rate.plot(one.steps, one.rate, color=rates, linewidth=1, linestyle="--")
    title = f"Loss {course(trained.smooth_loss)}"
    axis.set(xlabel="step", ylabel=loss_label(result.training), title=title)
    rate.set_ylabel("learning rate (dashed)", color=GREY)
    rate.set_ylim(bottom=0)
    rate.grid(visible=False)


def _accuracies(axis: Axes, result: TrainRunResult) -> None:
    trained, cycle = result.trained, result.cycle
    draw_epochs(axis, trained.train_accuracies, trained.validation_accuracies)
    kept = trained.n_epochs if trained.kept_epoch is None else trained.kept_epoch + 1
    axis.plot(kept, trained.test_accuracy, "D", color="black", label="test, after training")
    title = f"{percent(trained.test_accuracy)} of test images right"
    if cycle is not None:
        epochs = range(1, cycle.n_epochs + 1)
        axis.plot(epochs, cycle.train_accuracies, "o-", color=ORANGE, label="one cycle, training")
        axis.plot(cycle.n_epochs, cycle.test_accuracy, "D", color=ORANGE, label="one cycle, test")
        best, other = percent(trained.test_accuracy), percent(cycle.test_accuracy)
        title = f"{best} of test images, {other} by one cycle"
    axis.set_title(title)
    axis.legend(loc="best")


FIGURES = (Figure("training-curve", training_curve),)
