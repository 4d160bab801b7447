"""Figures of learning parity: loss curves, the signal on the way, layer gradients, phases."""

import itertools
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, PercentFormatter

from pitfalls.plots import BLUE, CYCLE, GREY, MARKERS, PAGE, SEQUENTIAL
from pitfalls.prose import number, power
from pitfalls.report.facts.parity import LEARNED
from pitfalls.report.figures.registry import Drawing, draws
from pitfalls.runs import Run


def _thousands(axes: Sequence[Axes]) -> None:
    for ax in axes:
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x / 1000:g}"))
        ax.set_xlabel("iterations (thousands)")
        ax.set_xlim(left=0)


def _range(values: Sequence[int]) -> str:
    """Write 14, 17, 15 as 14 to 17."""
    low, high = min(values), max(values)
    return f"{low}" if low == high else f"{low} to {high}"


def _legend_below(fig: Figure, ax: Axes, columns: int) -> None:
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=columns)


@draws("parity-train", "training-curve")
def training_curve(run: Run) -> Drawing:
    """Loss and accuracy of one training."""
    results, curve = run.results(), run.arrays("curve")
    training = run.config["training"]
    fig, (left, right) = plt.subplots(1, 2, figsize=PAGE)
    left.plot(curve["step"], curve["batch_loss"], color=BLUE, alpha=0.3, linewidth=0.8)
    left.plot(curve["step"], curve["loss"], color=BLUE)
    right.plot(curve["step"], curve["accuracy"], color=BLUE)
    right.plot(curve["step"][-1], results["accuracy"], "D", color="black", label="at the end")
    _thousands((left, right))
    left.set(ylabel=f"{training['loss']} loss", ylim=(0, None))
    left.set_title(f"The risk ends at {number(results['risk'], 2)}")
    right.set(ylim=(0.4, 1.02), title=f"{100 * results['accuracy']:.4g} % right at the end")
    fixed = training["n_samples"]
    right.set_ylabel("accuracy on fresh inputs" if fixed is None else "accuracy on the fixed set")
    right.yaxis.set_major_formatter(PercentFormatter(1, 0))
    right.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    right.legend(loc="lower right")
    what = (
        f"d = {results['n_features']}, a mask of m = {results['weight']} ones, "
        f"k = {results['n_hidden']}"
    )
    kind = "all" if results["exact"] else "sampled"
    return Drawing(
        fig,
        alt=f"One training on {what}: final risk {number(results['risk'])}, accuracy "
        f"{results['accuracy']:.4g}.",
        caption=f"One training (n = 1), {what}. Pale: the last batch before each record; dark: "
        f"mean between records. At the end, over {results['n_inputs']:,} {kind} inputs: risk "
        f"{number(results['risk'])}, accuracy {results['accuracy']:.4g}.",
    )


@draws("parity-along", "signal-along-training")
def signal_along_training(run: Run) -> Drawing:
    """Gradient signal of the trained target and of all targets, along training."""
    cases = run.results()["cases"]
    fig, (left, right) = plt.subplots(1, 2, figsize=(PAGE[0], PAGE[1] + 0.4))
    told = []
    for c, case in enumerate(cases):
        arrays = run.arrays(f"case-{c}")
        colour, marker = CYCLE[c % len(CYCLE)], MARKERS[c % len(MARKERS)]
        label = f"d = {case['n_features']}, m = {case['weight']}"
        left.plot(arrays["curve_step"], arrays["curve_loss"], color=colour)
        # a loss of exactly 0 has no gradient and no place on a logarithmic axis
        for name, style in (("own", "-"), ("mean", ":")):
            values = np.where(arrays[name] > 0, arrays[name], np.nan)
            right.plot(
                arrays["step"],
                values,
                style,
                color=colour,
                marker=marker if name == "own" else None,
                markersize=4,
                label=label if name == "own" else None,
            )
        told.append(
            f"{label} ({100 * case['accuracy']:.1f} % right at the end): the target's own signal "
            f"starts at {number(case['own_over_mean_at_start'], 2)} times the mean over all targets "
            f"and reaches {number(case['own_over_mean_at_most'], 2)} times"
        )
    right.plot([], [], ":", color=GREY, label="mean over all targets")
    right.set(yscale="log", ylabel=r"$\|\nabla R_v - a\|^2$")
    most = max(cases, key=lambda c: c["own_over_mean_at_most"])
    right.set_title(f"Own signal: up to {number(most['own_over_mean_at_most'], 2)} × the mean")
    learned = sum(case["accuracy"] >= LEARNED for case in cases)
    left.set(ylabel="loss, mean of 200 batches", title=f"{learned} of {len(cases)} trainings learn")
    left.set_ylim(bottom=0)
    _thousands((left, right))
    _legend_below(fig, right, len(cases) + 1)
    return Drawing(
        fig,
        alt="; ".join(told) + ".",
        caption="Right: exact, over all inputs, in float64: the squared distance of the gradient "
        "from the part that all targets share, for the trained target (lines with marks) and on "
        f"average over all {power(2, 'd')} targets (dotted). "
        + "; ".join(told)
        + ". One training a colour.",
    )


