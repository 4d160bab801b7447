"""Parity: loss curves of several trainings side by side (homework 3b)."""

from pitfalls.experiments.parity_curves.records import (
    CurveCase,
    CurvesConfig,
    CurvesResult,
    Replica,
)
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "CurveCase", "CurvesConfig", "CurvesResult", "Replica"]

EXPERIMENT = Experiment(
    name="parity-curves",
    config=CurvesConfig,
    result=CurvesResult,
    package=__name__,
    command=("parity", "curves"),
    question="3",
)
