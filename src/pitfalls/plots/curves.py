"""What a figure of the report and ``plot`` of a library result both draw, on axes that they give."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter, PercentFormatter
from numpy.typing import ArrayLike, NDArray

from pitfalls.plots.drawing import verbatim
from pitfalls.plots.style import BLUE, CYCLE, GREY, MARKERS, ORANGE, RED
from pitfalls.prose import number

__all__ = [
    "draw_accuracies",
    "draw_confusion",
    "draw_epochs",
    "draw_layers",
    "draw_losses",
    "draw_modes",
    "draw_permutations",
    "draw_profile",
    "draw_range",
    "draw_spectrum",
    "thousands",
]

Array = NDArray[np.float64]

MISTAKES = LinearSegmentedColormap.from_list("mistakes", ["white", BLUE])
NUMBERED = 20  # classes whose cells have room for a number


def draw_modes(
    axis: Axes,
    time: Array,
    strengths: Array,
    targets: Array | None = None,
    exact: Array | None = None,
) -> None:
    """Draw the strength of each mode over time.

    Parameters
    ----------
    axis : Axes
    time : array of shape (t,)
    strengths : array of shape (t, m)
    targets : array of shape (m,), optional
        The modes' strengths in the data, dashed.
    exact : array of shape (t, m), optional
        The closed form, broad behind the curves.
    """
    for k in range(strengths.shape[1]):
        colour = CYCLE[k % len(CYCLE)]
        if targets is not None:
            # not across the whole axes: the modes' names stand to the right of the last time
            axis.hlines(targets[k], 0, time[-1], colour, linewidth=0.8, linestyle="--", alpha=0.6)
        if exact is not None:
            axis.plot(time, exact[:, k], color="black", linewidth=3.4, alpha=0.18)
        axis.plot(time, strengths[:, k], color=colour)
        axis.annotate(
            f"mode {k + 1}", (time[-1], strengths[-1, k]), (4, 0),
            textcoords="offset points", color=colour, va="center", annotation_clip=False,
        )  # fmt: skip
    axis.set(xlabel="time of the gradient flow", ylabel="strength u of the mode in the map")


def draw_losses(axis: Axes, step: NDArray[np.int64], batch_loss: Array, loss: Array) -> None:
    """Draw single batches' losses pale and the means between records dark, all of shape (t,)."""
    axis.plot(step, batch_loss, color=BLUE, alpha=0.3, linewidth=0.8)
    axis.plot(step, loss, color=BLUE)
    axis.set(ylabel="loss", ylim=(0, None))


def draw_accuracies(
    axis: Axes,
    step: NDArray[np.int64],
    accuracy: Array,
    label: str,
    train_accuracy: Array | None = None,
) -> None:
    """Draw accuracy against iterations, that on a fixed training set beside it, and chance."""
    if train_accuracy is not None:
        axis.plot(step, train_accuracy, color=GREY, label="on the training set")
    axis.plot(step, accuracy, color=BLUE, label=label)
    axis.set(ylim=(0.4, 1.02), ylabel="accuracy")
    axis.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axis.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")


def thousands(axes: Sequence[Axes]) -> None:
    """Count iterations in thousands."""
    for axis in axes:
        axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x / 1000:g}"))
        axis.set_xlabel("iterations (thousands)")
        axis.set_xlim(left=0)


def draw_layers(axis: Axes, norm: Array, label: str, at: int = 0) -> None:
    """Draw a norm of each layer: the median over networks, and the range behind it.

    Parameters
    ----------
    axis : Axes
    norm : array of shape (n networks, layers)
    label : str
    at : int
        Which colour and marker.
    """
    layer = np.arange(1, norm.shape[1] + 1)
    axis.plot(
        layer, np.median(norm, axis=0), marker=MARKERS[at], ms=5, color=CYCLE[at], label=label
    )
    axis.fill_between(layer, norm.min(0), norm.max(0), color=CYCLE[at], alpha=0.2, lw=0)
    axis.set_xticks(layer)
    axis.set_xlabel("layer (the last is the output)")


