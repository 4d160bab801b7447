"""A run's figures, made fit for the page: inline, with ids of their own, and only what draws."""

from dataclasses import dataclass
from xml.etree import ElementTree

from pitfalls.plots import Rendered
from pitfalls.report.svg import clean_svg, size_of, write_svg

__all__ = ["DrawnPicture", "clean_picture", "inline", "picture_of"]

STROKES = {"stroke-linejoin": "round", "stroke-linecap": "butt"}
"""matplotlib's own style sheet, written on the root instead."""


@dataclass(frozen=True)
class DrawnPicture:
    """A figure of the report.

    Attributes
    ----------
    name, file : str
        Its name among its experiment's, and a file name unique in the report.
    svg : bytes
        What draws of it, see `clean_svg`: the words in it may come from anywhere.
    alt, caption : str
        The words that go with it, plain text.
    width, height : float
        Its natural size in points.
    """

    name: str
    file: str
    svg: bytes
    alt: str
    caption: str
    width: float
    height: float


def picture_of(experiment: str, drawn: Rendered) -> DrawnPicture:
    """Return a figure, drawn for the report, under a file name of its own."""
    svg = drawn.files["svg"]
    file = f"{experiment}-{drawn.name}.svg"
    return clean_picture(drawn.name, file, svg, drawn.alt, drawn.caption)


def clean_picture(name: str, file: str, svg: bytes, alt: str, caption: str = "") -> DrawnPicture:
    """Return a figure of which only what draws is left.

    Raises
    ------
    RunError
        If it is no SVG file, or too large for a page.
    """
    root = clean_svg(svg, file)
    root.attrib = STROKES | root.attrib
    return DrawnPicture(name, file, write_svg(root), alt, caption, *size_of(root))


def inline(picture: DrawnPicture, prefix: str) -> str:
    """Return the SVG as an element of the page; its ids get a prefix, so that two figures share none."""
    root = ElementTree.fromstring(picture.svg)
    ids = {
        element.get("id"): f"{prefix}{i}"
        for i, element in enumerate(root.iter())
        if element.get("id")
    }
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == "id":
                element.set(key, ids[value])
            elif key.endswith("href") and value.startswith("#"):
                element.set(key, f"#{ids.get(value[1:], f'{prefix}none')}")
            elif value.startswith("url(#"):
                element.set(key, f"url(#{ids.get(value[5:-1], f'{prefix}none')})")
    root.attrib.setdefault("viewBox", f"0 0 {picture.width:g} {picture.height:g}")
    root.attrib.pop("height", None)  # the style sheet derives it
    root.set("width", f"{picture.width / 0.75:.0f}")
    root.set("role", "img")
    root.set("aria-label", picture.alt)
    return write_svg(root).decode()
