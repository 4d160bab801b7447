import base64
import hashlib
import json
import re
from importlib.resources import files

import pytest

from pitfalls.errors import RunError
from pitfalls.plots import CYCLE
from pitfalls.report.drawings import DrawnPicture
from pitfalls.report.page import render
from tests.report.conftest import SVG


def page(body: str, pictures: tuple[DrawnPicture, ...] = (), **explorers) -> str:
    return render(
        body, "", title="T <i>", author="A <b>", scale="s", pictures=pictures, explorers=explorers
    )


def test_live_curves_have_the_static_figures_colours_in_their_order() -> None:
    script = (files("pitfalls.report") / "assets/charts.js").read_text(encoding="utf-8")
    (line,) = re.findall(r"const palette = \[(.*?)\]", script)
    assert [colour.strip('"') for colour in line.split(", ")] == [c.lower() for c in CYCLE]


def test_titles_and_authors_are_text() -> None:
    text = page("")
    assert "<i>" not in text
    assert "A &lt;b&gt;" in text


def test_the_page_asks_no_network() -> None:
    text = page("<p>x</p>", confusion={"a": 1}, phase={"b": 2})
    head = text[: text.index("<style>")]
    assert "default-src 'none'" in head
    assert not re.search(r"<(script|link|img)\b[^>]+\b(src|href)=[\"'](?!data:)", text)


def test_the_policy_knows_each_style_and_script_by_its_hash_and_no_other() -> None:
    text = page('<p style="white-space: pre-wrap">x</p>', phase={"b": 2})
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert "unsafe" not in policy[1]
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    styles = [*re.findall(r"<style>(.*?)</style>", text, flags=re.DOTALL), ""]
    for directive, parts in (("script-src", scripts), ("style-src", styles)):
        hashes = re.search(rf"{directive} ([^;]*);", policy[1])
        assert hashes is not None
        assert hashes[1].split() == [
            f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'"
            for part in parts
        ]
    assert " style=" not in text[: text.index("<script>", text.index("</main>"))]


def test_the_contents_list_names_every_heading_with_an_anchor() -> None:
    text = page('<h2 id="q1">One &amp; <em>two</em></h2><h3 id="p">Three</h3><h4 id="no">x</h4>')
    assert '<a href="#q1">One &amp; <em>two</em></a>' in text
    assert '<a href="#p">Three</a>' in text
    assert '<a href="#no">' not in text


def test_data_cannot_end_their_script_element() -> None:
    value = "</script><script>alert(1)</script><!--"
    text = page("", embedding={"classes": [value]})
    assert "<script>alert" not in text
    data = re.search(r'id="data-embedding">(.*?)</script>', text)
    assert data is not None
    assert json.loads(data[1]) == {"classes": [value]}


def test_plotly_comes_along_only_with_charts() -> None:
    small, large = page("", embedding={}), page("", phase={})
    assert len(small) < 200_000
    assert len(large) > 2_000_000
    assert large.count("</script>") - small.count("</script>") == 1


def test_a_figure_shown_twice_gets_ids_for_each() -> None:
    drawn = DrawnPicture("curve", "demo-curve.svg", SVG.encode(), "alt", "", 200.0, 100.0)
    place = '<div class="drawing" data-drawing="demo-curve.svg"></div>'
    text = page(place + place, (drawn,))
    ids = re.findall(r'\bid="(f\d[^"]*)"', text)
    assert len(ids) == len(set(ids)) == 6
    with pytest.raises(RunError, match="no run has drawn"):
        page(place)


def test_displayed_equations_scroll_on_their_own() -> None:
    text = page('<p><math display="block"><mi>x</mi></math></p>')
    assert '<div class="equation"><math display="block"><mi>x</mi></math></div>' in text
    assert "<p><div" not in text


def test_code_colours_follow_the_theme() -> None:
    text = page('<span style="color: #d73948">def</span><span style="color: #4b69c6">f</span>')
    assert "color: #d73948" not in text
    assert '<span class="tok-a">def</span><span class="tok-b">f</span>' in text
