"""A network's layers, shapes and parameters, printed and drawn (homework 4c)."""

from pitfalls.experiments.image_diagram.records import DiagramConfig, DiagramResult, ImageShape
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "DiagramConfig", "DiagramResult", "ImageShape"]

EXPERIMENT = Experiment(
    name="images-diagram",
    config=DiagramConfig,
    result=DiagramResult,
    package=__name__,
    command=("images", "diagram"),
    question="4",
)
