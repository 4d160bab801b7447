"""The interactive parts on made-up data whose every answer is known, in headless Chromium."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pitfalls.experiments.image_embed.packing import View, pack_embedding
from pitfalls.experiments.image_sheets import Sheet
from pitfalls.plots import CLASS_COLOURS
from pitfalls.report.page import render
from tests.report.browser import axe_faults, chromium, console_errors, point, resize

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore")]

CLASSES = ("cat", "dog", "<b>ship</b>")
EDGE, COLUMNS, N = 8, 20, 400


def colour_of(i: int) -> tuple[int, int, int]:
    return (40 * (i % 6) + 10, 35 * (i % 7) + 10, 48 * (i % 5) + 10)


def embedding() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    labels = np.arange(N) % 3
    sheet = np.zeros((COLUMNS * EDGE, COLUMNS * EDGE, 3), np.uint8)
    for i in range(N):
        row, column = divmod(i, COLUMNS)
        sheet[row * EDGE : (row + 1) * EDGE, column * EDGE : (column + 1) * EDGE] = colour_of(i)
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "WEBP", lossless=True)
    grid = np.stack(np.divmod(np.arange(N), 20), axis=1).astype(float)
    return pack_embedding(
        classes=CLASSES,
        colours=CLASS_COLOURS,
        splits=("training", "test"),
        labels=labels,
        split=(np.arange(N) >= 300).astype(int),
        index=np.arange(N),
        tile=np.where(np.arange(N) == 5, -1, np.arange(N)),
        sheet=Sheet(np.frombuffer(buffer.getvalue(), np.uint8), EDGE, COLUMNS, N),
        views=(
            View("PCA", "PCA", ("first", "second"), grid),
            View("CCA", "CCA", ("first", "second"), rng.normal(size=(N, 2))),
        ),
    )


def explorers() -> dict[str, Any]:
    line = {"name": "<i>one</i>", "x": [0, 1, 2], "y": [1.0, 0.5, 0.1]}
    grid = np.linspace(-1, 1, 9)
    sprite = embedding()["sprite"]
    return {
        "embedding": embedding(),
        "parity-curves": {
            "label": "curves",
            "panels": [{"title": "risk", "x": "iterations", "y": "risk", "log": True, "series": [line]}],
        },
        "surface": {
            "label": "surface", "axes": ["a", "b", "risk"], "x": grid.tolist(), "y": grid.tolist(),
            "z": (1 - np.outer(grid, grid)).tolist(),
            "paths": [{"name": "escape", "x": [0, 1], "y": [0, 1], "z": [1, 0]}],
            "points": [{"name": "saddle", "x": 0, "y": 0, "z": 1}],
        },
        "phase": {
            "label": "phase", "axes": ["d", "|v*|"], "x": ["5", "10"], "y": ["2"], "rate": [[1.0, 0.5]],
            "text": [["2/2", "1/2"]], "keys": [["5,2", "10,2"]], "curve": ["iterations", "risk"],
            "cells": {
                "5,2": {"name": "d = 5", "says": "2 of 2 learned", "series": [line]},
                "10,2": {"name": "d = 10", "says": "1 of 2 learned", "series": [line]},
            },
        },
        "confusion": {
            "label": "confusion", "classes": list(CLASSES), "counts": [[8, 2, 0], [1, 9, 0], [0, 0, 0]],
            "sprite": sprite,
            "cells": {"0-1": [
                {"tile": 3, "index": 3, "confidence": 0.9}, {"tile": 9, "index": 9, "confidence": 0.6},
            ]},
        },
    }  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("page")
    parts = explorers()
    body = '<h2 id="q">Question</h2>' + "".join(
        f'<h3 id="p-{kind}">{kind}</h3><p>Text</p><div class="explorer" data-explorer="{kind}" role="group" '
        f'aria-label="{kind}"><div class="static"><p>still</p></div></div>'
        for kind in parts
    )
    file = folder / "index.html"
    file.write_text(
        render(body, "", title="T", author="", scale="s", pictures=(), explorers=parts),
        encoding="utf-8",
    )
    with chromium(folder / "profile") as session:
        session.get(file.as_uri())
        resize(session, 1280)
        session.execute_script("return pitfalls.live.embedding.views.map((v) => v.canvas.width)")
        yield session


def point_at(page: Any, view: int, number: int) -> str:
    """Move the mouse onto a point, as a reader would, and return the tip's text."""
    canvas = page.execute_script(
        "const v = pitfalls.live.embedding.views[arguments[0]]; v.reset();"
        "v.canvas.scrollIntoView({block: 'center', behavior: 'instant'}); return v.canvas", view
    )  # fmt: skip
    x, y = page.execute_script(
        "const v = pitfalls.live.embedding.views[arguments[0]], [x, y] = v.position(arguments[1]);"
        "return [x - v.canvas.clientWidth / 2, y - v.canvas.clientHeight / 2]", view, number
    )  # fmt: skip
    point(page, canvas, round(x), round(y))
    told: str = page.execute_script(
        "const t = pitfalls.live.embedding.views[arguments[0]].tip; return t.hidden ? '' : t.textContent",
        view,
    )
    return told


