"""The embedding on its way into the page: coordinates in 16 bits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from pitfalls.display import Displayed
from pitfalls.experiments.image_sheets import Sheet, pack

__all__ = ["View", "pack_embedding"]

LEVELS = 65535


@dataclass(frozen=True, repr=False)
class View(Displayed):
    """One scatter plot of the embedding.

    Attributes
    ----------
    name, title : str
        ``PCA``, and what stands above the plot.
    axes : tuple of two str
        What the coordinates are.
    points : ndarray of shape (n, 2)
        Where each image lies.
    """

    name: str
    title: str
    axes: tuple[str, str]
    points: Float[np.ndarray, "n 2"]


def pack_embedding(
    *,
    classes: Sequence[str],
    colours: Sequence[str],
    splits: Sequence[str],
    labels: Integer[np.ndarray, " n"],
    split: Integer[np.ndarray, " n"],
    index: Integer[np.ndarray, " n"],
    tile: Integer[np.ndarray, " n"],
    sheet: Sheet | None,
    views: Sequence[View],
) -> dict[str, Any]:
    """Return the data of the embedding explorer.

    Parameters
    ----------
    classes, colours, splits : sequence of str
        Names and colours of the classes; names of the parts of the data set.
    labels, split, index : ndarray of shape (n,)
        Of each image: its class, its part, its place within the part.
    tile : ndarray of shape (n,)
        The tile of the sheet that shows it; -1 for none.
    sheet : Sheet or None
        The thumbnails.
    views : sequence of View
        The scatter plots, of the same n images.
    """
    return {
        "count": len(labels),
        "classes": list(classes),
        "colours": [colours[c % len(colours)] for c in range(len(classes))],
        "splits": list(splits),
        "label": pack(labels, "u2"),
        "split": pack(split, "u1"),
        "index": pack(index, "u4"),
        "tile": pack(tile, "i4"),
        "sprite": sheet.to_json() if sheet else None,
        "views": [_pack_view(view, labels, len(classes)) for view in views],
    }


def _pack_view(view: View, labels: np.ndarray, n_classes: int) -> dict[str, Any]:
    points = np.asarray(view.points, dtype=np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    levels = (points - low) / np.where(high > low, high - low, 1.0) * LEVELS
    centres = [
        [c, *(round(float(v), 1) for v in levels[labels == c].mean(axis=0))]
        for c in range(n_classes)
        if np.any(labels == c)
    ]
    x, y = np.rint(levels).astype(np.uint16).T
    return {
        "name": view.name,
        "title": view.title,
        "axes": list(view.axes),
        "x": pack(x, "u2"),
        "y": pack(y, "u2"),
        "centres": centres,
    }
