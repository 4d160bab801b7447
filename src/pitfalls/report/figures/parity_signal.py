"""Figures of parity's exact networks, of the gradient's signal, and of every target's gradient."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from pitfalls.plots import BLUE, GREEN, PAGE, RED
from pitfalls.prose import power
from pitfalls.report.figures.registry import Drawing, draws
from pitfalls.runs import Run

__all__ = ["exact_networks"]


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
