import re

import pytest

from pitfalls.errors import RunError
from pitfalls.report.drawings import DrawnPicture, clean_picture, inline
from tests.report.conftest import SVG


def picture(svg: str, alt: str = "a picture") -> DrawnPicture:
    return clean_picture("x", "demo-x.svg", svg.encode(), alt)


def test_two_drawings_of_one_file_share_no_id() -> None:
    one, two = inline(picture(SVG), "f1-"), inline(picture(SVG), "f2-")
    ids = [re.findall(r'\bid="([^"]+)"', text) for text in (one, two)]
    assert len(ids[0]) == 3
    assert not set(ids[0]) & set(ids[1])


def test_references_follow_their_ids() -> None:
    text = inline(picture(SVG), "f1-")
    ids = set(re.findall(r'\bid="([^"]+)"', text))
    used = set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text))
    assert len(used) == 2
    assert used <= ids


def test_what_could_run_or_call_home_is_left_out() -> None:
    evil = SVG.replace(
        "<defs>",
        '<script>alert(1)</script><style>*{color:red}</style><a href="javascript:x()"><rect/></a>'
        '<image href="http://example.org/x.png"/><rect onclick="alert(2)" style="fill:url(http://e.org)"/><defs>',
    )
    text = inline(picture(evil), "f1-")
    for word in ("script", "alert", "example.org", "e.org", "onclick", "<style"):
        assert word not in text


def test_the_alternative_text_is_text() -> None:
    text = inline(picture(SVG, alt='<b>"bold"</b> & more'), "f1-")
    assert 'role="img"' in text
    assert "<b>" not in text
    assert "&lt;b&gt;" in text or "&lt;b>" in text


def test_an_embedded_bitmap_stays() -> None:
    text = inline(
        picture(SVG.replace("<defs>", '<image href="data:image/png;base64,AAAA"/><defs>')), "f1-"
    )
    assert "data:image/png;base64,AAAA" in text


def test_what_is_no_svg_file_is_named() -> None:
    with pytest.raises(RunError, match="not an SVG file"):
        inline(picture("<svg"), "f1-")


def test_the_width_comes_from_the_file() -> None:
    assert picture(SVG).width == 200.0
