"""Three ways to set the weights by hand: what they compute, and how wide they are."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from pitfalls.experiments.parity_exact.records import VARIANTS, ExactResult, Variant
from pitfalls.plots import BLUE, GREEN, PAGE, RED, Drawing, Figure, panels
from pitfalls.prose import counted, listed, number, plain, power

__all__ = ["FIGURES", "proved", "where_wrong"]

DRAWN_TO = 30
"""Largest d of the right panel."""

NAMES: dict[Variant, str] = {
    "corrected": "corrected",
    "compact": "narrowest",
    "printed": "printed",
}


def exact_networks(result: ExactResult, ax: Axes | None = None) -> Drawing:
    """F against s = v . x for each construction, and the width each needs."""
    figure, (left, right) = panels(ax, 1, 2, figsize=PAGE, width_ratios=(1.6, 1))
    _outputs(left, result)
    widths = _widths(right, result)
    missed = {variant: where_wrong(result, variant) for variant in VARIANTS}
    said = "; ".join(f"the {NAMES[variant]} one is {missed[variant]}" for variant in NAMES)
    dimensions = {proof.n_features for proof in result.proofs}
    return Drawing(
        figure,
        alt=(
            f"Left: output against s for d = {result.n_features}, beside +1, −1, +1, … at whole "
            f"s: {said}. Right: hidden units against d{widths}."
        ),
        caption=(
            "Three ways to set the weights by hand. A network whose weights are multiples of v sees "
            f"x through s alone, so the {result.n_features + 1} values of s decide all "
            f"{power(2, result.n_features)} inputs. Checked in rational arithmetic for every mask "
            f"of {counted(len(dimensions), 'value')} of d up to {max(dimensions)}: "
            f"{proved(result)}."
        ),
    )


def where_wrong(result: ExactResult, variant: Variant) -> str:
    """Say at which values of s a construction misses the parity, at the d that is drawn."""
    whole = np.arange(result.n_features + 1)
    gap = np.abs(_at_whole(result, variant) - (1.0 - 2 * (whole % 2)))
    places = [str(s) for s in whole[gap > 1e-3]]
    if not places:
        return "right everywhere"
    return f"wrong at s = {', '.join(places)}" if len(places) < 3 else "wrong"


def proved(result: ExactResult) -> str:
    """Say which constructions are exact for every mask, and where the others fail."""
    exact = [name for variant, name in NAMES.items() if not result.failing(variant)]
    said = [f"{plain(listed(exact))} exact"] if exact else []
    for variant, name in NAMES.items():
        failing = result.failing(variant)
        if failing and all(proof.only_at_ones for proof in failing):
            said.append(f"{name} false for the mask of all ones alone, at the input of all ones")
        elif failing:
            said.append(f"{name} false at {counted(len(failing), 'value')} of d")
    return "; ".join(said)


def _at_whole(result: ExactResult, variant: Variant) -> NDArray[np.float64]:
    whole = np.arange(result.n_features + 1)
    values: NDArray[np.float64] = getattr(result.shapes, variant)
    return np.asarray(np.interp(whole, result.shapes.s, values), dtype=np.float64)


def _outputs(axis: Axes, result: ExactResult) -> None:
    shapes, d = result.shapes, result.n_features
    whole = np.arange(d + 1)
    parity = 1.0 - 2 * (whole % 2)
    printed = _at_whole(result, "printed")
    axis.plot(shapes.s, shapes.corrected, color=BLUE, label="corrected")
    axis.plot(shapes.s, shapes.printed, color=RED, ls="--", label="as printed")
    axis.plot(shapes.s, shapes.compact, color=GREEN, ls=":", label="narrowest")
    axis.plot(whole, parity, "o", ms=4.5, color="black", label="parity", zorder=4)
    if where_wrong(result, "printed") == f"wrong at s = {d}":
        axis.plot(d, printed[-1], "X", ms=9, color=RED, zorder=5)
        axis.annotate(
            f"as printed: {_signed(printed[-1])} at $x = v = 1$,\n{_signed(parity[-1])} is due",
            (d, printed[-1]), (d, -2.9) if printed[-1] < 0 else (d - 0.9, 2.7),
            ha="right", va="bottom", color=RED, fontsize=8.5,
            arrowprops={"arrowstyle": "->", "color": RED, "lw": 0.9, "shrinkB": 6},
        )  # fmt: skip
    axis.set(
        xlabel="$s = v^\\top x$, number of masked features set",
        ylabel="network output $f$",
        ylim=(-3.2, max(4.3, float(printed[-1]) + 0.8)),
        xticks=whole[:: max(1, d // 10)],
        title=f"Printed: {where_wrong(result, 'printed')}; corrected: "
        f"{where_wrong(result, 'corrected')}",
    )
    axis.legend(loc="upper left", ncols=2, fontsize=8.5)


def _widths(axis: Axes, result: ExactResult) -> str:
    """Draw the units against d, and return them in words for the largest d drawn."""
    shown = [proof for proof in result.proofs if proof.n_features <= DRAWN_TO]
    axis.set(xlabel="$d = m$, all ones", ylabel="hidden units $k$")
    if not shown:
        return ""
    for variant, colour, marker in (("corrected", BLUE, "o"), ("compact", GREEN, "^")):
        picked = [proof for proof in shown if proof.variant == variant]
        axis.plot(
            [proof.n_features for proof in picked], [proof.n_units for proof in picked],
            marker=marker, ms=4, color=colour, label=NAMES[picked[0].variant],
        )  # fmt: skip
    most = max(proof.n_features for proof in shown)
    axis.plot([1, most], [1.5, 1.5 * most], color=RED, ls="--", label="claimed, $3d/2$")
    corrected, compact = result.n_units("corrected", most), result.n_units("compact", most)
    assert corrected is not None
    assert compact is not None
    fewer = f"{compact} units, not {corrected}" if compact < corrected else f"{corrected} units"
    axis.set_title(f"d = {most}: {fewer}")
    axis.set_ylim(0, None)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(fontsize=8.5)
    return f", at d = {most}: corrected {number(corrected)}, narrowest {number(compact)}"


def _signed(value: float) -> str:
    return f"{value:+.0f}".replace("-", "−")


FIGURES = (Figure("exact-networks", exact_networks),)
