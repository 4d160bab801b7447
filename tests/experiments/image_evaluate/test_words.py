import itertools

import numpy as np
import pytest

from pitfalls.experiments.image_evaluate.figures import FIGURES, calibration_title, mistakes_title
from pitfalls.experiments.image_evaluate.records import Views
from pitfalls.experiments.image_evaluate.words import (
    account,
    basis,
    by_class,
    calibration,
    charts,
    no_better,
    temperature,
)
from pitfalls.experiments.image_source import EvaluatedPart
from pitfalls.plots import draw
from pitfalls.prose import Paragraph, Table, plain
from tests.experiments.image_evaluate.made import result_of
from tests.kinds import of_kind
from tests.report.forbidden import assert_well_formed, texts_of


def test_confidence_leans_to_a_side_beyond_chance_alone():
    sure = result_of([[30, 30], [30, 30]], confidence=0.9)
    assert "On the mean the network is too sure, by 40 points" in plain(calibration(sure))
    assert calibration_title(sure).endswith(": on average too sure")
    modest = result_of([[60, 0], [1, 59]], confidence=0.6)
    assert "not sure enough" in plain(calibration(modest))
    for within in (
        result_of([[40, 20], [20, 40]], confidence=0.68),
        result_of([[0, 1], [1, 0]], confidence=0.9),  # two images
        result_of([[1, 0], [0, 0]], confidence=0.5),  # one
    ):
        assert "On the mean" not in plain(calibration(within))
        assert "on average" not in calibration_title(within)


def test_whose_answers_they_are_is_said_in_the_text_that_every_reader_gets():
    first = next(
        block for block in account(result_of([[5, 1], [0, 6]])) if isinstance(block, Paragraph)
    )
    assert plain(first.text).startswith(
        "The answers are those of the network that images-train/digits-0123 trained. "
    )


def test_worse_than_one_class_is_said_where_counting_can_tell():
    said = plain(no_better(result_of([[5, 60], [60, 5]])))
    assert said == "It does worse than always naming one class (95 %). "


def test_no_better_than_one_class_is_said_where_counting_cannot_tell():
    assert no_better(result_of([[60, 5], [5, 60]])) == ()
    for counts in ([[30, 30], [30, 30]], [[1, 0], [0, 1]]):
        assert "not told apart from always naming one class" in plain(no_better(result_of(counts)))


def test_the_part_has_one_name_in_every_place():
    parts: tuple[EvaluatedPart, ...] = ("validation", "test")
    for part in parts:
        result = result_of([[8, 1], [2, 9]], part=part)
        shown, *_ = (block for block in account(result) if isinstance(block, Table))
        assert plain(shown.rows[0][0]) == part
        assert basis(result).n == f"20 {part} images"
        assert f"20 {part} images" in charts(result)["confusion"]["label"]


def test_views_are_said_where_there_are_several():
    several: tuple[Views, ...] = ("plain", "mirror", "six")
    shown = {views: account(result_of([[8, 1], [2, 9]], views=views))[0] for views in several}
    words = {views: plain(of_kind(Table, block).caption) for views, block in shown.items()}
    assert "averaged" not in words["plain"]
    assert "mirror image" in words["mirror"]
    assert "six views" in words["six"]


def test_mistakes_that_are_shown_are_counted():
    assert mistakes_title(result_of([[8, 1], [0, 9]])) == "The one mistake"
    assert mistakes_title(result_of([[8, 1], [2, 9]])) == "All of the 3 mistakes"
    many = result_of([[8, 30], [2, 9]])
    assert mistakes_title(many) == "Sure and wrong: the 24 most confident of 32 mistakes"


def tables(result):
    return [block for block in account(result) if isinstance(block, Table)]


