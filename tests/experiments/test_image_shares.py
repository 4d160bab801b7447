"""Intervals and comparisons of counted shares, against their definitions and by simulation."""

from functools import cache
from math import comb

import numpy as np
import pytest
from scipy.stats import binom

from pitfalls.experiments.image_confusion import Confusion, Mistake, count_confusion
from pitfalls.experiments.image_shares import (
    Share,
    ahead,
    differ,
    guesses,
    paired_differ,
    standard_error,
)
from tests.kinds import there


@pytest.mark.parametrize(
    ("count", "n"), [(0, 1), (1, 1), (0, 8), (8, 8), (3, 7), (50, 50), (1000, 10_000)]
)
def test_the_ends_of_an_interval_have_a_chance_of_2_5_percent_beyond(count, n):
    low, high = Share(count, n).interval
    assert 0 <= low <= count / n <= high <= 1
    assert low < high
    assert (low == 0) == (count == 0)
    assert (high == 1) == (count == n)
    if count:
        assert binom.sf(count - 1, n, low) == pytest.approx(0.025, rel=1e-8)
    if count < n:
        assert binom.cdf(count, n, high) == pytest.approx(0.025, rel=1e-8)


@pytest.mark.parametrize("n", [1, 8, 60])
def test_intervals_hold_the_true_share_as_often_as_they_say_wherever_it_lies(n):
    ends = np.array([Share(count, n).interval for count in range(n + 1)])
    for true in np.linspace(0.001, 0.999, 500):
        held = (ends[:, 0] <= true) & (true <= ends[:, 1])
        assert binom.pmf(np.arange(n + 1), n, true) @ held >= 0.95


@pytest.mark.parametrize("comparisons", [1, 45])
def test_equal_shares_are_said_to_differ_no_more_often_than_stated(comparisons):
    rng = np.random.default_rng(1)
    known = cache(differ)  # the same counts come again and again
    wrong = 0
    for _ in range(1500):
        found = rng.binomial(100, 0.6, 10)
        # of two that are fixed before, or of the two that lie farthest apart
        a, b = found[:2] if comparisons == 1 else (found.min(), found.max())
        wrong += known(Share(int(a), 100), Share(int(b), 100), comparisons=comparisons)
    assert wrong / 1500 < 0.065


def test_two_images_decide_nothing():
    assert not differ(Share(2, 2), Share(0, 2))
    assert not differ(Share(1, 1), Share(0, 1))
    assert not differ(Share(270, 300), Share(0, 1))


def test_differences_are_those_of_the_exact_test():
    for a in range(7):
        for b in range(9):
            ways = [comb(6, k) * comb(8, a + b - k) for k in range(a + b + 1) if k <= 6]
            p = sum(w for w in ways if w <= comb(6, a) * comb(8, b)) / comb(14, a + b)
            assert differ(Share(a, 6), Share(b, 8)) == (p < 0.05)


def test_the_sign_test_is_the_exact_binomial_one():
    for a in range(12):
        for b in range(12):
            n, least = a + b, min(a, b)
            p = 2 * sum(comb(n, k) for k in range(least + 1)) / 2**n
            assert paired_differ(a, b) == (p < 0.05)


def test_a_confusion_counts_names_ties_and_leaves_out_classes_without_images():
    truth = np.array([0, 0, 0, 1, 1, 1, 3])
    predicted = np.array([0, 1, 1, 0, 0, 1, 3])
    found = count_confusion(truth, predicted, 4)
    assert found.right == Share(3, 7)
    assert found.classes == (Share(1, 3), Share(1, 3), None, Share(1, 1))
    assert found.commonest == (Mistake(0, 1, 2), Mistake(1, 0, 2))
    extremes = there(found.extremes)
    assert extremes.best == (3,)
    assert extremes.worst == (0, 1)
    assert not extremes.differ


def test_classes_differ_only_beyond_chance_of_all_pairs():
    rng = np.random.default_rng(2)
    said = 0
    for _ in range(200):
        right = rng.binomial(100, 0.6, 10)
        counts = np.diag(right)
        counts[np.arange(10), (np.arange(10) + 1) % 10] += 100 - right
        said += there(Confusion(counts).extremes).differ
    assert said / 200 < 0.08
    assert there(Confusion(np.array([[90, 10], [60, 40]])).extremes).differ


