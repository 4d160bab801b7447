"""A finished figure with its words, and the files it becomes."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar
from xml.sax.saxutils import quoteattr

import matplotlib as mpl
from matplotlib import figure as mpl_figure

from pitfalls.plots.style import apply_style

__all__ = ["Drawing", "Figure", "Rendered", "Svg", "draw", "verbatim"]

R = TypeVar("R")

Kind = Literal["svg", "png", "pdf"]


@dataclass(frozen=True)
class Svg:
    """A figure that is an SVG already, with a title and a description of its own."""

    svg: bytes


@dataclass(frozen=True)
class Drawing:
    """A finished figure with the words that go with it.

    Attributes
    ----------
    figure : matplotlib.figure.Figure or Svg
        Its title says the finding.
    alt : str
        What a reader who cannot see it must know, numbers included.
    caption : str
        What is shown, with n and spread.
    """

    figure: mpl_figure.Figure | Svg
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
        ``(result) -> Drawing``.
    shown_for : callable, optional
        ``(result) -> bool``: whether the result has this figure; by default each has.
    kinds : tuple of str
        The files that it becomes in a run's folder; an `Svg` is that alone.
    """

    name: str
    draw: Callable[[R], Drawing]
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
) -> Rendered:
    """Draw one figure of a result; equal results give equal files.

    Parameters
    ----------
    figure : Figure
    result : object
    kinds : tuple of {"svg", "png", "pdf"}, optional
        Which files (default: those that the figure names).
    """
    with mpl.rc_context():
        apply_style()
        drawing = figure.draw(result)
        if isinstance(drawing.figure, Svg):
            files = {"svg": drawing.figure.svg}
        else:
            files = _save(drawing.figure, figure.kinds if kinds is None else kinds)
            if "svg" in files:
                files["svg"] = _make_accessible(files["svg"], drawing.alt)
    return Rendered(figure.name, drawing.alt, drawing.caption, files)


def _save(figure: mpl_figure.Figure, kinds: tuple[Kind, ...]) -> dict[str, bytes]:
    import matplotlib.pyplot as plt

    files: dict[str, bytes] = {}
    try:
        for kind in kinds:
            buffer = io.BytesIO()
            figure.savefig(buffer, format=kind, metadata=_UNDATED[kind])
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