@draws("parity-depth", "layer-gradients")
def layer_gradients(run: Run) -> Drawing:
    """Backpropagated message and gradient of each layer at the start, beside their bounds."""
    results, config = run.results(), run.config
    fig, axes = plt.subplots(1, 2, figsize=(PAGE[0], PAGE[1] + 0.4), sharey=True)
    told, first = [], []
    for a, activation in enumerate(config["activations"]):
        arrays = run.arrays(f"start-{activation}")
        for ax, name in zip(axes, ("message", "gradient"), strict=True):
            norm = arrays[f"{name}_norm"]
            layer = np.arange(1, norm.shape[1] + 1)
            style: dict[str, Any] = {"color": CYCLE[a], "label": activation}
            ax.plot(layer, np.median(norm, axis=0), marker=MARKERS[a], markersize=5, **style)
            ax.fill_between(layer, norm.min(0), norm.max(0), color=CYCLE[a], alpha=0.2, lw=0)
            ax.plot(layer, np.median(arrays[f"{name}_bound"], 0), "--", color=CYCLE[a], lw=1)
            ax.set_xticks(layer)
            ax.set_xlabel("layer (the last is the output)")
        start = results["start"][activation]
        middle = float(np.median(arrays["gradient_norm"][:, 0]))
        first.append(f"{activation} {number(middle, 1)}")
        told.append(
            f"{activation}: the message shrinks {1 / start['factor_per_layer']:.3g}-fold a layer "
            f"(at least {1 / start['bound_per_layer']:.3g}-fold by its bound)"
            if start["bound_per_layer"] < 1
            else f"{activation}: {1 / start['factor_per_layer']:.3g}-fold a layer"
        )
    axes[0].plot([], [], "--", color=GREY, lw=1, label="bound by spectral norms")
    fading = min(results["start"], key=lambda name: results["start"][name]["factor_per_layer"])
    factor = 1 / results["start"][fading]["factor_per_layer"]
    axes[0].set(
        yscale="log",
        title=f"{fading}: messages fade {number(factor, 2)}-fold a layer"
        if factor > 1
        else "The messages do not fade",
        ylabel=r"message at the start, $\|\delta_l\|$, rms",
    )
    axes[1].set_ylabel(r"gradient of the risk, $\|\partial R/\partial W_l\|_F$")
    axes[1].set_title(f"First layer's gradient: {', '.join(first)}", fontsize=10)
    _legend_below(fig, axes[0], len(config["activations"]) + 1)
    return Drawing(
        fig,
        alt=f"Networks of {results['shown']} hidden layers before training. "
        + "; ".join(told)
        + ".",
        caption=f"Before training, over all {power(2, config['n_features'])} inputs: median and range of "
        f"n = {config['n_seeds']} networks of {results['shown']} hidden layers of width "
        f"{config['width']}; dashed, the bound from spectral norms, true for every network. "
        + "; ".join(told)
        + ". The risk's gradient is small in every layer, the last too: what tells inputs apart "
        "fades on the way up as the message fades on the way down.",
    )


