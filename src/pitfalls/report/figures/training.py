"""Figures of trainings: curves, schemes, the fast recipe, the range test, a network's mistakes."""

import statistics
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from pitfalls.plots import (
    BLUE,
    CYCLE,
    GREY,
    PAGE,
    RED,
)
from pitfalls.prose import number
from pitfalls.report.facts.images import tied_with_best
from pitfalls.report.figures.registry import Drawing, draws
from pitfalls.runs import Run

WINDOW = 20  # steps of the moving mean that is drawn over the raw losses, a tenth of short runs


def _window(n_steps: int) -> int:
    return max(min(WINDOW, n_steps // 10), 1)


def _smooth(values: list[float]) -> np.ndarray:
    """Mean over the last steps, fewer at the start."""
    window = _window(len(values))
    sums = np.cumsum(values)
    width = np.minimum(np.arange(1, len(values) + 1), window)
    before = np.where(width == window, np.concatenate([np.zeros(window), sums])[: len(sums)], 0)
    return (sums - before) / width


def _mean_of(n_steps: int) -> str:
    """Say what a point of the drawn curve is."""
    window = _window(n_steps)
    return "single steps" if window == 1 else f"mean of {window} steps"


def _course(smooth: np.ndarray) -> str:
    """Say how the drawn curve begins, where its window is first full, and how it ends."""
    drawn = smooth[_window(len(smooth)) - 1 :]
    first, last, most = drawn[0], drawn[-1], drawn.max()
    if most > 1.1 * max(first, last):
        return f"rises from {first:.2f} to {most:.2f}, ends at {last:.2f}"
    if f"{first:.2f}" == f"{last:.2f}":
        return f"begins and ends at {first:.2f}"
    return f"{'falls' if last < first else 'rises'} from {first:.2f} to {last:.2f}"


def _steps(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [m for m in metrics if "loss" in m]


def _epochs(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [m for m in metrics if "train_loss" in m]


def _label_end(ax: Axes, x: float, y: float, text: str, colour: str) -> None:
    ax.annotate(
        text, (x, y), (5, 0), textcoords="offset points", color=colour, va="center", fontsize=9
    )


@draws("images-train", "training-curve")
def training_curve(run: Run) -> Drawing:
    """Loss by step and accuracy by epoch of one training."""
    results, metrics = run.results(), run.metrics()
    steps, epochs = _steps(metrics), _epochs(metrics)
    fig, (left, right) = plt.subplots(1, 2, figsize=PAGE)
    x = [m["step"] for m in steps]
    raw = [m["loss"] for m in steps]
    left.plot(x, raw, color=BLUE, alpha=0.25, linewidth=0.7)
    smooth = _smooth(raw)
    left.plot(x, smooth, color=BLUE)
    left.set(xlabel="step", ylabel="cross-entropy [nats]", title=f"Loss {_course(smooth)}")
    rate = left.twinx()
    rate.plot(x, [m["rate"] for m in steps], color=GREY, linewidth=1, linestyle="--")
    rate.set_ylabel("learning rate (dashed)", color=GREY)
    rate.set_ylim(bottom=0)
    rate.grid(visible=False)
    number = [m["epoch"] + 1 for m in epochs]
    right.plot(number, [m["train_accuracy"] for m in epochs], "o-", color=BLUE, label="training")
    if epochs[0]["validation_accuracy"] is not None:
        values = [m["validation_accuracy"] for m in epochs]
        right.plot(number, values, "s-", color=RED, label="validation")
    right.plot(
        number[-1], results["test_accuracy"], "D", color="black", label="test, after training"
    )
    right.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1))
    right.set_title(f"{100 * results['test_accuracy']:.1f} % of test images right")
    right.yaxis.set_major_formatter(PercentFormatter(1, 0))
    right.set_xticks(number if len(number) <= 12 else number[:: len(number) // 8])
    right.legend(loc="best")
    text = (
        f"{results['data']}, {results['n_train']:,} training images, scheme {results['scheme']}, "
        f"{results['epochs']} epoch{'s' if results['epochs'] > 1 else ''}: "
        f"training accuracy {100 * results['train_accuracy']:.1f} %, "
        f"test accuracy {100 * results['test_accuracy']:.1f} % "
        f"(n = 1 training, {results['n_test']:,} test images)."
    )
    return Drawing(
        fig,
        alt=f"The loss {_course(smooth)} over {results['steps']:,} steps; accuracy by epoch. {text}",
        caption=f"{text} "
        + (
            "Line: single steps; "
            if _window(len(steps)) == 1
            else f"Thin: single steps; thick: {_mean_of(len(steps))}; "
        )
        + "training values are taken while the weights change.",
    )


@draws("images-compare", "schemes")
def schemes(run: Run) -> Drawing:
    """Loss and learning rate of every scheme, from the same starts."""
    results = run.results()
    steps = _steps(run.metrics())
    names = list(dict.fromkeys(row["scheme"] for row in results["rows"]))
    seeds = list(dict.fromkeys(row["seed"] for row in results["rows"]))
    fig, (left, right) = plt.subplots(1, 2, figsize=PAGE)
    ends = []
    courses: dict[str, tuple[float, float]] = {}
    for name, colour in zip(names, CYCLE, strict=False):
        curves = []
        for seed in seeds:
            # With a single cell the log carries no labels.
            of = [m for m in steps if m.get("scheme", name) == name and m.get("seed", seed) == seed]
            curves.append(_smooth([m["loss"] for m in of]))
            left.plot([m["step"] for m in of], curves[-1], color=colour, alpha=0.35, linewidth=0.8)
            if seed == seeds[0]:
                # A rate of 0 has no place on a logarithmic axis.
                rates = [m["rate"] or np.nan for m in of]
                right.plot([m["step"] for m in of], rates, color=colour)
                ends.append((of[-1]["step"], of[-1]["rate"], name, colour))
                used = [m["rate"] for m in of if m["rate"] > 0]
                courses[name] = (used[0], used[-1]) if used else (1.0, 1.0)
        mean = np.mean(curves, axis=0)
        left.plot(np.arange(1, len(mean) + 1), mean, color=colour, label=name)
    positive = [m["rate"] for m in steps if m["rate"] > 0]
    right.set_yscale("log")
    right.set_ylim(max(min(positive), 1e-6) / 2, max(positive) * 2)
    for x, y, name, colour in ends:
        if y > 0:
            _label_end(right, x, y, name, colour)
    right.margins(x=0.16)
    held_out = results["n_validation"] > 0
    key = "validation" if held_out else "test"
    means = {
        name: statistics.mean(
            row[f"{key}_accuracy"] for row in results["rows"] if row["scheme"] == name
        )
        for name in names
    }
    best = max(means, key=lambda name: means[name])
    left.set(xlabel="step", ylabel="cross-entropy [nats], moving mean")
    undecided = tied_with_best(means, results[f"n_{key}"])
    left.set_title(
        f"No clear winner: {100 * means[best]:.1f} % at best"
        if undecided
        else f"{best} ends ahead: {100 * means[best]:.1f} %"
    )
    handles, _ = left.get_legend_handles_labels()
    # below the axes, where no curve can run through it
    fig.legend(
        handles,
        [f"{name}  {100 * means[name]:.1f} %" for name in names],
        title=f"{key} accuracy",
        loc="outside lower center",
        ncols=len(names),
    )
    right.set(xlabel="step", ylabel="learning rate")
    right.set_title(_most_changed(courses))
    table = "; ".join(f"{name} {100 * value:.1f} %" for name, value in means.items())
    epochs = results["rows"][0]["epochs"]
    text = (
        f"{results['data']}, {results['n_train']:,} training images, {epochs} "
        f"epoch{'s' if epochs > 1 else ''}, n = {len(seeds)} start{'s' if len(seeds) > 1 else ''}. "
        f"Accuracy on {results[f'n_{key}']:,} {key} images: {table}."
    )
    return Drawing(
        fig,
        alt=f"Loss curves and learning rates of {len(names)} schemes. {text}",
        caption=f"{text} Curves: {_mean_of(len(mean))}"
        + ("; thin: single starts; thick: their mean." if len(seeds) > 1 else "."),
    )


def _most_changed(courses: dict[str, tuple[float, float]]) -> str:
    """Name the scheme whose rate ends farthest from where it began, by the first and last above 0."""

    def change(name: str) -> float:
        first, last = courses[name]
        return abs(float(np.log(last / first)))

    name = max(courses, key=change)
    first, last = courses[name]
    if change(name) < 1e-9:
        return "Every rate ends as it began"
    # a rate that begins at 0 rises by no factor, so the height is said and not the ratio
    if last > first:
        return f"{name}: the rate rises to {number(last, 2)}"
    return f"{name}: the rate falls {number(first / last, 2)}-fold"


@draws("images-fast", "fast-accuracy")
def fast_accuracy(run: Run) -> Drawing:
    """Accuracy of every seed of the fast recipe, plain and averaged, and the loss on the way."""
    results = run.results()
    rows, steps = results["rows"], _steps(run.metrics())
    fig, (left, right) = plt.subplots(1, 2, figsize=PAGE)
    for row in rows:
        of = [m for m in steps if m.get("seed", row["seed"]) == row["seed"]]
        clock = np.array([m["step"] for m in of]) * row["seconds"] / row["steps"]
        left.plot(clock, _smooth([m["accuracy"] for m in of]), color=BLUE, alpha=0.7, linewidth=1)
    left.set(xlabel="seconds of training (mean rate)", ylabel="training accuracy")
    left.set_title(f"{results['mean_seconds']:.0f} s a training")
    left.yaxis.set_major_formatter(PercentFormatter(1, 0))
    for place, (key, colour) in enumerate((("test_accuracy", BLUE), ("six_views", RED))):
        values = [100 * row[key] for row in rows]
        spread = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else [0]
        right.plot(place + np.asarray(spread), values, "o", color=colour, alpha=0.7)
        mean = statistics.mean(values)
        right.plot([place - 0.25, place + 0.25], [mean, mean], color=colour)
        right.annotate(
            f"{mean:.2f}", (place + 0.27, mean), va="center", color=colour, fontweight="bold"
        )
    if results["data"] == "CIFAR-10":
        right.axhline(results["target"], color=GREY, linestyle="--", linewidth=1)
        right.annotate(
            "target", (-0.45, results["target"]), (0, 3), textcoords="offset points", color=GREY
        )
    right.set_xticks([0, 1], ["plain", "six views averaged"])
    right.set(xlim=(-0.5, 1.7), ylabel="test accuracy [%]")
    right.margins(y=0.15)
    right.set_title(f"{100 * results['mean_accuracy']:.2f} % plain")
    deviation = ""
    if results["n"] > 1:
        deviation = f" (standard deviation {100 * results['sd_accuracy']:.2f})"
    text = (
        f"{results['data']}: plain test accuracy {100 * results['mean_accuracy']:.2f} %"
        f"{deviation}, six views averaged "
        f"{100 * results['mean_six_views']:.2f} %, n = {results['n']}; "
        f"{results['mean_seconds']:.0f} s of training steps on {results['threads']} threads "
        f"({results['mean_cpu_seconds']:.0f} s of processor time), "
        f"{rows[0]['precision']}."
    )
    return Drawing(
        fig, alt=f"Training accuracy over time and test accuracies. {text}", caption=text
    )
