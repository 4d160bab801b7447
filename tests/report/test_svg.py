import re
from collections import Counter
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from pitfalls.errors import RunError
from pitfalls.plots import Drawing, Figure, draw
from pitfalls.report import svg as svg_module
from pitfalls.report.svg import clean_svg, size_of, write_svg

HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'width="20pt" height="1in">'
)


def clean(inner: str) -> str:
    return write_svg(clean_svg(f"{HEAD}{inner}</svg>".encode(), "x.svg")).decode()


def everything(result: object, ax: Axes | None = None) -> Drawing:
    """Draw lines, markers, areas, pictures, words and a scale."""
    assert ax is None
    figure = MplFigure()
    left, right = figure.subplots(1, 2)
    left.plot([1, 10, 100], [3, 1, 2], "--o", label="$x^2$", alpha=0.5)
    left.fill_between([1, 10, 100], [1, 1, 1], [2, 3, 4], alpha=0.3)
    left.set_xscale("log")
    left.legend()
    left.annotate("here", (10, 1), (20, 2), arrowprops={"arrowstyle": "->"})
    figure.colorbar(right.imshow(np.eye(3)), ax=right)
    return Drawing(figure, "all", "all")


def test_our_own_drawings_lose_only_what_does_not_draw() -> None:
    whole = draw(Figure("all", everything), None, ("svg",)).files["svg"]
    cleaned = write_svg(clean_svg(whole, "x.svg"))

    def kinds(data: bytes) -> Counter[str]:
        return Counter(element.tag for element in ElementTree.fromstring(data).iter())

    lost = kinds(whole) - kinds(cleaned)
    assert {tag.rpartition("}")[2] for tag in lost} <= {
        *("metadata", "style", "RDF", "Work", "type", "format", "creator", "Agent", "title")
    }
    declared = set(re.findall(rb"[a-z-]+(?=: )", b" ".join(re.findall(rb'style="([^"]*)"', whole))))
    kept = cleaned.decode()
    assert len(declared) > 6
    assert [name for name in declared if f"{name.decode()}=" not in kept] == []


def test_a_style_declaration_counts_before_an_attribute_and_becomes_one() -> None:
    assert 'fill="red"' in clean('<rect fill="blue" style="fill: red; behavior: x"/>')
    assert "behavior" not in clean('<rect style="behavior:x;fill:expression(1)"/>')


@pytest.mark.parametrize(
    "inner",
    [
        '<g id="a"><use href="#b"/></g><g id="b"><rect/></g><use href="#a"/>',
        '<g id="a"><use xlink:href="#a"/></g>',
        '<g id="a"><g><use href="#b"/></g></g><rect id="b"/><use xlink:href="#a"/>',
    ],
)
def test_what_uses_something_that_uses_something_is_left_out(inner: str) -> None:
    targets = re.findall(r'href="#(\w)"', clean(inner))
    assert "a" not in targets


def test_limits_are_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunError, match="deeper than 64 elements"):
        clean("<g>" * 70 + "</g>" * 70)
    with pytest.raises(RunError, match="deeper than 64 elements"):
        clean("<g>" * 50_000 + "</g>" * 50_000)
    monkeypatch.setattr(svg_module, "LARGEST", 2**20)
    with pytest.raises(RunError, match=r"has 2 MB, and a page takes at most 1 MB"):
        clean(" " * 2**21)


@pytest.mark.parametrize(
    "data",
    [b"", b"<svg", b"\xff\xfe", b"<html/>", b"<svg/>", b'<?xml version="1.0" encoding="x"?><a/>'],
)
def test_what_is_no_svg_is_one_line(data: bytes) -> None:
    with pytest.raises(RunError, match=r"^report: figure x.svg is not an SVG file .*\.$"):
        clean_svg(data, "x.svg")


def test_entities_do_not_multiply_and_read_no_file() -> None:
    many = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 20))
    bomb = f'<!DOCTYPE svg [<!ENTITY e0 "{"x" * 1000}">{many}]>{HEAD}<text>&e19;</text></svg>'
    with pytest.raises(RunError, match="not an SVG file"):
        clean_svg(bomb.encode(), "x.svg")
    reading = f'<!DOCTYPE svg [<!ENTITY e SYSTEM "/etc/passwd">]>{HEAD}<text>&e;</text></svg>'
    with pytest.raises(RunError, match="not an SVG file"):
        clean_svg(reading.encode(), "x.svg")


@pytest.mark.parametrize(
    ("given", "points"),
    [
        ('width="20pt" height="1in"', (20.0, 72.0)),
        ('width="1e999" height="1.2.3"', (460.0, 280.0)),
        ('viewBox="0 0 100 40"', (75.0, 30.0)),
        ('viewBox="0 0 nan 40"', (460.0, 280.0)),
    ],
)
def test_the_size_is_what_the_file_says_where_it_says_one(
    given: str, points: tuple[float, float]
) -> None:
    root = clean_svg(f'<svg xmlns="http://www.w3.org/2000/svg" {given}/>'.encode(), "x.svg")
    assert size_of(root) == points
