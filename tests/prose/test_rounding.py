"""Titles and captions say what the values say, whichever they are."""

import pytest

from pitfalls.prose import number, power


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
