"""No figure: a table says it."""

from pitfalls.experiments.image_pace.records import PaceResult
from pitfalls.plots import Figure

__all__ = ["FIGURES"]

FIGURES: tuple[Figure[PaceResult], ...] = ()
