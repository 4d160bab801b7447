"""What the gradient says about targets of each Hamming weight."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pitfalls.experiments.parity_targets.records import TargetsResult
from pitfalls.plots import BLUE, GREY, PAGE, RED, Drawing, Figure, panels
from pitfalls.prose import counted, number, power

__all__ = ["FIGURES", "title"]


def signal_by_weight(result: TargetsResult, ax: Axes | None = None) -> Drawing:
    """Draw the distances by weight, and each weight's share."""
    figure, (left, right) = panels(ax, 1, 2, figsize=PAGE, width_ratios=(1.5, 1))
    _distances(left, result)
    few = 100 * float(np.median(result.share[:, :3].sum(1)))
    right.bar(range(result.n_features + 1), 100 * np.median(result.share, axis=0), color=GREY)
    right.set(
        xlabel="ones of the mask, $m$",
        ylabel="share of the signal",
        title=f"$m ≤ {min(2, result.n_features)}$: {few:.0f} % of the signal",
    )
    right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    for axis in (left, right):
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    return Drawing(figure, _alt(result, few), _caption(result))


def title(result: TargetsResult) -> str:
    """Name the masks that the gradient says most and least about, the constant label aside."""
    said = [
        f"$m = {row.weight}$: {number(row.over_signal, 2)} × the mean"
        for row in (result.most, result.least)
    ]
    return "; ".join(dict.fromkeys(said))


def _distances(axis: Axes, result: TargetsResult) -> None:
    weight = np.arange(result.n_features + 1)
    by_weight = result.by_weight
    mean = np.median(by_weight[..., 0], axis=0)
    low, high = np.median(by_weight[..., 2], axis=0), np.median(by_weight[..., 4], axis=0)
    least, most = by_weight[..., 1].min(0), by_weight[..., -1].max(0)
    floor = mean[mean > 0].min() / 30
    axis.vlines(
        weight, np.maximum(least, floor), most, color=BLUE, lw=1.2, alpha=0.6, label="all masks"
    )
    axis.vlines(
        weight, np.maximum(low, floor), high, color=BLUE, lw=5, alpha=0.45, label="middle 90 %"
    )
    axis.plot(weight, mean, "o", ms=5, color="black", label="mean", zorder=4)
    axis.axhline(result.signal, color=RED, ls="--", lw=1.2, label="mean over all masks")
    axis.set_yscale("log")
    axis.set_ylim(bottom=floor)
    axis.set(
        xlabel="ones of the mask, $m$", ylabel="$\\|\\nabla R_v - a\\|^2$", title=title(result)
    )
    axis.legend(fontsize=8.5, loc="upper right")


def _alt(result: TargetsResult, few: float) -> str:
    one, middle = result.rows[min(1, result.n_features)], result.rows[result.n_features // 2]
    return (
        "Left: the mean squared distance of a target's gradient from the shared part is "
        f"{number(one.mean)} for masks of {counted(one.weight, 'one')} and {number(middle.mean)} for "
        f"masks of {counted(middle.weight, 'one')}; the mean over all masks is "
        f"{number(result.signal)}. Right: masks of at most two ones hold {few:.0f} % of the signal."
    )


def _caption(result: TargetsResult) -> str:
    return (
        f"All {power(2, result.n_features)} targets of {counted(result.n, 'network')} at PyTorch's "
        f"initialisation, d = {result.n_features}, k = {result.n_hidden}, exactly. Left: medians "
        "over networks of the mean and of the middle 90 % of masks; thin lines reach the least and "
        "largest of all networks (cut below). Right: each weight's part of the sum over masks, "
        "median over networks."
    )


FIGURES = (Figure("signal-by-weight", signal_by_weight),)
