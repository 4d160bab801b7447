"""A run's figures, made fit for the page: inline, with ids of their own and nothing that could run."""

import json
import re
from dataclasses import dataclass
from xml.etree import ElementTree

from pitfalls.errors import RunError
from pitfalls.plots import Rendered
from pitfalls.runs import Run

__all__ = ["Picture", "inline", "picture_of", "pictures_of"]

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
POINTS_PER = {"pt": 1.0, "px": 0.75, "in": 72.0, "cm": 72 / 2.54, "mm": 72 / 25.4, "": 0.75}
UNWANTED = {"script", "style", "foreignObject", "metadata", "animate", "set", "a"}
"""What a drawing has no need of; a style sheet inside would reach the whole page."""
STROKES = "stroke-linejoin:round;stroke-linecap:butt"
"""matplotlib's own style sheet, written on the root instead."""


@dataclass(frozen=True)
class Picture:
    """A figure as its run folder holds it.

    Attributes
    ----------
    name, file : str
        Its name within the run, and a file name unique in the report.
    svg : bytes
        As drawn.
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


def pictures_of(run: Run) -> list[Picture]:
    """Return every finished figure of a run, in the order of the figure registry.

    Raises
    ------
    RunError
        If a figure's words cannot be read.
    """
    from pitfalls.report.figures import figure_names

    folder = run.path / "figures"
    known = [*figure_names(run.manifest.experiment)]
    there = sorted(path.stem for path in folder.glob("*.json"))
    pictures = []
    for name in [*(n for n in known if n in there), *(n for n in there if n not in known)]:
        try:
            words = json.loads(run.read_file(f"figures/{name}.json"))
            svg = run.read_file(f"figures/{name}.svg")
            alt, caption = str(words["alt"]), str(words["caption"])
        except (OSError, ValueError, KeyError) as error:
            raise RunError(
                f"run {run.id}: figure {name!r} is damaged. To have it drawn anew: {run.manifest.command}"
            ) from error
        file = re.sub(r"[^A-Za-z0-9-]", "-", f"{run.manifest.experiment}-{name}") + ".svg"
        pictures.append(Picture(name, file, svg, alt, caption, *_size(svg)))
    return pictures


def picture_of(experiment: str, drawn: Rendered) -> Picture:
    """Return a figure, drawn for the report, under a file name of its own."""
    svg = drawn.files["svg"]
    file = f"{experiment}-{drawn.name}.svg"
    return Picture(drawn.name, file, svg, drawn.alt, drawn.caption, *_size(svg))


def inline(picture: Picture, prefix: str) -> str:
    """Return the SVG as an element of the page.

    Ids get a prefix, so that two figures never share one; scripts, links, event handlers and
    references to other files are left out, because a run folder may come from anywhere.
    """
    try:
        root = ElementTree.fromstring(picture.svg)
    except ElementTree.ParseError as error:
        raise RunError(f"report: figure {picture.file} is not an SVG file ({error}).") from error
    _clean(root)
    ids = {
        element.get("id"): f"{prefix}{i}"
        for i, element in enumerate(root.iter())
        if element.get("id")
    }
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == "id":
                element.set(key, ids[value])
            elif value.startswith("#") and value[1:] in ids:
                element.set(key, "#" + ids[value[1:]])
            elif "url(#" in value:
                element.set(
                    key, re.sub(r"url\(#([^)]+)\)", lambda m: f"url(#{ids.get(m[1], m[1])})", value)
                )
    width, height = _size(picture.svg)
    root.attrib.setdefault("viewBox", f"0 0 {width:g} {height:g}")
    for name in ("width", "height", "version", "aria-label", "role"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", picture.alt)
    root.set("style", f"max-width:{width / 0.75:.0f}px;{STROKES}")
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    return ElementTree.tostring(root, encoding="unicode")


def _clean(root: ElementTree.Element) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag.rpartition("}")[2] in UNWANTED:
                parent.remove(child)
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            plain = key.rpartition("}")[2]
            elsewhere = plain in ("href", "src") and not value.startswith(("#", "data:image/"))
            outside = re.search(r"url\(\s*[\"']?(?!#)", value) is not None
            if plain.startswith("on") or elsewhere or outside:
                del element.attrib[key]


def _size(svg: bytes) -> tuple[float, float]:
    head = svg[:4000].decode("utf-8", errors="replace")
    head = head[head.find("<svg") :]
    sizes = []
    for name in ("width", "height"):
        found = re.search(rf'\b{name}=["\']([0-9.]+)(pt|px|in|cm|mm|)["\']', head)
        sizes.append(float(found[1]) * POINTS_PER[found[2]] if found else 0.0)
    if not all(sizes):
        box = re.search(r'viewBox=["\']([-0-9. ]+)["\']', head)
        if box and len(box[1].split()) == 4:
            sizes = [0.75 * float(v) for v in box[1].split()[2:]]
    return (sizes[0] or 460.0, sizes[1] or 280.0)
