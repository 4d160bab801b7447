"""Every part of homework 2, worked on numbers."""

from pitfalls.experiments.linear_homework.records import HomeworkConfig, HomeworkResult
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "HomeworkConfig", "HomeworkResult"]

EXPERIMENT = Experiment(
    name="linear-homework",
    config=HomeworkConfig,
    result=HomeworkResult,
    package=__name__,
    question="2",
)
