"""Figures of the linear methods: embeddings, the directions behind them, least squares."""

from typing import Any

import matplotlib.patheffects as outline
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter
from scipy.ndimage import gaussian_filter

from pitfalls.plots import BLUE, CLASS_COLOURS, ORANGE, PAGE, SEQUENTIAL
from pitfalls.report.figures.registry import Drawing, draws
from pitfalls.runs import Run

Points = npt.NDArray[np.float64]

GRID = 160  # cells a side for densities
SMOOTH, SMOOTH_POINTS = 5.0, 5000  # their smoothing in cells, for a class of so many images
SHADES = 240  # cells a side of the shading
MOST_POINTS = 4000  # images of a panel; beyond, density is shaded instead
MASS = 0.4  # share of a class that its contour encloses
MOST_CONTOURS = 12  # classes; beyond, points and centres alone
METHODS = (("pca", "PCA, no labels"), ("cca", "CCA, with labels"))


@draws("images-embed", "embedding")
def embedding(run: Run) -> Drawing:
    """PCA and CCA side by side, training images above test images."""
    results, arrays = run.results(), run.arrays("embedding")
    names, parts = results["class_names"], results["parts"]
    shown = [part for part in parts if part != "validation" and results[f"n_{part}"]]
    fig, axes = plt.subplots(
        len(shown), 2, figsize=(PAGE[0], 4.1 * len(shown)), squeeze=False, layout="constrained"
    )
    for column, (method, title) in enumerate(METHODS):
        points = arrays[method].astype(float)
        limits = _limits(points)
        for ax, part in zip(axes[:, column], shown, strict=True):
            mine = arrays["part"] == parts.index(part)
            _draw_panel(ax, points[mine], arrays["labels"][mine], names, limits)
            share = results["centre_accuracy"][method][part]
            ax.set_title(
                f"{title}: {mine.sum():,} {_word(part)} images", fontsize=10, fontweight="normal"
            )
            ax.set(xlabel=results["axes"][method][0], ylabel=results["axes"][method][1])
            ax.text(
                0.99, 0.01, f"nearest centre right: {100 * share:.0f} %",
                transform=ax.transAxes, ha="right", va="bottom", fontsize=8,
            )  # fmt: skip
    if len(names) <= MOST_CONTOURS:
        handles = [
            Line2D([], [], color=_colour(i), label=name, **_line(i)) for i, name in enumerate(names)
        ]
        fig.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=8.5)
    first_two = results["explained_variance_ratio"][:2]
    correlations = results["canonical_correlations"][:2]
    means = results["centre_accuracy"]
    _say(
        fig,
        f"Nearest to the centre of their own class: PCA {100 * means['pca'][shown[-1]]:.0f} %, "
        f"CCA {100 * means['cca'][shown[-1]]:.0f} % of {_word(shown[-1])} images",
    )
    text = (
        f"{results['data']} in two dimensions. PCA keeps {100 * sum(first_two):.1f} % of the "
        f"variance, and {100 * means['pca'][shown[-1]]:.0f} % of the {_word(shown[-1])} images lie "
        "nearest to the centre of their own class; CCA, with correlations "
        f"{' and '.join(f'{c:.2f}' for c in correlations)}, brings "
        f"{100 * means['cca'][shown[-1]]:.0f} % there."
    )
    contours = (
        f"; lines enclose {100 * MASS:.0f} % of a class" if len(names) <= MOST_CONTOURS else ""
    )
    return Drawing(
        fig,
        alt=text,
        caption=f"{text} Both fitted on the {results['n_train']:,} training images. Shade and "
        f"points are images, names stand at class centres{contours}; the outermost 1 % lies outside.",
    )


def _say(fig: Figure, finding: str) -> None:
    """Write the finding over panels whose own titles are names."""
    fig.suptitle(finding, x=0.01, ha="left", fontsize=11, fontweight="bold")


def _word(part: str) -> str:
    return {"train": "training"}.get(part, part)


