"""Intervals and comparisons of counted shares, against their definitions and by simulation."""

from math import comb

import numpy as np
import pytest

from pitfalls.experiments.image_confusion import Confusion, Mistake, count_confusion
from pitfalls.experiments.image_shares import Share, differ, paired_differ


@pytest.mark.parametrize(("count", "n"), [(0, 1), (1, 1), (3, 7), (50, 50), (1000, 10_000)])
def test_the_interval_is_where_the_score_test_at_95_percent_turns(count, n):
    share = Share(count, n)
    for end in share.interval:
        if 0 < end < 1:
            assert abs(share.value - end) / np.sqrt(end * (1 - end) / n) == pytest.approx(
                1.96, abs=1e-3
            )
    low, high = share.interval
    assert 0 <= low <= share.value <= high <= 1
    assert low < high


def test_intervals_hold_the_true_share_as_often_as_they_say():
    rng = np.random.default_rng(0)
    for true in (0.1, 0.5, 0.97):
        held = 0
        for count in rng.binomial(60, true, 4000).tolist():
            low, high = Share(count, 60).interval
            held += low <= true <= high
        assert held / 4000 > 0.92


@pytest.mark.parametrize("comparisons", [1, 45])
def test_equal_shares_are_said_to_differ_no_more_often_than_stated(comparisons):
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(1500):
        found = rng.binomial(100, 0.6, 10)
        # of two that are fixed before, or of the two that lie farthest apart
        a, b = found[:2] if comparisons == 1 else (found.min(), found.max())
        wrong += differ(Share(int(a), 100), Share(int(b), 100), comparisons=comparisons)
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
    assert found.extremes.best == (3,)
    assert found.extremes.worst == (0, 1)
    assert not found.extremes.differ


def test_classes_differ_only_beyond_chance_of_all_pairs():
    rng = np.random.default_rng(2)
    said = 0
    for _ in range(200):
        right = rng.binomial(100, 0.6, 10)
        counts = np.diag(right)
        counts[np.arange(10), (np.arange(10) + 1) % 10] += 100 - right
        said += Confusion(counts).extremes.differ
    assert said / 200 < 0.08
    assert Confusion(np.array([[90, 10], [60, 40]])).extremes.differ


def test_one_class_has_no_extremes_and_no_mistakes():
    found = Confusion(np.array([[5, 0], [0, 0]]))
    assert found.extremes is None
    assert found.commonest == ()
