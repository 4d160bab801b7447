import itertools
from dataclasses import replace

import pytest

from pitfalls.experiments.image_embed.figures import FIGURES, title
from pitfalls.experiments.image_embed.words import (
    account,
    axis_names,
    basis,
    charts,
    comparison,
    extent,
    forced,
    optimism,
    second_axis,
    spectra,
)
from pitfalls.plots import draw
from pitfalls.prose import Table, plain
from tests.experiments.image_embed.results import result_of
from tests.report.forbidden import assert_well_formed, texts_of


def test_the_planes_are_compared_on_images_that_neither_has_seen():
    assert "On the test images CCA's plane does better than PCA's: 10 images alone" in plain(
        comparison(result_of(pca=0.4, cca=0.6))
    )
    assert "PCA's plane does better than CCA's" in plain(comparison(result_of(pca=0.6, cca=0.4)))
    held_out = result_of(sizes={"train": 100, "validation": 50})
    assert "On the validation images CCA's" in plain(comparison(held_out))
    assert comparison(result_of(sizes={"train": 100})) == ()


@pytest.mark.parametrize(("cca", "n"), [(0.4, 50), (0.5, 50), (1.0, 5), (1.0, 1)])
def test_planes_within_chance_are_not_said_to_differ(cca, n):
    text = plain(comparison(result_of(sizes={"train": 100, "test": n}, pca=0.4, cca=cca)))
    assert "do not differ by more than chance" in text
    assert ("1 test image " in text) == (n == 1)


def test_cca_is_called_optimistic_only_beyond_chance_and_where_it_was_better():
    assert "gets 30 points more than on the test images" in plain(
        optimism(result_of(cca=0.6, cca_train=0.9))
    )
    for result in (
        result_of(cca=0.6, cca_train=0.62),
        result_of(cca=0.9, cca_train=0.5),
        result_of(sizes={"train": 100}, cca_train=1.0),
    ):
        assert optimism(result) == ()


def test_two_classes_have_one_canonical_direction_and_the_second_axis_says_what_it_is():
    two = result_of(n_classes=2)
    assert "The canonical correlation is 0.9." in plain(spectra(two))
    assert "first principal component" in plain(second_axis(two))
    assert axis_names(two)["cca"][1] == "principal component 1 (20.0 % of variance)"
    three = result_of()
    assert second_axis(three) == ()
    assert "correlations are 0.9 and 0.8" in plain(spectra(three))


def test_correlations_that_few_images_force_are_said_to_say_nothing():
    assert forced(result_of(sizes={"train": 66, "test": 9}, rank=64)) == ()
    few = result_of(sizes={"train": 65, "test": 9}, rank=64)
    assert "whatever their labels" in plain(forced(few))
    assert forced(replace(few, ridge=0.1)) == ()


def test_directions_without_variation_are_counted_where_there_are_some():
    assert extent(result_of(rank=64)) == ()
    assert "vary in 60 of 64 directions" in plain(extent(result_of(rank=60)))


def test_each_part_has_its_row_under_one_name():
    result = result_of(sizes={"train": 60, "validation": 20, "test": 30})
    (shown,) = (block for block in account(result) if isinstance(block, Table))
    assert [plain(row[0]) for row in shown.rows] == ["training", "validation", "test"]
    assert charts(result)["embedding"]["splits"] == ["training", "validation", "test"]
    assert "test images" in title(result)


SETTINGS = [*itertools.product(
    ({"train": 3}, {"train": 90, "test": 1}, {"train": 90, "validation": 1},
     {"train": 90, "validation": 20, "test": 40}),
    (2, 3, 10),
    ((0.0, 0.0), (1.0, 1.0), (0.5, 0.9), (0.9, 0.2)),
    (1, 64),
)]  # fmt: skip


@pytest.mark.parametrize(("sizes", "n_classes", "shares", "rank"), SETTINGS)
def test_whatever_was_found_the_account_is_well_formed(sizes, n_classes, shares, rank):
    result = result_of(sizes=sizes, n_classes=n_classes, pca=shares[0], cca=shares[1], rank=rank)
    for text in (*texts_of(account(result)), title(result), *vars(basis(result)).values()):
        assert_well_formed(text)
    assert (comparison(result) == ()) == (set(sizes) == {"train"})
    assert charts(result)["embedding"]["count"] == sum(sizes.values())


@pytest.mark.parametrize("sizes", [{"train": 30}, {"train": 60, "test": 1}])
@pytest.mark.parametrize("n_classes", [2, 10])
def test_figures_are_drawn_with_words(sizes, n_classes):
    for figure in FIGURES:
        drawn = draw(figure, result_of(sizes=sizes, n_classes=n_classes), ("svg",))
        assert b"aria-label" in drawn.files["svg"]
        for text in (drawn.alt, drawn.caption):
            assert "digits" in text
            assert_well_formed(text)


def test_correlations_that_a_ridge_has_shrunk_are_said_to_be():
    result = result_of()
    assert axis_names(result)["cca"][0] == "canonical variate 1 (correlation 0.90)"
    assert "shrunk" not in plain(spectra(result))
    shrunk = replace(result, ridge=10.0)
    assert axis_names(shrunk)["cca"][0] == (
        "canonical variate 1 (correlation 0.90, shrunk by the ridge)"
    )
    assert "are 0.9 and 0.8, shrunk by the ridge." in plain(spectra(shrunk))
    one = replace(result_of(n_classes=2), ridge=10.0)
    assert "is 0.9, shrunk by the ridge." in plain(spectra(one))