@draws("parity-depth", "depth-and-learning")
def depth_and_learning(run: Run) -> Drawing:
    """Draw what is learned at each depth, and the first layer's gradient on the way."""
    results, config = run.results(), run.config
    names, depths = config["activations"], config["depths"]
    fig, (left, right) = plt.subplots(1, 2, figsize=(PAGE[0], PAGE[1] + 0.6))
    told, deepest = [], []
    for a, activation in enumerate(names):
        cells = [c for c in results["cells"] if c["activation"] == activation]
        shift = 0.06 * (a - (len(names) - 1) / 2)
        for c, cell in enumerate(cells):
            at = np.full(cell["n"], c + shift)
            mark: dict[str, Any] = {"color": CYCLE[a], "alpha": 0.7, "linestyle": "none"}
            left.plot(at, cell["accuracy"], MARKERS[a], **mark)
            arrays = run.arrays(f"{activation}-{cell['depth']}")
            step = np.concatenate([[0], arrays["step"]])
            middle = np.median(arrays["gradient_norm"][:, :, 0], axis=0)
            # where the loss is 0 at every input there is no gradient, and no place on the axis
            right.plot(
                step,
                np.where(middle > 0, middle, np.nan),
                ("-", "--", "-.", ":")[c % 4],
                color=CYCLE[a],
                lw=1.3,
                label=f"{activation}, {cell['depth']} hidden",
            )
            told.append(
                f"{activation}, {cell['depth']} hidden: {cell['n_learned']} of {cell['n']} learn, "
                f"first-layer gradient {number(cell['first_gradient_at_start'], 2)} at the start"
            )
        learned = [c["depth"] for c in cells if c["n_learned"] == c["n"]]
        deepest.append(f"{activation} {max(learned, default='none')}")
        left.plot(
            np.arange(len(cells)) + shift,
            [c["median_accuracy"] for c in cells],
            color=CYCLE[a],
            marker=MARKERS[a],
            lw=1,
            label=activation,
        )
    left.set(xlabel="hidden layers", ylabel="accuracy after training", ylim=(0.3, 1.04))
    left.set_xticks(range(len(depths)), [str(depth) for depth in depths])
    left.set_title(f"All learn to depth: {', '.join(deepest)}", fontsize=10)
    left.yaxis.set_major_formatter(PercentFormatter(1, 0))
    left.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    left.legend(loc="lower left")
    weakest = min(results["cells"], key=lambda c: c["first_gradient_at_start"])
    right.set(yscale="log", ylabel=r"first layer's $\|\partial R/\partial W_1\|_F$")
    right.set_title(
        f"Least at the start: {weakest['activation']}, {weakest['depth']} hidden", fontsize=10
    )
    _thousands((right,))
    _legend_below(fig, right, len(depths) if len(depths) <= 4 else 3)
    training = config["training"]
    return Drawing(
        fig,
        alt="; ".join(told) + ".",
        caption=f"n = {config['n_seeds']} trainings of {training['n_iterations']:,} iterations at "
        f"rate {training['learning_rate']:g} for each depth and activation, width "
        f"{config['width']}, on parities of {config['weight']} of {config['n_features']} features. "
        "Title: the deepest at which all learn. Left: every training, and a line through the "
        "medians. Right: median of the exact gradient over all inputs; a line ends where it is 0. "
        + "; ".join(told)
        + ".",
    )


def _panels(run: Run) -> list[tuple[str, list[dict[str, Any]]]]:
    """Split a sweep's cells into one map for each width and rate."""
    groups: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for cell in run.results()["cells"]:
        width = str(cell["n_hidden"]) if run.config["widths"] else "10 d"
        groups.setdefault((width, cell["learning_rate"]), []).append(cell)
    return [(f"k = {width}, rate {rate:g}", cells) for (width, rate), cells in groups.items()]


def _maps(run: Run, key: str, label: str, colours: Any, **scale: Any) -> Figure:
    panels = _panels(run)
    total = run.config["training"]["n_iterations"]
    columns = 2 if len(panels) == 4 else min(len(panels), 3)
    lines = -(-len(panels) // columns)
    size = (3.2 + 3.4 * columns, 4.0 * lines)
    fig, axes = plt.subplots(lines, columns, figsize=size, squeeze=False)
    image: Any = None
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    for ax, (title, cells) in zip(axes.flat, panels, strict=False):
        dims = sorted({c["n_features"] for c in cells})
        weights = sorted({c["weight"] for c in cells})
        grid = np.full((len(weights), len(dims)), np.nan)
        for c in cells:
            at = weights.index(c["weight"]), dims.index(c["n_features"])
            if c[key] is not None:
                grid[at] = c[key]
        image = ax.pcolormesh(grid, cmap=colours, edgecolors="white", linewidth=2, **scale)
        for c in cells:
            y, x = weights.index(c["weight"]), dims.index(c["n_features"])
            if key == "success":
                text = f"{round(c['success'] * c['n'])}/{c['n']}"
            elif c[key] is None:
                text = f"not within\n{total / 1000:.3g}k"
                ax.add_patch(Rectangle((x + 0.02, y + 0.02), 0.96, 0.96, color="#e9ecef"))
            else:
                text = f"{c[key] / 1000:.3g}k\nn = {c['n_reached']}"
            ink = "#22262b"
            if not np.isnan(grid[y, x]):
                red, green, blue, _ = image.to_rgba(grid[y, x])
                ink = "white" if 0.3 * red + 0.59 * green + 0.11 * blue < 0.5 else ink
            ax.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=7.5, color=ink)
        ax.set_xticks(np.arange(len(dims)) + 0.5, [str(d) for d in dims])
        ax.set_yticks(np.arange(len(weights)) + 0.5, [str(w) for w in weights])
        ax.set(xlabel="d, number of features", ylabel="m, features that count")
        ax.grid(visible=False)
        if len(panels) > 1:
            ax.set_title(title)
    bar = fig.colorbar(image, ax=axes, label=label, shrink=0.9)
    if key == "iterations":
        bar.formatter = FuncFormatter(lambda x, _: f"{x / 1000:g}k")
    return fig