def test_classes_have_recall_and_precision_and_a_dash_where_there_are_no_images():
    result = result_of([[8, 0, 0], [8, 0, 0], [0, 0, 0]])
    (shown,) = (t for t in tables(result) if plain(t.header[0]) == "Class")
    rows = [[plain(cell) for cell in row] for row in shown.rows]
    assert rows == [
        ["class a", "8", "100.0 % (63.1–100.0)", "50.0 % (24.7–75.3)"],
        ["class b", "8", "0.0 % (0.0–36.9)", "–"],
        ["class c", "0", "–", "–"],
    ]
    (main, *_) = tables(result)
    assert "50.00 %" in [plain(cell) for cell in main.rows[0]]  # balanced over the two with images
    assert by_class(result_of(np.eye(21, dtype=int).tolist())) == ()


def test_the_temperature_is_said_and_where_it_was_fitted():
    counts = [[8, 1], [2, 9]]
    (_, _, before) = tables(result_of(counts))
    assert len(before.rows) == 1
    assert "not divided by a temperature" in plain(before.caption)
    (_, _, after) = tables(result_of(counts, calibrated=True))
    assert [plain(row[0]) for row in after.rows] == ["1", "1.5"]
    assert "of the validation images" in plain(after.caption)
    fitted = temperature(result_of(counts, calibrated=True, part="validation"))
    assert "These are those very images" in plain(fitted)
    assert "very images" not in plain(temperature(result_of(counts, calibrated=True)))


def test_other_data_are_not_called_what_the_network_was_not_fitted_to():
    result = result_of([[8, 1], [2, 9]], other=True, part="all")
    caption = plain(tables(result)[0].caption)
    assert "other data than it was trained on" in caption
    assert "naming their own commonest class" in caption
    assert "not fitted" not in caption
    assert basis(result).n == "20 images"
    assert plain(tables(result)[0].rows[0][0]) == "all"
    assert "which it was not fitted to" in plain(tables(result_of([[8, 1], [2, 9]]))[0].caption)


def test_without_a_mistake_there_is_no_picture_of_them():
    shown = {figure.name: figure.shown_for for figure in FIGURES}
    assert not shown["worst-mistakes"](result_of([[5, 0], [0, 5]]))
    assert shown["worst-mistakes"](result_of([[5, 1], [0, 5]]))
    assert not shown["looks"](result_of([[5, 0], [0, 5]], looks=True))
    assert not shown["looks"](result_of([[5, 1], [0, 5]]))
    assert shown["looks"](result_of([[5, 1], [0, 5]], looks=True))


COUNTS = (
    [[1, 0], [0, 0]],
    [[0, 1], [0, 0]],
    [[1, 0], [0, 1]],
    [[5, 5], [5, 5]],
    [[40, 0], [0, 40]],
    [[90, 10, 0], [0, 90, 10], [60, 0, 40]],
    [[0, 7, 0], [0, 0, 7], [7, 0, 0]],
    np.ones((6, 6), dtype=int).tolist(),
)


@pytest.mark.parametrize(
    ("counts", "part", "views", "confidence"),
    [*itertools.product(COUNTS, ("validation", "test"), ("plain", "six"), (0.34, 1.0))],
)
def test_whatever_was_found_the_account_is_well_formed(counts, part, views, confidence):
    result = result_of(
        counts, part=part, views=views, confidence=confidence,
        other=views == "six", calibrated=confidence == 1.0, looks=part == "test",
    )  # fmt: skip
    for text in (*texts_of(account(result)), *vars(basis(result)).values(), mistakes_title(result)):
        assert_well_formed(text)


@pytest.mark.parametrize("counts", COUNTS)
def test_figures_are_drawn_with_words(counts):
    result = result_of(counts, name="digits $x$ $", looks=True, calibrated=True)
    for figure in FIGURES:
        if not figure.shown_for(result):
            continue
        drawn = draw(figure, result, ("svg",))
        for text in (drawn.alt, drawn.caption):
            assert "digits $x$ $" in text
            assert_well_formed(text)