def _limits(points: Points) -> tuple[Points, Points]:
    """Return the corners that hold all but the outermost points."""
    low, high = np.quantile(points, [0.005, 0.995], axis=0)
    margin = 0.04 * (high - low) + 1e-9
    return low - margin, high + margin


def _draw_panel(
    ax: Axes,
    points: Points,
    labels: npt.NDArray[np.int64],
    names: list[str],
    limits: tuple[Points, Points],
) -> None:
    """Draw all images, and a contour and a label for each class."""
    if len(points) > MOST_POINTS:
        _shade(ax, points, labels, len(names), limits)
    else:
        order = np.random.default_rng(0).permutation(len(points))  # no class hides another
        colours = np.asarray([_colour(label) for label in range(len(names))])
        ax.scatter(
            points[order, 0], points[order, 1], s=float(np.clip(6000 / len(points), 2, 14)),
            c=colours[labels[order]], alpha=0.6, linewidths=0, rasterized=True,
        )  # fmt: skip
    centres = {}
    for label, name in enumerate(names):
        mine = points[labels == label]
        if not len(mine):
            continue
        if len(names) <= MOST_CONTOURS and len(mine) >= 20:
            _contour(ax, mine, limits, label)
        centres[name] = (mine.mean(axis=0), _colour(label))
    _write_labels(ax, centres, limits)
    ax.set_xlim(limits[0][0], limits[1][0])
    ax.set_ylim(limits[0][1], limits[1][1])
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_locator(MaxNLocator(5))


def _colour(label: int) -> str:
    return CLASS_COLOURS[label % len(CLASS_COLOURS)]


