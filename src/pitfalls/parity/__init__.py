"""Parity: what a ReLU network represents exactly, and what its gradient says about the target."""

from pitfalls.parity.alignment import target_signal
from pitfalls.parity.bounds import GradientBounds, gradient_bounds
from pitfalls.parity.construction import ExactnessProof, exact_network, verify_exact
from pitfalls.parity.depth import (
    DeepNetwork,
    DeepTrainingResult,
    LayerGradients,
    layer_gradients,
    train_deep,
)
from pitfalls.parity.ensemble import train_ensemble
from pitfalls.parity.evaluation import Evaluation, evaluate
from pitfalls.parity.loss import (
    CustomLoss,
    HingeLoss,
    LogisticLoss,
    Loss,
    SquareLoss,
    as_loss,
    hinge_loss,
    logistic_loss,
    named_loss,
    square_loss,
)
from pitfalls.parity.network import TwoLayerReLU
from pitfalls.parity.signal import GradientSignal, gradient_signal
from pitfalls.parity.sweep import CellResult, SweepCell, run_cell, sweep, sweep_cells
from pitfalls.parity.targets import (
    TargetGradients,
    stream_target_gradients,
    target_gradients,
)
from pitfalls.parity.task import ParityTask, cube
from pitfalls.parity.train_records import (
    TrainingConfig,
    TrainingCurve,
    TrainingResult,
    TrainingState,
    first_reached,
)
from pitfalls.parity.training import initial_state, train, training_batch
from pitfalls.parity.walsh import inverse_walsh_hadamard_transform, walsh_hadamard_transform

__all__ = [
    "CellResult",
    "CustomLoss",
    "DeepNetwork",
    "DeepTrainingResult",
    "Evaluation",
    "ExactnessProof",
    "GradientBounds",
    "GradientSignal",
    "HingeLoss",
    "LayerGradients",
    "LogisticLoss",
    "Loss",
    "ParityTask",
    "SquareLoss",
    "SweepCell",
    "TargetGradients",
    "TrainingConfig",
    "TrainingCurve",
    "TrainingResult",
    "TrainingState",
    "TwoLayerReLU",
    "as_loss",
    "cube",
    "evaluate",
    "exact_network",
    "first_reached",
    "gradient_bounds",
    "gradient_signal",
    "hinge_loss",
    "initial_state",
    "inverse_walsh_hadamard_transform",
    "layer_gradients",
    "logistic_loss",
    "named_loss",
    "run_cell",
    "square_loss",
    "stream_target_gradients",
    "sweep",
    "sweep_cells",
    "target_gradients",
    "target_signal",
    "train",
    "train_deep",
    "train_ensemble",
    "training_batch",
    "verify_exact",
    "walsh_hadamard_transform",
]
