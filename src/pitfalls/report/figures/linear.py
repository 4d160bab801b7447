"""Figures of the linear experiments: capacity, ranks, escape lines, planes, dynamics, the staircase."""

from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import PercentFormatter

from pitfalls.plots import (
    BLUE,
    COLUMN,
    CYCLE,
    GREEN,
    GREY,
    ORANGE,
    PAGE,
    RED,
    SEQUENTIAL,
)
from pitfalls.prose import number
from pitfalls.report.figures.registry import Drawing, draws
from pitfalls.report.passages import NEAR, Passage, passages
from pitfalls.runs import Run

_VERDICTS = {
    "global minimum": ("*", GREEN),
    "strict saddle": ("X", RED),
    "non-strict saddle": ("D", ORANGE),
    "not critical": ("o", GREY),
    "undecided": ("s", GREY),
}


def _widths(widths: list[int]) -> str:
    return "-".join(map(str, widths))


def _set(modes: list[int]) -> str:
    return "{" + ", ".join(map(str, modes)) + "}" if modes else "no mode"


@draws("linear-capacity", "capacity")
def capacity(run: Run) -> Drawing:
    """Singular values of the target, and how near narrower networks come."""
    results = run.results()
    values, distances = results["singular_values"], results["distance_by_narrowest_width"]
    d_star, rank = results["capacity"], results["rank"]
    fig, (left, right) = plt.subplots(1, 2, figsize=PAGE)
    index = np.arange(1, len(values) + 1)
    left.bar(index, values, color=[BLUE if i <= d_star else RED for i in index], width=0.7)
    left.axvline(d_star + 0.5, color=GREY, linestyle="--", linewidth=1)
    left.text(d_star + 0.42, max(values) * 0.98, f"d* = {d_star}", ha="right", color=GREY)
    left.set(xlabel="number of the singular value", ylabel="singular value of the target")
    lost = max(0, rank - d_star)
    left.set_title(
        f"{rank} singular values, room for {d_star}: "
        + (f"{lost} {'is' if lost == 1 else 'are'} lost" if lost else "none is lost")
    )
    left.set_xticks(index)
    widths = np.arange(1, len(distances) + 1)
    right.plot(widths, distances, "o-", color=BLUE)
    right.plot(d_star, distances[min(d_star, len(distances)) - 1], "o", color=RED, markersize=9)
    right.annotate(
        f"widths {_widths(results['widths'])}",
        (d_star, distances[min(d_star, len(distances)) - 1]),
        (8, 10),
        textcoords="offset points",
        color=RED,
    )
    right.set(xlabel="narrowest width", ylabel="relative distance to the nearest map")
    right.set_ylim(bottom=-0.02)
    right.set_xticks(widths)
    exact = [w for w, distance in zip(widths, distances, strict=True) if distance < 1e-9]
    right.set_title(f"Exact from width {exact[0]} on" if exact else "No width here is exact")
    fits = "is represented exactly" if results["representable"] else "is not representable"
    text = (
        f"A target of rank {rank} {fits} by widths {_widths(results['widths'])}: relative error "
        f"{results['relative_error']:.1e}, largest imbalance {results['balancedness']:.1e}. "
        "n = 1 random target."
    )
    return Drawing(
        fig, alt=f"Singular values and distance by narrowest width. {text}", caption=text
    )


@draws("linear-minimum", "minimum-by-rank")
def minimum_by_rank(run: Run) -> Drawing:
    """Least risk by rank."""
    results = run.results()
    rows = results["by_rank"]
    ranks, risks = [r["rank"] for r in rows], [r["risk"] for r in rows]
    fig, ax = plt.subplots(figsize=COLUMN)
    ax.plot(ranks, risks, "o-", color=BLUE)
    ax.axhline(results["floor"], color=GREY, linestyle="--", linewidth=1)
    ax.annotate(
        f"least squares: {number(results['floor'], 4)}",
        (0.02, results["floor"]),
        (0, 4),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        color=GREY,
    )
    ties = [r for r in rows if not r["unique"]]
    if ties:
        ax.plot(
            [r["rank"] for r in ties],
            [r["risk"] for r in ties],
            "o",
            color=RED,
            markersize=10,
            fillstyle="none",
            label="minimiser not unique",
        )
        ax.legend()
    ax.set(xlabel="rank, the narrowest width", ylabel="least risk ½‖W̄X' − Y'‖²", ylim=(0, None))
    ax.set_xticks(ranks)
    gain = risks[0] - results["floor"]
    ax.set_title(
        f"Rank {ranks[1]} alone takes away {100 * (risks[0] - risks[1]) / gain:.0f} % of what can go"
        if len(ranks) > 1 and gain > 0
        else "No linear map does better than zero"
    )
    text = (
        f"{results['data']}, n = {results['n']:,} rows, d = {results['n_features']}, p = "
        f"{results['n_outputs']}; risk {number(risks[0], 4)} at rank 0, {number(risks[-1], 4)} at rank "
        f"{ranks[-1]}."
    )
    return Drawing(fig, alt=f"Least risk by rank. {text}", caption=text)