@draws("parity-sweep", "phase-diagram")
def phase_diagram(run: Run) -> Drawing:
    """Share of trainings that learn, over dimension and mask weight."""
    cells = run.results()["cells"]
    iterations = run.config["training"]["n_iterations"]
    fig = _maps(run, "success", "share that learns", SEQUENTIAL, vmin=0, vmax=1)
    title = _edge(cells, iterations)
    fig.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    always = [c["name"] for c in cells if c["success"] == 1]
    none = [c["name"] for c in cells if c["success"] == 0]
    return Drawing(
        fig,
        alt=f"Heat map of the share of trainings with 99 % accuracy after {iterations:,} "
        f"iterations. {title}. In every training: {', '.join(always) or 'no cell'}. In no training "
        f"of this length: {', '.join(none) or 'no cell'}.",
        caption=f"Share of trainings whose network is at least 99 % accurate after {iterations:,} "
        f"iterations; in each cell how many of how many, n = {cells[0]['n']} seeds a cell, each "
        "with a mask of its own; what is not learned by then may be learned later. Empty: m > d.",
    )


def _edge(cells: list[dict[str, Any]], iterations: int) -> str:
    """Say up to how many ones parities are learned, where one number parts the cells."""
    won = {c["weight"] for c in cells if c["success"] == 1}
    rest = {c["weight"] for c in cells if c["success"] < 1}
    lost_all = all(c["success"] == 0 for c in cells if c["weight"] in rest)
    if won and rest and lost_all and max(won) < min(rest):
        return (
            f"Within {iterations:,} iterations all learn masks of up to {max(won)} ones, none of "
            f"{min(rest)} or more"
        )
    return (
        f"Within {iterations:,} iterations every training learns in "
        f"{sum(c['success'] == 1 for c in cells)} of {len(cells)} cells, none in "
        f"{sum(c['success'] == 0 for c in cells)}"
    )


@draws("parity-sweep", "iterations-to-99")
def iterations_to_99(run: Run) -> Drawing:
    """Median number of iterations to 99 % accuracy, over dimension and mask weight."""
    cells = run.results()["cells"]
    total = run.config["training"]["n_iterations"]
    fig = _maps(
        run, "iterations", "iterations to 99 % accuracy", f"{SEQUENTIAL}_r", vmin=0, vmax=total
    )
    title = _time(cells, total)
    fig.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    told = [f"{c['name']}: {c['iterations']:,.0f}" for c in cells if c["iterations"] is not None]
    return Drawing(
        fig,
        alt=f"Heat map of the median number of iterations to 99 % accuracy. {title}. "
        + ("; ".join(told) or "No cell reached it")
        + ".",
        caption="Median over the trainings that got there of the first record with 99 % accuracy "
        f"(mean of 200 fresh batches), within {total:,} iterations; below it n, their number. Where "
        "no training got there in this time, a longer one may.",
    )


def _time(cells: list[dict[str, Any]], total: int) -> str:
    """Say how long it takes, and that it takes longer for more ones where it does throughout."""
    took = [c for c in cells if c["iterations"] is not None]
    if not took:
        return f"No training reaches 99 % accuracy within {total:,} iterations"
    low, high = (f"{f(c['iterations'] for c in took):,.0f}" for f in (min, max))
    lines: dict[tuple[int, int, float], list[dict[str, Any]]] = {}
    for c in took:
        lines.setdefault((c["n_features"], c["n_hidden"], c["learning_rate"]), []).append(c)
    slower = [
        a["iterations"] < b["iterations"]
        for line in lines.values()
        for a, b in itertools.pairwise(sorted(line, key=lambda c: c["weight"]))
    ]
    if slower and all(slower):
        return f"At every d more ones take longer: {low} to {high} iterations to 99 % accuracy"
    return (
        f"99 % accuracy takes {low} to {high} iterations"
        if low != high
        else (f"99 % accuracy takes {low} iterations")
    )