def test_one_class_has_no_extremes_and_no_mistakes():
    found = Confusion(np.array([[5, 0], [0, 0]]))
    assert found.extremes is None
    assert found.commonest == ()


def test_guessing_is_excluded_by_three_standard_errors_at_the_constant_answer():
    # the standard error of 10 % of 512 images is 1.33 points: the line lies at 13.98 %
    assert guesses(0.1367, 0.1, 512)
    assert guesses(0.05, 0.1, 512)
    assert not guesses(0.1399, 0.1, 512)
    assert not guesses(0.1367, 0.1, 10_000)
    assert guesses(1.0, 1.0, 5)  # one class: there is nothing to tell


def test_a_lead_is_a_distance_beyond_chance_on_so_many_images():
    shares = {"constant": 0.123, "annealed": 0.1445, "special": 0.1035}
    found = {n: [ahead([0.1445], [shares[s]], n) for s in ("constant", "special")]
             for n in (512, 10_000)}  # fmt: skip
    assert found == {512: [False, False], 10_000: [True, True]}


@pytest.mark.parametrize(
    ("before", "after", "n", "grew"),
    [(0.10875, 0.115, 800, False), (0.5, 0.52, 50_000, True), (0.6, 0.5, 50_000, False)],
)
def test_a_rise_is_beyond_chance(before, after, n, grew):
    assert ahead([after], [before], n) is grew


@pytest.mark.parametrize("n", [1, 2])
def test_one_image_or_two_prove_no_lead(n):
    assert not ahead([1.0], [0.0], n)
    assert standard_error(1.0, n) > 0.1


@pytest.mark.parametrize("comparisons", [1, 3])
def test_of_one_pair_a_lead_is_what_the_exact_test_says(comparisons):
    for a in range(0, 61, 4):
        for b in range(0, 61, 3):
            exact = differ(Share(a, 60), Share(b, 60), comparisons=comparisons)
            assert ahead([a / 60], [b / 60], 60, comparisons=comparisons) == (exact and a > b)


def test_the_spread_over_pairs_adds_to_the_counting():
    # by counting alone 62 % of 400 images is ahead of 53 %, and with the same lead over every start
    assert ahead([0.62], [0.53], 400)
    assert ahead([0.60, 0.62, 0.64], [0.51, 0.53, 0.55], 400)
    assert not ahead([0.50, 0.62, 0.74], [0.61, 0.53, 0.45], 400)


def test_trainings_that_differ_by_their_starts_alone_are_seldom_told_apart():
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(1500):
        skill = 0.5 + 0.05 * rng.standard_normal((2, 5))
        ones, others = rng.binomial(200, skill) / 200
        wrong += ahead(ones, others, 200)
    assert wrong / 1500 < 0.035


def test_a_lead_by_chance_is_rare():
    rng = np.random.default_rng(0)
    known = cache(lambda a, b: ahead([a / 200], [b / 200], 200))
    drawn = rng.binomial(200, 0.5, (2000, 2)).tolist()
    assert np.mean([known(a, b) for a, b in drawn]) < 0.035  # 2.3 % by the normal law


@pytest.mark.parametrize(("n_starts", "spread"), [(2, 0.02), (3, 0.02), (3, 0.005), (10, 0.02)])
def test_few_starts_tell_trainings_apart_no_more_often_than_stated(n_starts, spread):
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(1000):
        skill = 0.6 + spread * rng.standard_normal((2, n_starts))
        ones, others = rng.binomial(10_000, skill) / 10_000
        wrong += ahead(ones.tolist(), others.tolist(), 10_000)
        wrong += ahead(others.tolist(), ones.tolist(), 10_000)
    assert wrong / 1000 < 0.065  # 5 %, and three standard errors of counting a thousand


def test_the_spread_of_few_starts_is_judged_by_students_law():
    from scipy.stats import ttest_1samp

    rng = np.random.default_rng(1)
    for n_starts in (2, 3, 5):
        for _ in range(100):
            ones = 0.5 + 0.05 * rng.standard_normal(n_starts)
            others = 0.4 + 0.05 * rng.standard_normal(n_starts)
            # of so many images the counting is certain
            found = ahead(ones.tolist(), others.tolist(), 10**8)
            assert found == (
                ttest_1samp(ones - others, 0).pvalue < 0.05 and ones.mean() > others.mean()
            )