@draws("linear-classify", "risk-along-the-witness")
def risk_along_the_witness(run: Run) -> Drawing:
    """Draw the risk along the direction that shows the verdict."""
    results, arrays = run.results(), run.arrays("line")
    fig, ax = plt.subplots(figsize=COLUMN)
    _draw_line(ax, arrays["lengths"], arrays["risk"], results, results["minimum"])
    kind = results["witness"]["kind"]
    along = {
        "escape direction": "escape direction",
        "gradient": "steepest descent",
    }.get(kind, "a random direction")
    ax.set_xlabel(f"distance along {'the ' if kind == 'escape direction' else ''}{along}")
    ax.set_title(f"A {results['verdict']} that holds {_held(results)}")
    text = (
        f"{results['data']}, widths {_widths(results['widths'])}: {results['verdict']}, rank "
        f"{results['rank']}, excess {number(results['excess'], 4)} over the global minimum"
        + (
            f", curvature {number(results['witness']['curvature'], 4)}"
            if "curvature" in results["witness"]
            else ""
        )
        + ". n = 1 point."
    )
    return Drawing(fig, alt=f"Risk along {along}. {text}", caption=text)


def _held(results: dict[str, Any]) -> str:
    modes = results["modes"]
    if not modes:
        return "no mode"
    return f"mode {modes[0]}" if len(modes) == 1 else f"modes {', '.join(map(str, modes))}"


