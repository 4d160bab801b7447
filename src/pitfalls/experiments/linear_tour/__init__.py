"""The flow from saddle to saddle, by depth."""

from pitfalls.experiments.linear_tour.records import Flow, TourConfig, TourResult, Visit
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "Flow", "TourConfig", "TourResult", "Visit"]

EXPERIMENT = Experiment(
    name="linear-tour",
    config=TourConfig,
    result=TourResult,
    package=__name__,
    command=("linear", "tour"),
    question="2",
)