def _line(label: int) -> dict[str, Any]:
    """Return a line style, so that colour alone need not tell two classes apart."""
    return {"linestyle": "-" if label % len(CLASS_COLOURS) < len(CLASS_COLOURS) // 2 else "--"}


def _shade(
    ax: Axes,
    points: Points,
    labels: npt.NDArray[np.int64],
    n_classes: int,
    limits: tuple[Points, Points],
) -> None:
    """Shade by density: a cell has the mean colour of its images, and is stronger the more."""
    (left, low), (right, high) = limits
    total = np.zeros((SHADES, SHADES))
    colour = np.zeros((SHADES, SHADES, 3))
    for label in range(n_classes):
        mine = points[labels == label]
        counts, _, _ = np.histogram2d(
            mine[:, 0], mine[:, 1], bins=SHADES, range=[[left, right], [low, high]]
        )
        counts = gaussian_filter(counts.T, 1.0)
        total += counts
        colour += counts[..., None] * np.asarray(to_rgb(_colour(label)))
    picture = np.ones((SHADES, SHADES, 4))
    picture[..., :3] = colour / np.maximum(total, 1e-9)[..., None]
    strongest = np.quantile(total[total > 0], 0.99)
    picture[..., 3] = 0.85 * np.clip(total / strongest, 0, 1) ** 0.5
    ax.imshow(
        np.round(picture * 255).astype(np.uint8),
        origin="lower", extent=(left, right, low, high), aspect="auto", interpolation="none",
    )  # fmt: skip


def _contour(ax: Axes, points: Points, limits: tuple[Points, Points], label: int) -> None:
    """Draw the line of equal density that encloses the densest part of a class."""
    (left, low), (right, high) = limits
    counts, x, y = np.histogram2d(
        points[:, 0], points[:, 1], bins=GRID, range=[[left, right], [low, high]]
    )
    # Scott's rule: the width falls with the sixth root of the number of points
    density = gaussian_filter(counts, SMOOTH * (SMOOTH_POINTS / len(points)) ** (1 / 6))
    falling = np.sort(density.ravel())[::-1]
    level = falling[np.searchsorted(np.cumsum(falling), MASS * falling.sum())]
    if 0 < level < density.max():
        middle = (x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2
        ax.contour(
            *middle, density.T, levels=[level], colors=[_colour(label)], linewidths=1.2,
            linestyles=_line(label)["linestyle"],
        )  # fmt: skip


def _write_labels(
    ax: Axes,
    centres: dict[str, tuple[Points, str]],
    limits: tuple[Points, Points],
) -> None:
    """Write names at the centres, moved apart where they would cover each other."""
    halo = [outline.withStroke(linewidth=2.6, foreground="white")]
    span = limits[1] - limits[0]
    at = np.asarray([(c - limits[0]) / span for c, _ in centres.values()])
    place = at.copy()
    half_height = 0.022
    half_width = np.asarray([0.011 * len(name) + 0.006 for name in centres])
    for _ in range(400):
        moved = False
        for i in range(len(place)):
            for j in range(i):
                gap = place[i] - place[j]
                wide = half_width[i] + half_width[j] - abs(gap[0])
                tall = 2 * half_height - abs(gap[1])
                if wide > 0 and tall > 0:
                    step = (tall / 2 + 1e-4) * (1 if gap[1] >= 0 else -1)
                    place[i, 1] += step
                    place[j, 1] -= step
                    moved = True
        if not moved:
            break
    for (name, (centre, colour)), spot in zip(centres.items(), place, strict=True):
        end = limits[0] + spot * span
        if np.abs(spot - (centre - limits[0]) / span).max() > half_height:
            ax.plot([centre[0], end[0]], [centre[1], end[1]], color=colour, linewidth=0.8)
        ax.plot(
            centre[0],
            centre[1],
            "o",
            color=colour,
            markersize=3.5,
            markeredgecolor="white",
            zorder=4,
        )
        ax.text(
            end[0], end[1], name, color=colour, fontsize=8.5, fontweight="bold", ha="center", va="center",
            path_effects=halo, zorder=5,
        )  # fmt: skip


@draws("images-embed", "directions")
def directions(run: Run) -> Drawing:
    """Show the two directions of each method as pictures."""
    results, arrays = run.results(), run.arrays("directions")
    pictures = [
        (title.split(",")[0], i, found)
        for method, title in METHODS
        for i, found in enumerate(arrays[method])
    ]
    fig, axes = plt.subplots(1, len(pictures), figsize=(PAGE[0], 2.9), layout="constrained")
    for ax, (method, i, found) in zip(axes, pictures, strict=True):
        edge = float(np.quantile(np.abs(found), 0.995)) or 1.0
        shown = np.clip(found / (2 * edge) + 0.5, 0, 1)
        if len(shown) == 1:
            ax.imshow(shown[0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        else:
            ax.imshow(shown.transpose(1, 2, 0), interpolation="nearest")
        ax.set_title(f"{method} {i + 1}", fontsize=10, fontweight="normal")
        ax.set_axis_off()
    alike = {method: _neighbour_correlation(arrays[method]) for method, _ in METHODS}
    pca, cca = (f"{alike[method]:.2f}".replace("-", "−") for method, _ in METHODS)
    _say(fig, f"Weights of neighbouring pixels correlate {pca} in PCA, {cca} in CCA")
    text = (
        f"The directions as pictures, {results['data']}; middle grey is no weight. Weights of "
        f"neighbouring pixels correlate {pca} in PCA's and {cca} in CCA's: "
        "PCA follows what varies most, CCA divides by the common variation and so may weigh "
        "differences between neighbours."
    )
    return Drawing(fig, alt=text, caption=text)


def _most_confused(share: Points, names: list[str]) -> str:
    """Name the class, and what it is most often taken for, by the share of its images."""
    wrong = share.copy()
    np.fill_diagonal(wrong, 0)
    true, predicted = np.unravel_index(wrong.argmax(), wrong.shape)
    if wrong[true, predicted] == 0:
        return "No mistakes"
    most = 100 * wrong[true, predicted]
    return f"{most:.0f} % of {names[true]} taken for {names[predicted]}"


def _extremes(accuracy: list[float | None], names: list[str]) -> str:
    """Name the classes of highest and lowest accuracy on the test images."""
    known = [
        (value, name) for value, name in zip(accuracy, names, strict=True) if value is not None
    ]
    if not known:
        return "No test images"
    (least, worst), (most, best) = min(known), max(known)
    if least == most:
        return f"Every class: {100 * most:.0f} %"
    return f"From {worst}, {100 * least:.0f} %, to {best}, {100 * most:.0f} %"


def _neighbour_correlation(found: Points) -> float:
    """Correlation of weights with those of the pixels to the right and below."""
    pairs = [
        np.stack([found[..., :-1].ravel(), found[..., 1:].ravel()]),
        np.stack([found[..., :-1, :].ravel(), found[..., 1:, :].ravel()]),
    ]
    both = np.concatenate(pairs, axis=1).astype(float)
    norm = np.sqrt((both[0] @ both[0]) * (both[1] @ both[1]))
    return float(both[0] @ both[1] / norm) if norm > 0 else 0.0


@draws("images-regress", "regression")
def regression(run: Run) -> Drawing:
    """Show what least squares confuses, and how well it does on each class."""
    results, arrays = run.results(), run.arrays("regression")
    names = results["class_names"]
    confusion = arrays["confusion_test"]
    totals = np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    share = confusion / totals
    fig, (left, right) = plt.subplots(
        1, 2, figsize=(PAGE[0], 4.2), width_ratios=(1.15, 1), layout="constrained"
    )
    darkest = float(share.max())
    picture = left.imshow(share, cmap=SEQUENTIAL, vmin=0, vmax=darkest)
    left.grid(visible=False)
    at = range(len(names))
    if len(names) <= 20:
        left.set_xticks(at, names, rotation=45, ha="right", rotation_mode="anchor", fontsize=8)
        left.set_yticks(at, names, fontsize=8)
    if len(names) <= 12:
        for i, j in np.ndindex(share.shape):
            left.text(
                j, i, f"{100 * share[i, j]:.0f}", ha="center", va="center", fontsize=7,
                color="black" if share[i, j] > 0.55 * darkest else "white",
            )  # fmt: skip
    left.set(xlabel="predicted", ylabel="true class")
    left.set_title(_most_confused(share, names), fontsize=10)
    fig.colorbar(
        picture, ax=left, format=PercentFormatter(1, 0), shrink=0.8,
        label="share of the true class's test images",
    )  # fmt: skip
    y = np.arange(len(names))
    for offset, part, colour in ((-0.2, "train", BLUE), (0.2, "test", ORANGE)):
        values = [v if v is not None else np.nan for v in results[f"{part}_class_accuracy"]]
        right.barh(y + offset, values, height=0.38, color=colour)
        mean = results[f"{part}_accuracy"]
        right.axvline(mean, color=colour, linewidth=1.2, linestyle="--")
        right.plot([], [], "s", color=colour, label=f"{_word(part)} {100 * mean:.1f} %")
    right.axvline(1 / len(names), color="black", linewidth=0.8, linestyle=":")
    right.plot([], [], ":", color="black", linewidth=0.8, label=f"chance {100 / len(names):.0f} %")
    right.set_yticks(y, names if len(names) <= 20 else [""] * len(names), fontsize=8)
    right.invert_yaxis()
    right.set_xlim(0, 1)
    right.xaxis.set_major_formatter(PercentFormatter(1, 0))
    right.grid(visible=False, axis="y")
    right.set_xlabel("accuracy (dashed: over all classes)")
    right.set_title(_extremes(results["test_class_accuracy"], names), fontsize=10)
    right.legend(
        loc="upper center", bbox_to_anchor=(0.4, -0.16), ncols=3, fontsize=8, columnspacing=1.2
    )
    text = (
        f"Least squares onto one-hot labels, {results['data']}: "
        f"{100 * results['train_accuracy']:.2f} % of {results['n_train']:,} training images and "
        f"{100 * results['test_accuracy']:.2f} % of {results['n_test']:,} test images right; "
        f"guessing gives {100 / len(names):.0f} %."
    )
    return Drawing(fig, alt=text, caption=text)
