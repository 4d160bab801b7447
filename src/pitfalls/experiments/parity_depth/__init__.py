"""Deep networks on parity (homework 3d): gradients layer by layer, and what is learned."""

from pitfalls.experiments.parity_depth.records import (
    DepthConfig,
    DepthResult,
    DepthStart,
    TrainedDepth,
)
from pitfalls.frame import Experiment

__all__ = ["EXPERIMENT", "DepthConfig", "DepthResult", "DepthStart", "TrainedDepth"]

EXPERIMENT = Experiment(
    name="parity-depth",
    config=DepthConfig,
    result=DepthResult,
    package=__name__,
    command=("parity", "depth"),
    question="3",
)
