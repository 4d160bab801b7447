"""An experiment that computes next to nothing, may fail when told to, and notes that it was run."""

from pitfalls.frame import Experiment
from tests.report.toy.records import ToyConfig, ToyResult

__all__ = ["EXPERIMENT", "ToyConfig", "ToyResult"]

EXPERIMENT = Experiment("toy", ToyConfig, ToyResult, __name__, question="3")