@pytest.mark.parametrize("number", [0, 21, 147, 299])
def test_hovering_shows_the_right_image_label_and_index(page: Any, number: int) -> None:
    text = point_at(page, 0, number)
    assert CLASSES[number % 3] in text
    assert f"training image {number}" in text
    pixel = page.execute_async_script(
        "const done = arguments[0], c = pitfalls.live.embedding.views[0].tip.querySelector('canvas');"
        "setTimeout(() => done([...c.getContext('2d').getImageData(48, 48, 1, 1).data]), 100)"
    )
    assert tuple(pixel[:3]) == colour_of(number)


def test_a_point_without_a_picture_in_the_file_says_so(page: Any) -> None:
    assert "its picture is not in this file" in point_at(page, 0, 5)


def test_a_point_of_the_hidden_part_is_not_found(page: Any) -> None:
    assert "image 350" not in point_at(page, 0, 350)


def test_a_box_drawn_in_one_plot_selects_the_same_images_in_the_other(page: Any) -> None:
    from selenium.webdriver import ActionChains

    page.execute_script("pitfalls.live.embedding.views.forEach((v) => v.reset())")
    canvas, (x0, y0), (x1, y1) = page.execute_script(
        "const v = pitfalls.live.embedding.views[0], w = v.canvas.clientWidth / 2;"
        "const at = (i) => v.position(i).map((c) => c - w);"
        "v.canvas.scrollIntoView({block: 'center', behavior: 'instant'}); return [v.canvas, at(0), at(43)]"
    )
    chain = ActionChains(page).move_to_element_with_offset(canvas, round(x0 - 4), round(y0 + 4))
    chain.click_and_hold().move_to_element_with_offset(
        canvas, round(x1 + 4), round(y1 - 4)
    ).release().perform()
    chosen = page.execute_script(
        "const s = pitfalls.live.embedding.state.selected; return [...s.keys()].filter((i) => s[i])"
    )
    # points 0..43 lie on a grid of 20 rows: the box spans columns 0, 1, 2 and rows 0..3
    assert chosen == sorted(20 * column + row for column in range(3) for row in range(4))
    assert "12 of 300 images selected, in both plots" in page.page_source
    assert page.execute_script("return document.querySelectorAll('.gallery .thumb').length") >= 11
    # the other plot has turned everything grey but these twelve
    saturated = page.execute_async_script(
        "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => {"
        "const v = pitfalls.live.embedding.views[1], c = v.canvas.getContext('2d');"
        "done([0, 43].map((i) => { const [x, y] = v.position(i).map(Math.round);"
        "const p = c.getImageData(x, y, 1, 1).data;"
        "return Math.max(p[0], p[1], p[2]) - Math.min(p[0], p[1], p[2]) })) }))"
    )
    assert saturated[0] > 60
    assert saturated[1] > 60
    page.execute_script("pitfalls.live.embedding.select([], false)")


