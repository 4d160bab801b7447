"""The axes that a figure is drawn on: new ones, or those that a reader gives."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, overload

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from pitfalls.errors import InputError
from pitfalls.plots.style import BASE_SIZE, COLUMN, PAGE, apply_style

__all__ = ["Axes", "Canvas", "drawing_on", "panels"]

Canvas = Figure | SubFigure
"""What axes lie on; a sub-figure where a reader gave one place for several axes."""


@overload
def panels(
    ax: Axes | None, *, figsize: tuple[float, float], **layout: Any
) -> tuple[Canvas, Axes]: ...
@overload
def panels(
    ax: Axes | None, rows: int, columns: int, *, figsize: tuple[float, float], squeeze: Literal[False],
    **layout: Any,
) -> tuple[Canvas, np.ndarray]: ...  # fmt: skip
@overload
def panels(
    ax: Axes | None, rows: int, columns: int, *, figsize: tuple[float, float], **layout: Any
) -> tuple[Canvas, Any]: ...
def panels(
    ax: Axes | None,
    rows: int = 1,
    columns: int = 1,
    *,
    figsize: tuple[float, float],
    squeeze: bool = True,
    layout: Literal["constrained"] | None = None,
    **arguments: Any,
) -> tuple[Canvas, Any]:
    """Return a canvas and its axes, as ``matplotlib.pyplot.subplots`` does.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, optional
        One place in a figure of the reader's: several axes then stand in a sub-figure that takes its
        place. None makes a new figure.
    rows, columns : int
    figsize : tuple of float
        Inches of a new figure, at the text size of the page's style; larger text makes it larger.
    squeeze, layout, arguments
        As in ``subplots``; the layout of a figure that is given stays as it is.

    Raises
    ------
    InputError
        If several axes are needed and ``ax`` is in no grid of axes that could be divided.
    """
    if ax is None:
        scale = float(plt.rcParams["font.size"]) / BASE_SIZE
        size = tuple(side * scale for side in figsize)
        return plt.subplots(
            rows, columns, figsize=size, squeeze=squeeze, layout=layout, **arguments
        )
    if rows == columns == 1:
        return ax.figure, ax if squeeze else np.array([[ax]])
    place = ax.get_subplotspec()
    if place is None:
        raise InputError(
            f"plot: this figure has {rows} × {columns} axes, and the place given cannot be divided. Give "
            "axes made by plt.subplots or figure.add_subplot, or none."
        )
    whole = ax.figure
    ax.remove()
    canvas = whole.add_subfigure(place)
    return canvas, canvas.subplots(rows, columns, squeeze=squeeze, **arguments)


@contextmanager
def drawing_on(ax: Axes | None, columns: int = 1) -> Iterator[Any]:
    """Give axes to draw on in the project's look, for a reader who goes on with them.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, optional
        Where (default: a new figure of pyplot's).
    columns : int
        How many axes side by side; more than one divide the place of ``ax``.
    """
    with mpl.rc_context():
        apply_style()
        yield panels(ax, 1, columns, figsize=COLUMN if columns == 1 else PAGE)[1]
