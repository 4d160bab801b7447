"""Titles and captions say what the values say, whichever they are."""

import numpy as np
import pytest

from pitfalls.prose import number, power
from pitfalls.report.figures.training import _course, _mean_of, _most_changed


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (4.9e-16, 2, "4.9 × 10⁻¹⁶"),
        (-1e-9, 1, "−10⁻⁹"),
        (2902.7, 2, "2,900"),
        (0.99996, 3, "1"),
        (999_960.0, 3, "10⁶"),
        (1e20, 3, "10²⁰"),
        (0.0001, 2, "0.0001"),
        (0.0, 3, "0"),
        (100.0, 3, "100"),
        (float("nan"), 3, "nan"),
        (float("-inf"), 3, "−∞"),
    ],
)
def test_numbers_are_rounded_to_digits_and_never_in_computer_notation(value, digits, text):
    assert number(value, digits) == text


def test_powers_are_raised():
    assert power(2, 12) == "2¹²"
    assert power(2, "-d") == "2⁻ᵈ"


def test_a_loss_that_rises_on_the_way_is_not_said_to_fall():
    assert _course(np.array([3.0, 2.0, 1.0])) == "falls from 3.00 to 1.00"
    assert _course(np.array([3.0, 9.0, 1.0])) == "rises from 3.00 to 9.00, ends at 1.00"
    assert _course(np.array([1.0, 2.0])) == "rises from 1.00 to 2.00"
    assert _course(np.array([1.0, 1.0])) == "begins and ends at 1.00"
    assert (_mean_of(13), _mean_of(30)) == ("single steps", "mean of 3 steps")


def test_the_scheme_named_is_the_one_whose_rate_changed_most():
    rates = {"constant": (0.1, 0.1), "annealed": (0.1, 0.001), "special": (0.01, 0.05)}
    assert _most_changed(rates) == "annealed: the rate falls 100-fold"
    assert _most_changed({"special": (0.01, 0.05)}) == "special: the rate rises to 0.05"
    assert _most_changed({"constant": (0.1, 0.1)}) == "Every rate ends as it began"
