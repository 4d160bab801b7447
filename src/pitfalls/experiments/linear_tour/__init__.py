"""The flow from saddle to saddle, by depth."""

from pitfalls.experiments.linear_tour.records import Flow, TourConfig, TourResult, Visit, rotation
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "Flow", "TourConfig", "TourResult", "Visit", "rotation"]

EXPERIMENT = Experiment(
    name="linear-tour",
    config=TourConfig,
    result=TourResult,
    package=__name__,
    command=("linear", "tour"),
    question="2",
)