def draw_range(
    axis: Axes,
    rates: Array,
    losses: Array,
    smoothed: Array,
    steepest: float | None,
    lowest: float | None,
) -> None:
    """Draw a range test: single losses, their moving average, and the rates that they show."""
    axis.plot(rates, losses, ".", color=BLUE, alpha=0.35, markersize=4)
    axis.plot(rates, smoothed, color=BLUE)
    low = float(smoothed.min())
    top = min(float(smoothed.max()) * 1.1, float(smoothed[0]) * 2.5)
    axis.set(xscale="log", xlabel="learning rate", ylabel="loss, moving average")
    if low < top:
        axis.set_ylim(low - 0.15 * (top - low), top)
    for rate, colour, words, height in (
        (steepest, RED, "falls fastest", 0.03),
        (lowest, GREY, "lowest", 0.10),
    ):
        if rate is None:
            continue
        axis.axvline(rate, color=colour, linestyle="--", linewidth=1)
        axis.annotate(
            f"{words}: {number(rate, 2)}", (rate, height), (-4, 0), xycoords=("data", "axes fraction"),
            textcoords="offset points", color=colour, ha="right",
        )  # fmt: skip


def draw_epochs(
    axis: Axes, train_accuracy: ArrayLike, validation_accuracy: ArrayLike | None
) -> None:
    """Draw the accuracies after each epoch."""
    epochs = np.arange(1, np.size(train_accuracy) + 1)
    axis.plot(epochs, train_accuracy, "o-", color=BLUE, label="training")
    if validation_accuracy is not None:
        axis.plot(epochs, validation_accuracy, "s-", color=RED, label="validation")
    axis.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1))
    axis.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axis.set_xticks(epochs if len(epochs) <= 12 else epochs[:: len(epochs) // 8])


def draw_confusion(axis: Axes, counts: NDArray[np.int64], names: Sequence[str]) -> AxesImage:
    """Draw a confusion matrix; colour shows mistakes only, whose diagonal would drown them.

    Parameters
    ----------
    axis : Axes
    counts : array of shape (n_classes, n_classes), int
        Row: the true class.
    names : sequence of str
        Of the classes, as matplotlib is to write them.
    """
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    wrong = share.copy()
    np.fill_diagonal(wrong, np.nan)
    axis.set_facecolor("#e4e7eb")
    limit = float(np.nanmax(wrong)) if len(names) > 1 else 0.0
    image = axis.imshow(wrong, cmap=MISTAKES, vmin=0, vmax=limit or 1.0)
    if len(names) <= NUMBERED:
        for i, j in np.ndindex(counts.shape):
            if i == j and counts[i].sum():
                axis.text(j, i, f"{100 * share[i, i]:.0f}%", ha="center", va="center", fontsize=8)
            elif i != j and counts[i, j]:
                axis.text(
                    j, i, str(counts[i, j]), ha="center", va="center", fontsize=7.5,
                    color="white" if wrong[i, j] > 0.6 * limit else "black",
                )  # fmt: skip
    axis.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axis.set_yticks(range(len(names)), names)
    axis.set(xlabel="predicted", ylabel="true class")
    axis.grid(visible=False)
    return image


def draw_permutations(axis: Axes, true: float, permuted: Sequence[float]) -> None:
    """Draw the statistic of the true labels among those of permuted ones."""
    axis.hist(permuted, bins=min(30, max(8, len(permuted) // 5)), color=GREY, label="permuted")
    axis.axvline(true, color=RED, label="true labels")
    axis.set(xlabel="squared whitened gradient", ylabel="labellings")
    axis.legend()


def draw_profile(axis: Axes, names: Sequence[str], relative: ArrayLike) -> None:
    """Draw the gradient over the weight, layer by layer; red where it is zero or no number."""
    values = np.nan_to_num(np.asarray(relative, dtype=np.float64), nan=0, posinf=0, neginf=0)
    values = np.maximum(values, 0)
    floor = min(values[values > 0], default=1e-12) / 10
    colours = [BLUE if v > 0 else RED for v in values]
    places = np.arange(len(values))
    axis.bar(places, np.maximum(values, floor), color=colours)
    axis.set_yscale("log")
    axis.set_xticks(places, [verbatim(n) for n in names], rotation=60, ha="right", fontsize=7)
    axis.set_ylabel("gradient / weight")


def draw_spectrum(axis: Axes, ritz: ArrayLike) -> None:
    """Draw Ritz values of a Hessian, shape (n, 2): each with its residual as a bar."""
    values, residuals = np.asarray(ritz, dtype=np.float64).T
    places = np.arange(1, len(values) + 1)
    axis.errorbar(
        values, places, xerr=residuals, fmt="o", markersize=3, color=BLUE, ecolor=ORANGE,
        elinewidth=2,
    )  # fmt: skip
    axis.axvline(0, color=GREY, linewidth=1)
    axis.set(
        ylabel="Ritz value, in rising order", xlabel="eigenvalue of the Hessian; bars: residual"
    )
