"""The parts of question 2 are tables; they have no figure."""

from pitfalls.experiments.linear_homework.records import HomeworkResult
from pitfalls.plots import Figure

__all__ = ["FIGURES"]

FIGURES: tuple[Figure[HomeworkResult], ...] = ()
