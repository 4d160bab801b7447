"""The steps of the derivation are a table; they have no figure."""

from pitfalls.experiments.parity_gradients.records import GradientsResult
from pitfalls.plots import Figure

__all__ = ["FIGURES"]

FIGURES: tuple[Figure[GradientsResult], ...] = ()
