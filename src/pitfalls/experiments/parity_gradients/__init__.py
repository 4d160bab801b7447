"""Parity: the gradient, its parts and its bounds against autograd (homework 3c)."""

from pitfalls.experiments.parity_gradients.records import (
    GradientRow,
    GradientsConfig,
    GradientsResult,
)
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "GradientRow", "GradientsConfig", "GradientsResult"]

EXPERIMENT = Experiment(
    name="parity-gradients",
    config=GradientsConfig,
    result=GradientsResult,
    package=__name__,
    question="3",
)