def _draw_line(
    ax: Axes, lengths: np.ndarray, risk: np.ndarray, point: dict[str, Any], minimum: float
) -> None:
    marker, colour = _VERDICTS[point["verdict"]]
    here, low = point["risk"], float(risk.min())
    drop = here - low
    curvature = point["witness"].get("curvature")
    if curvature is not None and drop > 0:
        high = here + 1.5 * drop  # what matters is the dip on both sides
        inside = np.abs(lengths[risk <= high])
        ax.set_xlim(-1.1 * inside.max(), 1.1 * inside.max())
        ax.set_ylim(low - 0.25 * drop, high)
        near = np.linspace(-1, 1, 80) * np.sqrt(2.4 * drop / -curvature)
        ax.plot(
            near,
            here + 0.5 * curvature * near**2,
            color=RED,
            linestyle=":",
            label=f"parabola of curvature {number(curvature, 3)}",
        )
        ax.legend(loc="upper center")
    else:
        high = float(np.percentile(risk, 92))
        low = min(low, minimum)
        ax.set_ylim(low - 0.08 * (high - low), max(high, here + 0.1 * (high - low)))
        ax.axhline(minimum, color=GREY, linestyle="--", linewidth=1)
        ax.annotate(
            "global minimum",
            (0.99, minimum),
            (0, 3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            color=GREY,
            ha="right",
        )
    ax.plot(lengths, risk, color=BLUE)
    ax.plot(0, here, marker, color=colour, markersize=11, markeredgecolor="white")
    ax.set_ylabel("risk")


@draws("linear-landscape", "escape-line")
def escape_line(run: Run) -> Drawing:
    """Draw the risk along a strict saddle's escape direction."""
    results, arrays = run.results(), run.arrays("landscape")
    saddle = results["points"][0]
    fig, ax = plt.subplots(figsize=COLUMN)
    _draw_line(ax, arrays["line_lengths"], arrays["line_risk"], saddle, results["minimum"])
    ax.set_xlabel("distance along the escape direction")
    lengths, line = arrays["line_lengths"], arrays["line_risk"]
    sides = [bool((line[side] < saddle["risk"]).any()) for side in (lengths < 0, lengths > 0)]
    ax.set_title(
        f"Zero gradient, and a way down on {'both sides' if all(sides) else 'one side'}: "
        f"{_held(saddle)} held"
    )
    text = (
        f"{results['data']}, widths {_widths(results['widths'])}; strict saddle that holds "
        f"{_held(saddle)}, excess {number(saddle['excess'], 4)}; curvature along its witness "
        f"({saddle['witness']['origin']}) {number(results['curvature'], 4)}. n = 1 point."
    )
    return Drawing(fig, alt=f"Risk along a line through a saddle. {text}", caption=text)


@draws("linear-landscape", "plane")
def plane(run: Run) -> Drawing:
    """Draw the risk on a plane through a saddle and a minimum, with their verdicts."""
    results, arrays = run.results(), run.arrays("landscape")
    a, b, risk = arrays["a"], arrays["b"], arrays["risk"]
    excess = np.maximum(risk - results["minimum"], 1e-3)
    top = np.percentile(excess, 90)
    fig, ax = plt.subplots(figsize=(COLUMN[0], 4.4))
    levels = np.geomspace(max(float(excess.min()), 2e-3 * top), top, 19)
    drawn = ax.contourf(
        a, b, np.clip(excess, levels[0], top), levels, cmap=SEQUENTIAL, norm=LogNorm()
    )
    ax.contour(a, b, excess, levels[::3], colors="white", linewidths=0.4, alpha=0.6)
    path = arrays["escape_path"]
    ax.plot(path[:, 0], path[:, 1], color=RED, linewidth=1.4)
    for point in results["points"]:
        marker, colour = _VERDICTS[point["verdict"]]
        x, y = point["at"]
        ax.plot(x, y, marker, color=colour, markersize=13, markeredgecolor="white")
        ax.annotate(
            f"{point['verdict']}\n{_held(point)}",
            (x, y),
            (-11, 11) if x > 0 else (11, 11),
            textcoords="offset points",
            ha="right" if x > 0 else "left",
            fontsize=9,
            bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "alpha": 0.85, "lw": 0},
        )
    near = path[int(0.78 * len(path))]
    ax.annotate(
        "escape direction",
        near,
        (6, 0),
        textcoords="offset points",
        color=RED,
        fontsize=9,
        bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "alpha": 0.85, "lw": 0},
    )
    ax.set(
        xlabel="distance from the saddle towards the minimum",
        ylabel="distance across",
        xlim=(a[0], a[-1]),
        ylim=(b[0], b[-1]),
    )
    ax.grid(visible=False)
    bar = fig.colorbar(drawn, ax=ax, label="risk above the global minimum")
    ticks = [t for t in (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300) if levels[0] <= t <= top]
    bar.set_ticks(ticks, labels=[f"{t:g}" for t in ticks])
    saddle, lowest = results["points"]
    ax.set_title(f"A {saddle['verdict']} {number(saddle['excess'], 3)} above a {lowest['verdict']}")
    text = (
        f"{results['data']}, widths {_widths(results['widths'])}; plane through a strict saddle "
        f"({_held(saddle)}, excess {number(saddle['excess'], 4)}) and a global minimum "
        f"{number(results['span'], 3)} away, and along the saddle's escape direction; "
        f"{len(a)} x {len(b)} values."
    )
    return Drawing(fig, alt=f"Contours of the risk on a plane. {text}", caption=text)


