"""The cards are a table; they have no figure."""

from pitfalls.experiments.diagnosis_labs.records import LabsResult
from pitfalls.plots import Figure

__all__ = ["FIGURES"]

FIGURES: tuple[Figure[LabsResult], ...] = ()
