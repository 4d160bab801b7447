"""Both embeddings side by side, and the directions behind them as pictures."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from pitfalls.experiments.image_embed.records import PARTS, EmbedResult, NearestCentres
from pitfalls.experiments.image_embed.scatter import (
    MASS,
    class_line,
    draw_panel,
    has_contours,
    limits_of,
)
from pitfalls.experiments.image_embed.words import axis_names
from pitfalls.experiments.image_source import called
from pitfalls.plots import PAGE, Drawing, Figure, panels, verbatim
from pitfalls.prose import counted, percent

__all__ = ["FIGURES", "neighbour_correlation", "title"]

METHODS = ("pca", "cca")
TITLES = {"pca": "PCA, no labels", "cca": "CCA, with labels"}


def embedding(result: EmbedResult, ax: Axes | None = None) -> Drawing:
    """Draw PCA and CCA side by side, training images above test images."""
    pictures, points, axes_of = result.pictures, result.points, axis_names(result)
    shown = _shown(result)
    figure, axes = panels(
        ax, len(shown), 2, figsize=(PAGE[0], 4.1 * len(shown)), squeeze=False, layout="constrained"
    )
    drawn = {"pca": points.pca.astype(float), "cca": points.cca.astype(float)}
    outlined = False
    for column, method in enumerate(METHODS):
        limits = limits_of(drawn[method])
        for axis, centres in zip(axes[:, column], shown, strict=True):
            mine = points.part == PARTS.index(centres.part)
            labels = points.labels[mine]
            draw_panel(axis, drawn[method][mine], labels, pictures.class_names, limits)
            outlined |= has_contours(labels, pictures.n_classes)
            n = counted(int(mine.sum()), f"{called(centres.part)} image")
            axis.set_title(f"{TITLES[method]}: {n}", fontsize=10, fontweight="normal")
            axis.set(xlabel=axes_of[method][0], ylabel=axes_of[method][1])
            share = centres.pca if method == "pca" else centres.cca
            axis.text(
                0.99, 0.01, f"nearest to own centre: {percent(share.value, 0)}",
                transform=axis.transAxes, ha="right", va="bottom", fontsize=8,
            )  # fmt: skip
    if outlined:
        handles = [
            Line2D([], [], label=verbatim(name), **class_line(i))
            for i, name in enumerate(pictures.class_names)
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=8.5)
    figure.suptitle(title(result), x=0.01, ha="left", fontsize=11, fontweight="bold")
    text = f"{pictures.name} in two dimensions. {title(result)}."
    contours = f"; lines enclose {percent(MASS, 0)} of a class" if outlined else ""
    fitted = counted(pictures.n("train"), "training image")
    return Drawing(
        figure,
        alt=f"{text} Axes: {', '.join(axes_of['pca'])}; {', '.join(axes_of['cca'])}.",
        caption=f"{text} Both fitted on {fitted}. Names stand at class centres{contours}; each axis "
        "leaves out the outermost 1 %.",
    )


def title(result: EmbedResult) -> str:
    """Say how many images of the last part drawn lie nearest to their own centre."""
    last = _shown(result)[-1]
    return (
        f"Nearest to the centre of their own class: PCA {percent(last.pca.value, 0)}, "
        f"CCA {percent(last.cca.value, 0)} of {counted(last.pca.n, f'{called(last.part)} image')}"
    )


def _shown(result: EmbedResult) -> list[NearestCentres]:
    """Return the training images, and those that the sentences compare on."""
    unseen = result.unseen
    return [result.centres[0], *([unseen] if unseen is not None else [])]


def directions(result: EmbedResult, ax: Axes | None = None) -> Drawing:
    """Show the directions of each method as pictures."""
    found = {"pca": result.directions.pca, "cca": result.directions.cca}
    pictures = [(m.upper(), i, one) for m in METHODS for i, one in enumerate(found[m])]
    figure, axes = panels(ax, 1, len(pictures), figsize=(PAGE[0], 2.9), layout="constrained")
    for axis, (method, i, one) in zip(axes, pictures, strict=True):
        edge = float(np.quantile(np.abs(one), 0.995)) or 1.0
        shown = np.clip(one / (2 * edge) + 0.5, 0, 1)
        if len(shown) == 1:
            axis.imshow(shown[0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        else:
            axis.imshow(shown.transpose(1, 2, 0), interpolation="nearest")
        axis.set_title(f"{method} {i + 1}", fontsize=10, fontweight="normal")
        axis.set_axis_off()
    finding = _alike(result)
    head = finding or "The directions as pictures"
    figure.suptitle(head, x=0.01, ha="left", fontsize=11, fontweight="bold")
    text = (
        f"The directions of PCA and CCA as pictures, {result.pictures.name}; middle grey is no weight. "
        + (f"{finding}." if finding else "")
    ).strip()
    return Drawing(figure, alt=text, caption=text)


def _alike(result: EmbedResult) -> str:
    """Say how alike the weights of neighbouring pixels are; needs images with neighbours."""
    pca = neighbour_correlation(result.directions.pca)
    cca = neighbour_correlation(result.directions.cca)
    if pca is None or cca is None:
        return ""
    one, other = (f"{value:.2f}".replace("-", "−") for value in (pca, cca))
    return f"Weights of neighbouring pixels correlate {one} in PCA, {other} in CCA"


def neighbour_correlation(found: NDArray[np.float32]) -> float | None:
    """Correlate weights with those of the pixels to the right and below; None if all are zero."""
    pairs = [
        np.stack([found[..., :-1].ravel(), found[..., 1:].ravel()]),
        np.stack([found[..., :-1, :].ravel(), found[..., 1:, :].ravel()]),
    ]
    both = np.concatenate(pairs, axis=1).astype(float)
    norm = np.sqrt((both[0] @ both[0]) * (both[1] @ both[1]))
    return float(both[0] @ both[1] / norm) if norm > 0 else None


FIGURES = (Figure("embedding", embedding), Figure("directions", directions))
