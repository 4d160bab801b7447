"""Figures of parity's exact networks, of the gradient's signal, and of every target's gradient."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pitfalls.plots import BLUE, GREEN, GREY, PAGE, RED
from pitfalls.prose import number, power
from pitfalls.report.figures.registry import Drawing, draws
from pitfalls.runs import Run

__all__ = ["exact_networks", "signal_by_weight"]


def _signed(value: float) -> str:
    return f"{value:+.0f}".replace("-", "−")


def _where_wrong(places: list[int]) -> str:
    """Say at which values of s a construction misses the parity."""
    if not places:
        return "right everywhere"
    return f"wrong at s = {', '.join(map(str, places))}" if len(places) < 3 else "wrong"


def _named(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _proved(proofs: list[dict[str, Any]]) -> str:
    """Say which constructions are exact for every mask, and where the others fail."""
    words = {"corrected": "corrected", "compact": "narrowest", "printed": "printed"}
    exact, said = [], []
    for variant, word in words.items():
        failing = [row for row in proofs if row["variant"] == variant and not row["exact"]]
        if not failing:
            exact.append(word)
        elif all(
            row["counterexample_is_ones"] and row["weights"] - row["weights_exact"] == 1
            for row in failing
        ):
            said.append(f"{word} false for the mask of all ones alone, at the input of all ones")
        else:
            said.append(f"{word} false at {len(failing)} values of d")
    return "; ".join([*([f"{_named(exact)} exact"] if exact else []), *said])


@draws("parity-exact", "exact-networks")
def exact_networks(run: Run) -> Drawing:
    """F against s = v . x for each construction, and the width each needs."""
    shapes, results = run.arrays("shapes"), run.results()
    d = results["shown"]
    s = shapes["s"]
    whole = np.arange(d + 1)
    parity = 1.0 - 2 * (whole % 2)
    printed = np.interp(whole, s, shapes["printed"])
    missed = {
        name: _where_wrong(
            [int(i) for i in whole[np.abs(np.interp(whole, s, shapes[name]) - parity) > 1e-3]]
        )
        for name in ("printed", "corrected", "compact")
    }

    figure, (left, right) = plt.subplots(1, 2, figsize=PAGE, width_ratios=(1.6, 1))
    left.plot(s, shapes["corrected"], color=BLUE, label="corrected")
    left.plot(s, shapes["printed"], color=RED, ls="--", label="as printed")
    left.plot(s, shapes["compact"], color=GREEN, ls=":", label="narrowest")
    left.plot(whole, parity, "o", ms=4.5, color="black", label="parity", zorder=4)
    wrong = printed[-1] != parity[-1]
    if wrong:
        left.plot(d, printed[-1], "X", ms=9, color=RED, zorder=5)
        text = f"as printed: {_signed(printed[-1])} at $x = v = 1$,\n{_signed(parity[-1])} is due"
        left.annotate(
            text, (d, printed[-1]), (d, -2.9) if printed[-1] < 0 else (d - 0.9, 2.7),
            ha="right", va="bottom", color=RED, fontsize=8.5,
            arrowprops={"arrowstyle": "->", "color": RED, "lw": 0.9, "shrinkB": 6},
        )  # fmt: skip
    left.set(
        xlabel="$s = v^\\top x$, number of masked features set",
        ylabel="network output $f$",
        ylim=(-3.2, max(4.3, float(printed[-1]) + 0.8)),
        xticks=whole[:: max(1, d // 10)],
        title=f"Printed: {missed['printed']}; corrected: {missed['corrected']}",
    )
    left.legend(loc="upper left", ncols=2, fontsize=8.5)

    rows = [row for row in results["proofs"] if row["d"] <= 30]
    units = {row["variant"]: row["units"] for row in rows if row["d"] == max(r["d"] for r in rows)}
    for variant, colour, marker, label in (
        ("corrected", BLUE, "o", "corrected"),
        ("compact", GREEN, "^", "narrowest"),
    ):
        picked = [row for row in rows if row["variant"] == variant]
        right.plot(
            [row["d"] for row in picked], [row["units"] for row in picked],
            marker=marker, ms=4, color=colour, label=label,
        )  # fmt: skip
    most = max(row["d"] for row in rows)
    right.plot([1, most], [1.5, 1.5 * most], color=RED, ls="--", label="claimed, $3d/2$")
    right.set(
        xlabel="$d = m$, all ones",
        ylabel="hidden units $k$",
        title=f"d = {most}: {units['compact']} units, not {units['corrected']}"
        if units["compact"] < units["corrected"]
        else f"d = {most}: {units['corrected']} units",
        ylim=(0, None),
    )
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.legend(fontsize=8.5)

    exact = [row for row in results["proofs"] if row["variant"] != "printed"]
    alt = (
        f"Left: output against s for d = {d}, beside +1, −1, +1, ... at whole s: the corrected "
        f"network is {missed['corrected']}, the narrowest {missed['compact']}, the printed one "
        f"{missed['printed']}: it gives {_signed(printed[-1])} at s = {d}, where "
        f"{_signed(parity[-1])} is due. Right: hidden units against d, up to "
        f"{max(r['units'] for r in exact if r['d'] <= 30)} at d = {most}."
    )
    caption = (
        "Three ways to set the weights by hand. A network whose weights are multiples of v sees x "
        f"through s alone, so the {d + 1} values of s decide all {power(2, d)} inputs. Checked in "
        f"rational arithmetic for every mask of {len({r['d'] for r in exact})} values of d up to "
        f"{max(r['d'] for r in exact)}: {_proved(results['proofs'])}."
    )
    return Drawing(figure, alt, caption)


@draws("parity-targets", "signal-by-weight")
def signal_by_weight(run: Run) -> Drawing:
    """Draw what the gradient says about targets of each Hamming weight."""
    arrays, results = run.arrays("weights"), run.results()
    by_weight, share = arrays["by_weight"], arrays["share"]  # (n, d + 1, 6), (n, d + 1)
    d, n = results["d"], results["n"]
    weight = np.arange(d + 1)
    mean, least, most = (
        np.median(by_weight[..., 0], axis=0),
        by_weight[..., 1].min(0),
        by_weight[..., -1].max(0),
    )
    low, high = np.median(by_weight[..., 2], axis=0), np.median(by_weight[..., 4], axis=0)
    floor = mean[mean > 0].min() / 30

    figure, (left, right) = plt.subplots(1, 2, figsize=PAGE, width_ratios=(1.5, 1))
    left.vlines(
        weight, np.maximum(least, floor), most, color=BLUE, lw=1.2, alpha=0.6, label="all masks"
    )
    left.vlines(weight, np.maximum(low, floor), high, color=BLUE, lw=5, alpha=0.45,
                label="middle 90 %")  # fmt: skip
    left.plot(weight, mean, "o", ms=5, color="black", label="mean", zorder=4)
    left.axhline(results["signal"], color=RED, ls="--", lw=1.2, label="mean over all masks")
    left.set_yscale("log")
    left.set_ylim(bottom=floor)
    left.set(
        xlabel="ones of the mask, $m$",
        ylabel="$\\|\\nabla R_v - a\\|^2$",
        title=_by_weight(results["rows"]),
    )
    left.legend(fontsize=8.5, loc="upper right")
    right.bar(weight, 100 * np.median(share, axis=0), color=GREY, width=0.75)
    up_to_two = 100 * float(np.median(share[:, :3].sum(1)))
    right.set(
        xlabel="ones of the mask, $m$",
        ylabel="share of the signal",
        title=f"$m ≤ {min(2, d)}$: {up_to_two:.0f} % of the signal",
    )
    right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    for axis in (left, right):
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    middle = d // 2
    alt = (
        f"Left: the mean squared distance of a target's gradient from the shared part is "
        f"{number(mean[min(1, d)])} for masks of {min(1, d)} ones and {number(mean[middle])} for "
        f"masks of {middle}; the mean over all masks is {number(results['signal'])}. Right: masks "
        f"of at most two ones hold {up_to_two:.0f} % of the signal."
    )
    caption = (
        f"All {power(2, d)} targets of {n} networks at PyTorch's initialisation, d = {d}, "
        f"k = {results['k']}, exactly. Left: medians over networks of the mean and of the middle "
        "90 % of masks; thin lines reach the least and largest of all networks (cut below). Right: "
        "each weight's part of the sum over masks, median over networks."
    )
    return Drawing(figure, alt, caption)


def _by_weight(rows: list[dict[str, Any]]) -> str:
    """Name the masks that the gradient says most and least about, the constant label aside."""
    parities = [row for row in rows if row["weight"] > 0]
    said = [
        f"$m = {row['weight']}$: {number(row['over_signal'], 2)} × the mean"
        for row in (
            max(parities, key=lambda row: row["over_signal"]),
            min(parities, key=lambda row: row["over_signal"]),
        )
    ]
    return "; ".join(dict.fromkeys(said))
