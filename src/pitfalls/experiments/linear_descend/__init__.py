"""One descent on a deep linear network, every mode beside its exact solution."""

from pitfalls.experiments.linear_descend.records import DescendConfig, DescendResult, Escaped
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "DescendConfig", "DescendResult", "Escaped"]

EXPERIMENT = Experiment(
    name="linear-descend",
    config=DescendConfig,
    result=DescendResult,
    package=__name__,
    command=("linear", "descend"),
    question="2",
)
