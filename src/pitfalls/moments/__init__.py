"""Second moments of (x, y) in one pass, and the one whitening that every lab reads ranks from."""

from pitfalls.moments.second_moments import SecondMoments
from pitfalls.moments.whitening import Whitening, whiten_inputs, whiten_outputs

__all__ = ["SecondMoments", "Whitening", "whiten_inputs", "whiten_outputs"]