def test_a_class_that_is_unticked_disappears(page: Any) -> None:
    page.execute_script("document.querySelector('input[data-class=\"0\"]').click()")
    shown = page.execute_script(
        "const e = pitfalls.live.embedding; return e.visible.filter((v, i) => v && e.label[i] === 0).length"
    )
    page.execute_script("document.querySelector('input[data-class=\"0\"]').click()")
    assert shown == 0


def test_arrow_keys_go_from_point_to_point_and_space_selects(page: Any) -> None:
    from selenium.webdriver import Keys

    point_at(page, 0, 45)
    canvas = page.execute_script(
        "const c = pitfalls.live.embedding.views[0].canvas; c.focus(); return c"
    )
    canvas.send_keys(Keys.ARROW_RIGHT)
    assert page.execute_script("return pitfalls.live.embedding.state.hovered") == 65
    canvas.send_keys(Keys.SPACE)
    assert page.execute_script("return pitfalls.live.embedding.state.selected[65]") == 1
    page.execute_script("pitfalls.live.embedding.select([], false)")


def test_a_click_on_a_cell_of_the_phase_diagram_shows_its_curves(page: Any) -> None:
    assert page.execute_script("return pitfalls.live.phase.current()") == "5,2"
    page.execute_script(
        "pitfalls.live.phase.map.emit('plotly_click', {points: [{customdata: '10,2'}]})"
    )
    assert page.execute_script("return pitfalls.live.phase.current()") == "10,2"
    assert "1 of 2 learned" in page.page_source


def test_in_the_dark_the_cells_of_the_confusion_matrix_are_turned_and_its_corner_is_not(
    page: Any,
) -> None:
    page.execute_script("document.documentElement.dataset.theme = 'dark'")
    corner, cell = page.execute_script(
        "return ['thead td', 'tbody td'].map("
        "(s) => getComputedStyle(document.querySelector('.confusion ' + s)).filter)"
    )
    page.execute_script("delete document.documentElement.dataset.theme")
    assert corner == "none"
    assert cell.startswith("invert")


def test_a_cell_of_the_confusion_matrix_shows_its_images(page: Any) -> None:
    page.execute_script("document.querySelector('button[data-cell=\"0-1\"]').click()")
    texts = page.execute_script(
        "return [...document.querySelectorAll('[data-explorer=confusion] .thumb')]"
        ".map((t) => t.getAttribute('aria-label'))"
    )
    assert texts == ["cat, called dog, image 3", "cat, called dog, image 9"]


def test_a_class_without_images_has_none(page: Any) -> None:
    page.execute_script("document.querySelector('button[data-cell=\"2-0\"]').click()")
    said = page.execute_script(
        "return document.querySelector('[data-explorer=confusion] [role=status]').textContent"
    )
    assert said.startswith("0 of 0 images of ")


def test_names_with_markup_stay_text(page: Any) -> None:
    assert page.execute_script("return document.querySelectorAll('.live b, .live i').length") == 0
    assert page.execute_script(
        "return document.querySelector('.confusion').textContent.includes('<b>ship</b>')"
    )
    assert page.execute_script(
        "return document.querySelector('[data-explorer=parity-curves] .legendtext').textContent"
    ) == "<i>one</i>"  # fmt: skip


def test_nothing_overflows_and_nothing_complains(page: Any) -> None:
    for width in (390, 768, 1280):
        resize(page, width)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
    resize(page, 1280)
    assert console_errors(page) == []


def test_axe_finds_no_serious_fault(page: Any) -> None:
    assert axe_faults(page) == []
    page.execute_script("document.getElementById('theme').click()")
    try:
        assert axe_faults(page) == []
    finally:
        page.execute_script("document.getElementById('theme').click()")
