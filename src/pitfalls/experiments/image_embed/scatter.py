"""One scatter plot of images by class: points or density, contours, names at the centres."""

from typing import Any

import matplotlib.patheffects as outline
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator
from scipy.ndimage import gaussian_filter

from pitfalls.plots import CLASS_COLOURS, verbatim

__all__ = ["MASS", "class_line", "draw_panel", "has_contours", "limits_of"]

Points = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int32]

GRID = 160  # cells a side for densities
SMOOTH, SMOOTH_POINTS = 5.0, 5000  # their smoothing in cells, for a class of so many images
SHADES = 240  # cells a side of the shading
MOST_POINTS = 4000  # images of a panel; beyond, density is shaded instead
MASS = 0.4  # share of a class that its contour encloses
MOST_CONTOURS = 12  # classes; beyond, points and centres alone
FEWEST = 20  # images of a class that is to have a contour


def has_contours(labels: Labels, n_classes: int) -> bool:
    """Whether some class of a panel gets a contour."""
    return n_classes <= MOST_CONTOURS and bool(np.bincount(labels).max() >= FEWEST)


def class_line(label: int) -> dict[str, Any]:
    """Return colour and line style of a class, so that colour alone need not tell two apart."""
    dashed = label % len(CLASS_COLOURS) >= len(CLASS_COLOURS) // 2
    return {"color": _colour(label), "linestyle": "--" if dashed else "-"}


def limits_of(points: Points) -> tuple[Points, Points]:
    """Return the corners that hold all but the outermost points."""
    low, high = np.quantile(points, [0.005, 0.995], axis=0)
    margin = 0.04 * (high - low) + 1e-9
    return low - margin, high + margin


def draw_panel(
    ax: Axes,
    points: Points,
    labels: Labels,
    names: tuple[str, ...],
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
        if len(names) <= MOST_CONTOURS and len(mine) >= FEWEST:
            _contour(ax, mine, limits, label)
        centres[name] = (mine.mean(axis=0), _colour(label))
    _write_labels(ax, centres, limits)
    ax.set_xlim(limits[0][0], limits[1][0])
    ax.set_ylim(limits[0][1], limits[1][1])
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_locator(MaxNLocator(5))


def _colour(label: int) -> str:
    return CLASS_COLOURS[label % len(CLASS_COLOURS)]


def _shade(
    ax: Axes,
    points: Points,
    labels: Labels,
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
            linestyles=class_line(label)["linestyle"],
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
            end[0], end[1], verbatim(name), color=colour, fontsize=8.5, fontweight="bold",
            ha="center", va="center", path_effects=halo, zorder=5,
        )  # fmt: skip
