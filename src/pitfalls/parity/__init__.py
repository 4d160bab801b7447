"""Parity: what a ReLU network represents exactly, and what its gradient says about the target."""

from pitfalls.parity.ensemble import train_ensemble
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
from pitfalls.parity.training import (
    Evaluation,
    TrainingConfig,
    TrainingCurve,
    TrainingResult,
    TrainingState,
    evaluate,
    initial_state,
    train,
    training_batch,
)

__all__ = [
    "Evaluation",
    "HingeLoss",
    "LogisticLoss",
    "Loss",
    "ParityTask",
    "SquareLoss",
    "TrainingConfig",
    "TrainingCurve",
    "TrainingResult",
    "TrainingState",
    "TwoLayerReLU",
    "cube",
    "evaluate",
    "hinge_loss",
    "initial_state",
    "logistic_loss",
    "named_loss",
    "square_loss",
    "train",
    "train_ensemble",
    "training_batch",
]
