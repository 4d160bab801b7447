import itertools

import pytest

from pitfalls.experiments.image_evaluate.figures import FIGURES, calibration_title, mistakes_title
from pitfalls.experiments.image_evaluate.words import account, basis, calibration, charts, no_better
from pitfalls.plots import draw
from pitfalls.prose import Table, plain
from tests.experiments.image_evaluate.made import result_of
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


def test_no_better_than_one_class_is_said_where_counting_cannot_tell():
    assert no_better(result_of([[60, 5], [5, 60]])) == ()
    for counts in ([[30, 30], [30, 30]], [[1, 0], [0, 1]]):
        assert "not told apart from always naming one class" in plain(no_better(result_of(counts)))


def test_the_part_has_one_name_in_every_place():
    for part in ("validation", "test"):
        result = result_of([[8, 1], [2, 9]], part=part)
        (shown,) = (block for block in account(result) if isinstance(block, Table))
        assert plain(shown.rows[0][0]) == part
        assert basis(result).n == f"20 {part} images"
        assert f"20 {part} images" in charts(result)["confusion"]["label"]


def test_views_are_said_where_there_are_several():
    words = {
        views: plain(account(result_of([[8, 1], [2, 9]], views=views))[0].caption)
        for views in ("plain", "mirror", "six")
    }
    assert "averaged" not in words["plain"]
    assert "mirror image" in words["mirror"]
    assert "six views" in words["six"]


def test_mistakes_that_are_shown_are_counted():
    assert mistakes_title(result_of([[8, 1], [0, 9]])) == "The one mistake"
    assert mistakes_title(result_of([[8, 1], [2, 9]])) == "All of the 3 mistakes"
    many = result_of([[8, 30], [2, 9]])
    assert mistakes_title(many) == "Sure and wrong: the 24 most confident of 32 mistakes"


def test_without_a_mistake_there_is_no_picture_of_them():
    shown = {figure.name: figure.shown_for for figure in FIGURES}
    assert not shown["worst-mistakes"](result_of([[5, 0], [0, 5]]))
    assert shown["worst-mistakes"](result_of([[5, 1], [0, 5]]))


COUNTS = (
    [[1, 0], [0, 0]],
    [[0, 1], [0, 0]],
    [[1, 0], [0, 1]],
    [[5, 5], [5, 5]],
    [[40, 0], [0, 40]],
    [[90, 10, 0], [0, 90, 10], [60, 0, 40]],
    [[0, 7, 0], [0, 0, 7], [7, 0, 0]],
)


@pytest.mark.parametrize(
    ("counts", "part", "views", "confidence"),
    [*itertools.product(COUNTS, ("validation", "test"), ("plain", "six"), (0.34, 1.0))],
)
def test_whatever_was_found_the_account_is_well_formed(counts, part, views, confidence):
    result = result_of(counts, part=part, views=views, confidence=confidence)
    for text in (*texts_of(account(result)), *vars(basis(result)).values(), mistakes_title(result)):
        assert_well_formed(text)


@pytest.mark.parametrize("counts", COUNTS)
def test_figures_are_drawn_with_words(counts):
    result = result_of(counts, name="digits $x$ $")
    for figure in FIGURES:
        if not figure.shown_for(result):
            continue
        drawn = draw(figure, result, ("svg",))
        for text in (drawn.alt, drawn.caption):
            assert "digits $x$ $" in text
            assert_well_formed(text)
