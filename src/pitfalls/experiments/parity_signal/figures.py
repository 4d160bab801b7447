"""The signal and its bounds against d."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from pitfalls.experiments.parity_signal.records import SignalCells, SignalResult
from pitfalls.plots import BLUE, COLUMN, ORANGE, PURPLE, RED, Drawing, Figure, panels
from pitfalls.prose import counted, number, power

__all__ = ["FIGURES"]


def signal_by_dimension(result: SignalResult, ax: Axes | None = None) -> Drawing:
    """Draw the signal and its bounds against d, on a logarithmic scale."""
    cells = result.cells
    dimensions = np.unique(cells.n_features)
    scale = 2.0**-cells.n_features
    figure, axis = panels(ax, figsize=COLUMN)
    for values, colour, marker, label in (
        (cells.by_homework, RED, "s", "$C_p\\,2^{-d}$: the homework's bound"),
        (cells.by_unit, ORANGE, "D", "$C'\\,2^{-d}$: unit by unit"),
        (cells.by_moments, PURPLE, "^", "$C''\\,2^{-d}$: second moments"),
    ):
        median, least, most = _bands(cells, values * scale)
        axis.fill_between(dimensions, least, most, color=colour, alpha=0.18, lw=0)
        axis.plot(dimensions, median, color=colour, marker=marker, ms=3.6, lw=1.2, label=label)
    median, least, most = _bands(cells, 2.0**cells.log2_signal)
    axis.fill_between(dimensions, least, most, color=BLUE, alpha=0.25, lw=0)
    label = "signal, exact" if result.exact else "signal (sampled beyond 30)"
    axis.plot(dimensions, median, color=BLUE, marker="o", ms=4.2, lw=2, label=label)
    axis.set_yscale("log")
    axis.set(xlabel="dimension $d$", ylabel="$E_v\\,\\|\\nabla R_v - a\\|^2$", title=title(result))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(loc="lower left")
    return Drawing(figure, _alt(result), _caption(result))


def title(result: SignalResult) -> str:
    """Say by what one more feature multiplies the signal, from the first row to the last."""
    first, last = result.rows[0], result.rows[-1]
    if last.n_features == first.n_features:
        return f"At d = {last.n_features} the signal is {number(last.signal, 2)}"
    slope = (last.log2_signal - first.log2_signal) / (last.n_features - first.n_features)
    return f"One more feature multiplies the signal by {2.0**slope:.2f}"


def _bands(
    cells: SignalCells, values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    groups = [values[cells.n_features == d] for d in np.unique(cells.n_features)]
    return (
        np.array([np.median(group) for group in groups]),
        np.array([group.min() for group in groups]),
        np.array([group.max() for group in groups]),
    )


def _alt(result: SignalResult) -> str:
    first, last = result.rows[0], result.rows[-1]
    return (
        f"The signal is {number(first.signal)} at d = {first.n_features} and "
        f"{number(last.signal)} at d = {last.n_features}. There the bound by second moments is "
        f"{number(last.by_moments_over, 2)} times it, unit by unit "
        f"{number(last.by_unit_over, 2)} times, the homework's {number(last.by_homework_over)} times."
    )


def _caption(result: SignalResult) -> str:
    rows = result.rows
    return (
        "Mean squared distance of the risk's gradient from the part that all targets share, over all "
        f"{power(2, 'd')} targets at PyTorch's "
        f"initialisation, k = {rows[-1].n_hidden // rows[-1].n_features}d: lines are medians of "
        f"{counted(rows[0].n, 'network')}, bands their range. "
        + (f"Every value is a sum over all {power(2, 'd')} inputs. " if result.exact else "")
        + f"E|g|² lies between {number(min(r.mean_square for r in rows))} and "
        f"{number(max(r.mean_square for r in rows))}; the rest of the change is {power(2, '-d')}."
    )


FIGURES = (Figure("signal-by-dimension", signal_by_dimension),)
