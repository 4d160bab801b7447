"""Second moments of (x, y) in one pass, and the one whitening that every lab reads ranks from."""

from pitfalls.moments.intake import refuse_masked
from pitfalls.moments.rounding import EPS, pivot_rounding, sum_rounding, value_rounding
from pitfalls.moments.second_moments import SecondMoments
from pitfalls.moments.whitening import Whitening, whiten_inputs, whiten_outputs

__all__ = [
    "EPS",
    "SecondMoments",
    "Whitening",
    "pivot_rounding",
    "refuse_masked",
    "sum_rounding",
    "value_rounding",
    "whiten_inputs",
    "whiten_outputs",
]
