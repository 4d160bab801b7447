import itertools
from dataclasses import replace

import numpy as np
import pytest

from pitfalls.experiments.image_confusion import Confusion
from pitfalls.experiments.image_regress.figures import FIGURES
from pitfalls.experiments.image_regress.words import (
    account,
    basis,
    classes,
    extent,
    no_better,
    optimism,
    separability,
)
from pitfalls.plots import draw
from pitfalls.prose import Table, plain
from tests.experiments.image_regress.results import SEPARATIONS, result_of
from tests.report.forbidden import assert_well_formed, texts_of


def test_what_linear_maps_can_do_is_not_concluded_from_least_squares():
    text = plain(separability(result_of(train=0.4)))
    assert "no test of what linear maps can do" in text
    assert "was not measured" in text


def test_least_squares_that_makes_no_mistake_is_a_separating_map_itself():
    text = plain(separability(result_of(train=1.0)))
    assert (
        text == "Least squares itself, a linear map, classifies the 300 training images rightly. "
    )


def test_a_separating_map_says_that_what_least_squares_misses_is_no_limit():
    text = plain(separability(result_of(train=0.9, separation="separable")))
    assert "the 30 images that least squares gets wrong are no limit of linear maps" in text
    assert "no limit" not in plain(separability(result_of(train=1.0, separation="separable")))


def test_a_combination_counts_the_images_that_it_takes_once_each():
    text = plain(separability(result_of(separation="not separable")))
    assert "No linear map classifies the 300 training images without a mistake: 2 of them" in text


def test_what_is_undecided_gives_its_reason():
    text = plain(separability(result_of(separation="undecided")))
    assert "is undecided: the linear programme ended without an answer." in text


def test_what_least_squares_does_itself_is_not_called_undecided():
    decided, not_asked = (
        plain(separability(result_of(train=1.0, separation=found)))
        for found in ("undecided", "not measured")
    )
    assert decided == not_asked


def test_the_same_images_have_one_name_in_every_place():
    result = result_of(sizes={"train": 60, "validation": 30, "test": 30})
    (shown,) = (block for block in account(result) if isinstance(block, Table))
    assert [plain(row[0]) for row in shown.rows] == ["training", "validation", "test"]
    assert "held out of the training images" in plain(shown.caption)
    (shown,) = (block for block in account(result_of()) if isinstance(block, Table))
    assert [plain(row[0]) for row in shown.rows] == ["training", "test"]
    assert "calls the test images its validation set" in plain(shown.caption)


def test_the_gap_is_stated_beyond_chance_alone():
    assert "it gets 30 points more than on the test images" in plain(optimism(result_of()))
    assert optimism(result_of(train=0.62, unseen=0.6)) == ()
    assert optimism(result_of(train=0.3, unseen=0.9)) == ()
    assert optimism(result_of(sizes={"train": 300})) == ()
    assert optimism(result_of(sizes={"train": 300, "test": 1}, unseen=0.0)) == ()


def test_no_better_than_one_class_is_said_where_counting_cannot_tell():
    assert no_better(result_of(unseen=0.6)) == ()
    assert "not told apart from always naming one class" in plain(no_better(result_of(unseen=0.36)))
    assert no_better(result_of(sizes={"train": 300})) == ()


def test_classes_are_named_of_unseen_images_beyond_chance():
    result = result_of(n_classes=3)
    assert classes(result) == ()  # all alike
    uneven = Confusion(np.array([[90, 10, 0], [40, 60, 0], [0, 70, 30]]))
    score = replace(result.scores[1], confusion=uneven)
    text = plain(classes(replace(result, scores=(result.scores[0], score))))
    assert text.startswith("Of the test images: Right most often: class a (90.0 %)")
    assert classes(result_of(sizes={"train": 300})) == ()


def test_directions_without_variation_are_counted_where_there_are_some():
    assert extent(result_of()) == ()
    assert "in 60 of 64 directions" in plain(extent(result_of(rank=60)))


SETTINGS = [
    *itertools.product(
        ({"train": 3}, {"train": 90, "test": 1}, {"train": 90, "validation": 3},
         {"train": 90, "validation": 20, "test": 40}),
        (2, 10),
        ((1.0, 1.0), (0.5, 0.0), (0.9, 0.5)),
        SEPARATIONS,
    )
]  # fmt: skip


@pytest.mark.parametrize(("sizes", "n_classes", "shares", "separation"), SETTINGS)
def test_whatever_was_found_the_account_is_well_formed(sizes, n_classes, shares, separation):
    result = result_of(
        sizes=sizes, n_classes=n_classes, train=shares[0], unseen=shares[1], separation=separation,
    )  # fmt: skip
    for text in (*texts_of(account(result)), *vars(basis(result)).values()):
        assert_well_formed(text)
    assert "represent well" not in " ".join(texts_of(account(result)))


@pytest.mark.parametrize(
    "sizes", [{"train": 30}, {"train": 30, "test": 1}, {"train": 9, "validation": 9}]
)
@pytest.mark.parametrize("n_classes", [2, 10])
def test_the_figure_is_drawn_with_words(sizes, n_classes):
    for figure in FIGURES:
        drawn = draw(figure, result_of(sizes=sizes, n_classes=n_classes), ("svg",))
        for text in (drawn.alt, drawn.caption):
            assert "digits" in text
            assert_well_formed(text)


def test_worse_than_one_class_is_not_called_the_same():
    # of 150 images 50 are of the commonest class
    assert result_of(unseen=0.2).loses_to_one_class
    assert "does worse than always naming one class" in plain(no_better(result_of(unseen=0.2)))
    assert not result_of(unseen=0.3).loses_to_one_class
    assert not result_of(sizes={"train": 300}).loses_to_one_class