@draws("linear-descend", "modes")
def modes(run: Run) -> Drawing:
    """Every mode's strength over time, against the exact solution."""
    results, path = run.results(), run.arrays("trajectory")
    time, strengths, exact = path["time"], path["strengths"], path["exact"]
    done = np.flatnonzero(path["excess"] > 1e-3 * path["excess"][0])
    end = min(len(time), int(1.3 * (done[-1] + 2))) if len(done) else len(time)
    fig, ax = plt.subplots(figsize=COLUMN)
    known = np.isfinite(exact).any()
    for k, target in enumerate(path["modes"]):
        colour = CYCLE[k % len(CYCLE)]
        # not across the whole axes: the modes' names stand to the right of the last time
        ax.hlines(target, 0, time[end - 1], colour, linewidth=0.8, linestyle="--", alpha=0.6)
        if known:
            ax.plot(time[:end], exact[:end, k], color="black", linewidth=3.4, alpha=0.18)
        ax.plot(time[:end], strengths[:end, k], color=colour)
        ax.annotate(
            f"mode {k + 1}",
            (time[end - 1], strengths[end - 1, k]),
            (4, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            annotation_clip=False,
        )
    gap = results["largest_gap_to_exact"]
    ax.set(xlabel="time (steps times learning rate)", ylabel="strength u of the mode in the map")
    ax.set_title(
        _order_of(time, strengths, path["modes"])
        if results["start"] != "saddle"
        else f"Off the saddle, and down to a {results['end']['verdict']}"
    )
    text = (
        f"{results['data']}, widths {_widths(results['widths'])}, {results['method']}, start "
        f"{results['start']}; ends at a {results['end']['verdict']}"
        + (f"; largest gap to the exact solution (broad grey) {gap:.1e}" if gap is not None else "")
        + ". Dashed: the modes' strengths in the data. n = 1 descent."
    )
    return Drawing(fig, alt=f"Strength of each mode over time. {text}", caption=text)


def _order_of(time: np.ndarray, strengths: np.ndarray, modes: np.ndarray) -> str:
    """Say in which order the modes reach half their strength in the data."""
    present = [k for k, target in enumerate(modes) if target > 0]
    half = [strengths[:, k] >= 0.5 * modes[k] for k in present]
    learnt = sum(bool(reached.any()) for reached in half)
    if learnt < len(present):
        return f"{learnt} of {len(present)} modes are learnt"
    times = [float(time[int(reached.argmax())]) for reached in half]
    if all(a < b for a, b in pairwise(times)):
        return "The stronger a mode, the sooner it is learnt"
    return "All modes are learnt, but not in the order of their strength"


@draws("linear-tour", "staircase")
def staircase(run: Run) -> Drawing:
    """Draw the risk falling from saddle to saddle, for several depths."""
    results = run.results()
    fig, (left, right) = plt.subplots(1, 2, figsize=(PAGE[0], 4.0))
    total = results["levels"][0]
    for place, tour in enumerate(results["tours"]):
        path = run.arrays(f"tour{place}")
        colour = CYCLE[place]
        done = np.flatnonzero(path["excess"] > 1e-3 * total)[-1] + 1
        share = path["time"] / path["time"][min(done, len(path["time"]) - 1)]
        keep = share <= 1.15
        left.plot(share[keep], path["excess"][keep], color=colour, label=f"{tour['depth']} layers")
        right.plot(share[keep], np.maximum(path["saddle_distance"][keep], 1e-5), color=colour)
    for rank, level in enumerate(results["levels"][:-1]):
        left.axhline(level, color=GREY, linewidth=0.8, linestyle="--")
        left.annotate(
            f"rank {rank}",
            (1.15, level),
            (2, 2),
            textcoords="offset points",
            color=GREY,
            ha="right",
            va="bottom",
            fontsize=8.5,
        )
    left.set(xlabel="share of the time to the minimum", ylabel="risk above the global minimum")
    found = passages(run)
    left.set_title(_nearness(found))
    left.legend(loc="upper right", bbox_to_anchor=(1.0, 0.93))
    right.set(
        xlabel="share of the time to the minimum",
        ylabel="distance to the nearest critical map",
        yscale="log",
    )
    right.set_title(
        "Deeper networks pass closer"
        if _closer(found)
        else "Deeper networks do not always pass closer"
    )
    near = NEAR * results["modes"][0]
    right.axhline(near, color=GREY, linewidth=0.8, linestyle="--")
    right.annotate(
        "near",
        (1, near),
        (-2, 2),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        color=GREY,
        ha="right",
        va="bottom",
        fontsize=8.5,
    )
    verdicts = "; ".join(
        f"{p.depth} layers: "
        + (
            ", ".join(
                f"rank {v['rank']} {v['verdict']} ({number(v['distance'], 2)})" for v in p.passed
            )
            or "none"
        )
        for p in found
    )
    text = (
        f"{results['data']}; gradient flow from balanced weights, all modes at {results['size']:g}. "
        f"Balanced saddles between zero and the minimum that the flow comes near (closer than "
        f"{number(near, 2)}, a tenth of the strongest mode; nearest distance in brackets): {verdicts}. "
        "n = 1 flow a depth."
    )
    return Drawing(fig, alt=f"Staircase of the risk for several depths. {text}", caption=text)


def _nearness(found: list[Passage]) -> str:
    """Say which depths come near all saddles between zero and the minimum."""
    if not any(p.between for p in found):
        return "No saddle lies between zero and the minimum"
    near_all = [str(p.depth) for p in found if len(p.passed) == len(p.between)]
    if len(near_all) == len(found):
        return "Every depth comes near every saddle"
    if not near_all:
        return "No depth comes near every saddle"
    if len(near_all) > 2:
        return f"{len(near_all)} of {len(found)} depths come near every saddle"
    return f"Only {' and '.join(near_all)} layers come near every saddle"


def _closer(found: list[Passage]) -> bool:
    """Whether every saddle is passed closer by each deeper network of the tour."""
    by_depth = sorted(found, key=lambda p: p.depth)
    return all(
        deep["distance"] < shallow["distance"]
        for a, b in pairwise(by_depth)
        for shallow in a.between
        for deep in b.between
        if deep["rank"] == shallow["rank"]
    )


@draws("linear-ranks", "accuracy-by-rank")
def accuracy_by_rank(run: Run) -> Drawing:
    """Risk and accuracy by rank, with the verdict on what descent found."""
    results = run.results()
    rows = results["rows"]
    ranks = [r["rank"] for r in rows]
    panels = 2 if "test_accuracy" in rows[0] else 1
    fig, axes = plt.subplots(1, panels, figsize=PAGE if panels == 2 else COLUMN, squeeze=False)
    left = axes[0, 0]
    per_row = results["n"]
    left.plot(
        [0, *ranks],
        [results["risk_of_zero"] / per_row, *(r["minimum"] / per_row for r in rows)],
        color=GREY,
        linewidth=1,
        label="least risk of the rank",
    )
    for verdict, (marker, colour) in _VERDICTS.items():
        found = [r for r in rows if r["verdict"] == verdict]
        if found:
            left.plot(
                [r["rank"] for r in found],
                [r["risk"] / per_row for r in found],
                marker,
                color=colour,
                markersize=9,
                linestyle="none",
                label=f"descent: {verdict}",
            )
    left.set(xlabel="rank, the hidden width", ylabel="risk per row")
    left.set_xticks([0, *ranks])
    left.legend()
    minima = sum(r["verdict"] == "global minimum" for r in rows)
    left.set_title(f"Descent: {minima} of {len(rows)} at the global minimum")
    text = (
        f"{results['data']}, n = {results['n']:,}, {results['n_layers']} layers, gradient descent on "
        f"white inputs, one start a rank: {minima} of {len(rows)} end at a global minimum"
    )
    if panels == 2:
        right = axes[0, 1]
        for key, colour, marker, name in (
            ("train_accuracy", BLUE, "o", "training"),
            ("test_accuracy", RED, "s", "test"),
        ):
            right.plot(ranks, [r[key] for r in rows], f"{marker}-", color=colour, label=name)
        chance = 1 / results["n_outputs"]
        right.axhline(chance, color=GREY, linestyle="--", linewidth=1)
        right.annotate(
            "chance", (ranks[0], chance), (0, -12), textcoords="offset points", color=GREY
        )
        right.set(xlabel="rank, the hidden width", ylabel="accuracy", ylim=(0, None))
        right.yaxis.set_major_formatter(PercentFormatter(1, 0))
        right.set_xticks(ranks)
        right.legend(loc="center right")
        last = rows[-1]
        right.set_title(f"Test accuracy {100 * last['test_accuracy']:.1f} % at rank {ranks[-1]}")
        text += (
            f". Accuracy on {results['n_test']:,} test images: "
            f"{100 * rows[0]['test_accuracy']:.1f} % at rank 1, "
            f"{100 * last['test_accuracy']:.1f} % at rank {ranks[-1]}"
        )
    return Drawing(fig, alt=f"Risk and accuracy by rank. {text}.", caption=f"{text}.")
