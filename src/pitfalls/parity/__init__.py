"""Parity: what a ReLU network represents exactly, and what its gradient says about the target."""

from pitfalls.parity.loss import (
    HingeLoss,
    LogisticLoss,
    Loss,
    SquareLoss,
    hinge_loss,
    logistic_loss,
    named_loss,
    square_loss,
)
from pitfalls.parity.network import TwoLayerReLU
from pitfalls.parity.task import ParityTask, cube

__all__ = [
    "HingeLoss",
    "LogisticLoss",
    "Loss",
    "ParityTask",
    "SquareLoss",
    "TwoLayerReLU",
    "cube",
    "hinge_loss",
    "logistic_loss",
    "named_loss",
    "square_loss",
]
