from dataclasses import replace

import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.linear_minimum import EXPERIMENT, MinimumConfig
from pitfalls.experiments.linear_minimum.figures import FIGURES, title
from pitfalls.frame.experiment import run_experiment
from pitfalls.plots import draw
from tests.experiments.linear_cases import planted, store  # noqa: F401


def test_minimum_lists_every_rank(store):  # noqa: F811
    result = run_experiment(EXPERIMENT, MinimumConfig(), store).result
    drops = -np.diff([row.risk for row in result.rows])
    np.testing.assert_allclose(drops, 0.5 * np.array([4.0, 3.0, 2.0, 1.0]) ** 2)
    assert title(result) == "Rank 1 alone takes away 53 % of what can go"
    assert "with intercept" in draw(FIGURES[0], result, ("svg",)).alt


def test_modes_of_rounding_size_are_not_listed(store):  # noqa: F811
    result = run_experiment(EXPERIMENT, MinimumConfig(planted(3.0, 2.0, 0.0)), store).result
    np.testing.assert_allclose(result.modes, [3.0, 2.0])
    assert len(result.rows) == 3


def test_the_title_needs_something_to_gain(store):  # noqa: F811
    nothing = run_experiment(EXPERIMENT, MinimumConfig(planted(0.0, 0.0)), store).result
    assert title(nothing) == "No linear map does better than zero"
    only = run_experiment(EXPERIMENT, MinimumConfig(max_rank=0), store).result
    assert title(only).startswith("Rank 0 alone")
    draw(FIGURES[0], nothing)


def test_what_is_left_has_no_more_digits_than_it_has(store):  # noqa: F811
    result = run_experiment(EXPERIMENT, MinimumConfig(), store).result
    for floor, rounding, text in (
        (1e-13, 2e-12, "nothing above rounding (2e-12)"),
        (1.2345e-9, 1e-12, "1.23e-09 (known to 3 digits)"),
        (1.6e-11, 1e-12, "2e-11 (known to 1 digit)"),
        (12.34567, 1e-12, "12.35"),
    ):
        assert replace(result, floor=floor, floor_rounding=rounding).left == text


def test_a_negative_rank_is_refused():
    with pytest.raises(InputError, match="Got"):
        MinimumConfig(max_rank=-1)


def test_the_title_holds_for_modes_that_are_lost_beside_the_floor(store):  # noqa: F811
    result = run_experiment(EXPERIMENT, MinimumConfig(planted(1e-9, 5e-10)), store).result
    assert result.rows[0].risk == result.rows[1].risk
    assert title(result) == "Rank 1 alone takes away 80 % of what can go"
