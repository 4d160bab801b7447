"""The rules by which the text calls a result guessing, a lead or a rise."""

import numpy as np
import pytest

from pitfalls.experiments.image_scores import (
    difference_error,
    guesses,
    is_ahead,
    standard_error,
)


def test_guessing_is_excluded_by_three_standard_errors_at_the_constant_answer():
    # the standard error of 10 % of 512 images is 1.33 points: the line lies at 13.98 %
    assert guesses(0.1367, 0.1, 512)
    assert guesses(0.05, 0.1, 512)
    assert not guesses(0.1399, 0.1, 512)
    assert not guesses(0.1367, 0.1, 10_000)
    assert guesses(1.0, 1.0, 5)  # one class: there is nothing to tell


def test_a_lead_is_a_distance_of_more_than_two_standard_errors_of_the_difference():
    shares = {"constant": 0.123, "annealed": 0.1445, "special": 0.1035}
    ahead = {n: [is_ahead([0.1445], [shares[s]], n) for s in ("constant", "special")]
             for n in (512, 10_000)}  # fmt: skip
    assert ahead == {512: [False, False], 10_000: [True, True]}


@pytest.mark.parametrize(
    ("before", "after", "n", "grew"),
    [(0.10875, 0.115, 800, False), (0.5, 0.52, 50_000, True), (0.6, 0.5, 50_000, False)],
)
def test_a_rise_is_more_than_two_standard_errors(before, after, n, grew):
    assert is_ahead([after], [before], n) is grew


@pytest.mark.parametrize("n", [1, 2])
def test_one_image_or_two_prove_no_lead(n):
    assert not is_ahead([1.0], [0.0], n)
    assert standard_error(1.0, n) > 0.1


def test_the_spread_over_pairs_adds_to_the_counting():
    ones, others = [0.5, 0.7, 0.6], [0.4, 0.4, 0.5]
    spread = np.subtract(ones, others).std(ddof=1) / 3**0.5
    counting = difference_error([0.6], [0.4333333333333333], 512)
    assert difference_error(ones, others, 512) == pytest.approx(np.hypot(counting, spread))


def test_a_lead_by_chance_is_rare():
    rng = np.random.default_rng(0)
    drawn = rng.binomial(200, 0.5, (2000, 2)) / 200
    assert np.mean([is_ahead([a], [b], 200) for a, b in drawn]) < 0.035  # 2.3 % by the normal law
