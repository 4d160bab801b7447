"""SVG by an allow-list: the elements and attributes that draw, and nothing else.

What is not known to draw is left out: elements of other namespaces, scripts, style sheets, animation,
HTML inside, handlers, and every reference but to an element of the same file or to a picture that it
holds. Style declarations become attributes, which a page's content policy need not allow.
"""

import re
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from pitfalls.errors import RunError

__all__ = ["clean_svg", "size_of", "write_svg"]

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
LARGEST = 32 * 2**20
DEEPEST = 64
POINTS_PER = {"pt": 1.0, "px": 0.75, "in": 72.0, "cm": 72 / 2.54, "mm": 72 / 25.4, "": 0.75}

SHAPES = frozenset((
    "g", "defs", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan",
    "use", "image", "clipPath",
))  # fmt: skip
WORDS = frozenset(("title", "desc"))
"""Elements of text alone: a browser reads elements in them as HTML."""

PLACES = (
    "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "dx", "dy", "width", "height",
    "points", "viewBox",
)  # fmt: skip
LOOKS = (
    "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-linecap",
    "stroke-linejoin", "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset",
    "stroke-opacity", "opacity", "color", "clip-path", "clip-rule", "clipPathUnits", "visibility",
    "font", "font-family", "font-size", "font-style", "font-weight", "font-stretch", "font-variant",
    "text-anchor", "dominant-baseline", "image-rendering", "shape-rendering", "text-rendering",
    "preserveAspectRatio",
)  # fmt: skip
NUMBERS = r"[\s\d.,eE+-]*(?:pt|px|in|cm|mm|em|%)?"
PAINT = r"""url\(#[\w.:-]+\)|rgba?\([\d.,%\s]*\)|[\w\s#.,%+'"-]*"""
MOVES = r"\s*(?:(?:matrix|translate|scale|rotate|skewX|skewY)\([\s\d.,eE+-]*\)[\s,]*)*"
COMMANDS = r"[\s\d.,eE+\-MmLlHhVvCcSsQqTtAaZz]*"
RULES = {
    **dict.fromkeys(PLACES, re.compile(NUMBERS)),
    **dict.fromkeys(LOOKS, re.compile(PAINT)),
    "transform": re.compile(MOVES),
    "d": re.compile(COMMANDS),
    "id": re.compile(r"[\w.:-]+"),
}
"""What an attribute may say."""

WITHIN = re.compile(r"#[\w.:-]+")
BITMAP = re.compile(r"data:image/(?:png|jpeg|webp);base64,[A-Za-z0-9+/=\s]*")


def clean_svg(svg: bytes, name: str) -> Element:
    """Return what draws in an SVG file, as a new element.

    Parameters
    ----------
    svg : bytes
        From anywhere.
    name : str
        For messages.

    Raises
    ------
    RunError
        If it is no SVG file, larger than 32 MB, or deeper than 64 elements.
    """
    if len(svg) > LARGEST:
        raise RunError(
            f"report: figure {name} has {len(svg) / 2**20:.0f} MB, and a page takes at most "
            f"{LARGEST // 2**20} MB of one. Draw it with fewer points."
        )
    try:
        root = ElementTree.fromstring(svg)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise RunError(f"report: figure {name} is not an SVG file ({error}).") from error
    if root.tag != f"{{{SVG}}}svg":
        raise RunError(f"report: figure {name} is not an SVG file (its element is {root.tag!r}).")
    cleaned = _copied(root, name, DEEPEST)
    _drop_nested_uses(cleaned)
    return cleaned


def write_svg(root: Element) -> bytes:
    """Return an element as a file."""
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    return ElementTree.tostring(root)


def size_of(root: Element) -> tuple[float, float]:
    """Return a drawing's natural size in points."""
    sizes = [_length(root.get(name, "")) for name in ("width", "height")]
    if not all(sizes):
        box = re.split(r"[\s,]+", root.get("viewBox", "").strip())
        sizes = [_length(value) for value in box[2:]] if len(box) == 4 else [0.0, 0.0]
    return (sizes[0] or 460.0, sizes[1] or 280.0)


def _length(text: str) -> float:
    found = re.fullmatch(r"(\d{1,6}(?:\.\d*)?)(pt|px|in|cm|mm|)", text.strip())
    return float(found[1]) * POINTS_PER[found[2]] if found else 0.0


def _copied(element: Element, name: str, depth: int) -> Element:
    if depth == 0:
        raise RunError(f"report: figure {name} is nested deeper than {DEEPEST} elements.")
    local = element.tag.rpartition("}")[2]
    copy = Element(element.tag, dict(_attributes(element)))
    copy.text = element.text if local in {*WORDS, "text", "tspan"} else None
    for child in element if local not in WORDS else ():
        space, _, kind = child.tag.rpartition("}")
        if space == f"{{{SVG}" and kind in SHAPES | WORDS:
            inner = _copied(child, name, depth - 1)
            inner.tail = child.tail if local in ("text", "tspan") else None
            copy.append(inner)
    return copy


def _attributes(element: Element) -> Iterator[tuple[str, str]]:
    kind = element.tag.rpartition("}")[2]
    given = dict(element.attrib)
    for declaration in given.pop("style", "").split(";"):
        key, _, value = declaration.partition(":")
        given[key.strip()] = value.strip()  # a style counts before an attribute
    for key, value in given.items():
        if key in RULES:
            if RULES[key].fullmatch(value):
                yield key, value
        elif key in ("href", f"{{{XLINK}}}href") and (
            (kind == "use" and WITHIN.fullmatch(value))
            or (kind == "image" and BITMAP.fullmatch(value))
        ):
            yield key, value


def _drop_nested_uses(root: Element) -> None:
    """Leave out what uses something that uses something: a few lines of it draw for ever."""
    using = {
        element.get("id")
        for element in root.iter()
        if any(inner.tag == f"{{{SVG}}}use" for inner in element.iter())
    }
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f"{{{SVG}}}use":
                target = child.get("href") or child.get(f"{{{XLINK}}}href") or ""
                if target[1:] in using - {None} or not target:
                    parent.remove(child)
