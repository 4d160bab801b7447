"""A finished figure with its words, and the files it becomes."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar, cast
from xml.sax.saxutils import quoteattr

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from pitfalls.errors import InputError
from pitfalls.plots.axes import Canvas
from pitfalls.plots.style import Style, apply_style
from pitfalls.plots.svg_files import convert_svg

__all__ = ["Drawing", "Figure", "Kind", "Rendered", "Svg", "draw", "plot", "verbatim"]

R = TypeVar("R")
R_contra = TypeVar("R_contra", contravariant=True)

Kind = Literal["svg", "png", "pdf"]


class Draw(Protocol[R_contra]):
    """Draws a result, on new axes or in the place of ``ax``."""

    def __call__(self, result: R_contra, ax: Axes | None = None, /) -> "Drawing":
        """Return the drawing."""


@dataclass(frozen=True)
class Svg:
    """A figure that is an SVG already, with a title and a description of its own."""

    svg: bytes


@dataclass(frozen=True)
class Drawing:
    """A finished figure with the words that go with it.

    Attributes
    ----------
    figure : matplotlib.figure.Figure, SubFigure or Svg
        Its title says the finding.
    alt : str
        What a reader who cannot see it must know, numbers included.
    caption : str
        What is shown, with n and spread.
    """

    figure: Canvas | Svg
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class Figure(Generic[R]):
    """One figure of a result.

    Attributes
    ----------
    name : str
        Of its files.
    draw : callable
        ``(result, ax=None) -> Drawing``.
    shown_for : callable, optional
        ``(result) -> bool``: whether the result has this figure; by default each has.
    kinds : tuple of str
        The files that it becomes in a run's folder.
    """

    name: str
    draw: Draw[R]
    shown_for: Callable[[R], bool] = lambda result: True
    kinds: tuple[Kind, ...] = ("svg", "png")


@dataclass(frozen=True)
class Rendered:
    """A figure as files.

    Attributes
    ----------
    name : str
    alt, caption : str
    files : dict of str to bytes
        By kind.
    """

    name: str
    alt: str
    caption: str
    files: dict[str, bytes]


def draw(
    figure: Figure[R],
    result: R,
    kinds: tuple[Kind, ...] | None = None,
    style: Style = "page",
) -> Rendered:
    """Draw one figure of a result; equal results give equal files.

    Parameters
    ----------
    figure : Figure
    result : object
    kinds : tuple of {"svg", "png", "pdf"}, optional
        Which files (default: those that the figure names).
    style : {"page", "print", "slides"}
    """
    with mpl.rc_context():
        mpl.use("agg")
        apply_style(style)
        drawing = _drawn(figure, result)
        if isinstance(drawing.figure, Svg):
            svg = drawing.figure.svg
            files: dict[str, bytes] = {
                kind: svg if kind == "svg" else convert_svg(svg, kind)
                for kind in (figure.kinds if kinds is None else kinds)
            }
        else:
            files = _save(cast(MplFigure, drawing.figure), figure.kinds if kinds is None else kinds)
            if "svg" in files:
                files["svg"] = _make_accessible(files["svg"], drawing.alt)
    return Rendered(figure.name, drawing.alt, drawing.caption, files)


def plot(figure: Figure[R], result: R, ax: Axes | None = None, style: Style = "page") -> list[Axes]:
    """Draw one figure of a result for a reader who goes on with it, and return its axes.

    Parameters
    ----------
    figure : Figure
    result : object
    ax : matplotlib.axes.Axes, optional
        Where to draw (default: a new figure of pyplot's).
    style : {"page", "print", "slides"}

    Raises
    ------
    InputError
        If the figure is an `Svg`, which no axes can hold.
    """
    given = None if ax is None else ax.figure
    with mpl.rc_context():
        apply_style(style)
        drawing = _drawn(figure, result, ax)
    if isinstance(drawing.figure, Svg):
        raise InputError(
            f"{figure.name}: this figure is an SVG and cannot be drawn on axes. A notebook shows the "
            "result itself; pitfalls runs export --to svg writes the file."
        )
    return [ax] if ax is not None and drawing.figure is given else list(drawing.figure.axes)


def _drawn(figure: Figure[R], result: R, ax: Axes | None = None) -> Drawing:
    """Call a figure's own function; of one that fails pyplot keeps no half-drawn figure."""
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    try:
        return figure.draw(result, ax)
    except BaseException:
        for number in plt.get_fignums():
            if number not in before:
                plt.close(number)
        raise


def _save(figure: MplFigure, kinds: tuple[Kind, ...]) -> dict[str, bytes]:
    import matplotlib.pyplot as plt

    files: dict[str, bytes] = {}
    try:
        # laid out and measured once: matplotlib draws once more for each file that it is to lay out
        layout = figure.get_layout_engine()
        if layout is not None:
            layout.execute(figure)
        box = figure.get_tightbbox().padded(mpl.rcParams["savefig.pad_inches"])
        with mpl.rc_context({"figure.constrained_layout.use": False}):  # else None is a new layout
            figure.set_layout_engine(None)
            for kind in kinds:
                buffer = io.BytesIO()
                figure.savefig(buffer, format=kind, bbox_inches=box, metadata=_UNDATED[kind])
                files[kind] = buffer.getvalue()
    finally:
        plt.close(figure)
    return files


def verbatim(text: str) -> str:
    r"""Return a text as it goes into a figure whose words are not ours: a dollar is no mathematics.

    Examples
    --------
    >>> print(verbatim("10 $ and 20 $"))
    10 \$ and 20 \$
    """
    return text.replace("$", r"\$")


_UNDATED: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None},
}


def _make_accessible(svg: bytes, alt: str) -> bytes:
    """Give the picture a role and a name that a screen reader reads out."""
    return re.sub(
        r"<svg ", lambda _: f"<svg role='img' aria-label={quoteattr(alt)} ", svg.decode(), count=1
    ).encode()
