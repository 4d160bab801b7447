from .deep_network import (
    DeepNetwork as DeepNetwork,
)
from .loss import (
    CustomLoss as CustomLoss,
)
from .loss import (
    HingeLoss as HingeLoss,
)
from .loss import (
    LogisticLoss as LogisticLoss,
)
from .loss import (
    Loss as Loss,
)
from .loss import (
    SquareLoss as SquareLoss,
)
from .loss import (
    as_loss as as_loss,
)
from .loss import (
    hinge_loss as hinge_loss,
)
from .loss import (
    logistic_loss as logistic_loss,
)
from .loss import (
    named_loss as named_loss,
)
from .loss import (
    square_loss as square_loss,
)
from .network import (
    TwoLayerReLU as TwoLayerReLU,
)
from .represent.construction import (
    exact_network as exact_network,
)
from .represent.verification import (
    ExactnessProof as ExactnessProof,
)
from .represent.verification import (
    verify_exact as verify_exact,
)
from .risk_and_accuracy import (
    RiskAndAccuracy as RiskAndAccuracy,
)
from .risk_and_accuracy import (
    evaluate as evaluate,
)
from .signal.bounds import (
    GradientBounds as GradientBounds,
)
from .signal.bounds import (
    gradient_bounds as gradient_bounds,
)
from .signal.gradient_signal import (
    GradientSignal as GradientSignal,
)
from .signal.gradient_signal import (
    gradient_signal as gradient_signal,
)
from .signal.layer_gradients import (
    LayerGradients as LayerGradients,
)
from .signal.layer_gradients import (
    layer_gradients as layer_gradients,
)
from .signal.target_gradients import (
    TargetGradients as TargetGradients,
)
from .signal.target_gradients import (
    stream_target_gradients as stream_target_gradients,
)
from .signal.target_gradients import (
    target_gradients as target_gradients,
)
from .signal.target_signal import (
    target_signal as target_signal,
)
from .task import (
    ParityTask as ParityTask,
)
from .task import (
    cube as cube,
)
from .training.cells import (
    CellResult as CellResult,
)
from .training.cells import (
    SweepCell as SweepCell,
)
from .training.cells import (
    run_cell as run_cell,
)
from .training.cells import (
    sweep_cells as sweep_cells,
)
from .training.config import (
    LEARNED as LEARNED,
)
from .training.config import (
    LearningConfig as LearningConfig,
)
from .training.deep import (
    DeepResult as DeepResult,
)
from .training.deep import (
    train_deep as train_deep,
)
from .training.ensemble import (
    train_ensemble as train_ensemble,
)
from .training.records import (
    LearningCurve as LearningCurve,
)
from .training.records import (
    LearningResult as LearningResult,
)
from .training.records import (
    LearningState as LearningState,
)
from .training.records import (
    first_reached as first_reached,
)
from .training.two_layer import (
    evaluation_inputs as evaluation_inputs,
)
from .training.two_layer import (
    initial_state as initial_state,
)
from .training.two_layer import (
    train as train,
)
from .training.two_layer import (
    training_batch as training_batch,
)
from .walsh import (
    inverse_walsh_hadamard_transform as inverse_walsh_hadamard_transform,
)
from .walsh import (
    walsh_hadamard_transform as walsh_hadamard_transform,
)

__all__ = [
    "LEARNED",
    "CellResult",
    "CustomLoss",
    "DeepNetwork",
    "DeepResult",
    "ExactnessProof",
    "GradientBounds",
    "GradientSignal",
    "HingeLoss",
    "LayerGradients",
    "LearningConfig",
    "LearningCurve",
    "LearningResult",
    "LearningState",
    "LogisticLoss",
    "Loss",
    "ParityTask",
    "RiskAndAccuracy",
    "SquareLoss",
    "SweepCell",
    "TargetGradients",
    "TwoLayerReLU",
    "as_loss",
    "cube",
    "evaluate",
    "evaluation_inputs",
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
