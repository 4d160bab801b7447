"""The rules by which the text calls a result chance, a tie, a rise or out of reach."""

import pytest

from pitfalls.report.facts.images import guesses, rises, tied_with_best


def test_guessing_is_excluded_by_three_standard_errors_at_chance():
    # the standard error of 10 % of 512 images is 1.33 points: the line lies at 13.98 %
    assert guesses(0.1367, 0.1, 512)
    assert guesses(0.05, 0.1, 512)
    assert not guesses(0.1399, 0.1, 512)
    assert not guesses(0.1367, 0.1, 10_000)


def test_a_tie_is_a_distance_within_two_standard_errors_of_the_difference():
    shares = {"constant": 0.123, "annealed": 0.1445, "special": 0.1035}
    assert tied_with_best(shares, 512) == ["constant", "special"]
    assert tied_with_best(shares, 10_000) == []
    assert tied_with_best({"constant": 0.1}, 512) == []


@pytest.mark.parametrize(
    ("before", "after", "n", "grew"),
    [(0.10875, 0.115, 800, False), (0.5, 0.52, 50_000, True), (0.6, 0.5, 50_000, False)],
)
def test_a_rise_is_more_than_two_standard_errors(before, after, n, grew):
    assert rises(before, after, n) is grew
