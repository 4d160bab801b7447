from .alignment import (
    target_signal as target_signal,
)
from .bounds import (
    GradientBounds as GradientBounds,
)
from .bounds import (
    gradient_bounds as gradient_bounds,
)
from .construction import (
    ExactnessProof as ExactnessProof,
)
from .construction import (
    exact_network as exact_network,
)
from .construction import (
    verify_exact as verify_exact,
)
from .depth import (
    DeepNetwork as DeepNetwork,
)
from .depth import (
    DeepTrainingResult as DeepTrainingResult,
)
from .depth import (
    LayerGradients as LayerGradients,
)
from .depth import (
    layer_gradients as layer_gradients,
)
from .depth import (
    train_deep as train_deep,
)
from .ensemble import (
    train_ensemble as train_ensemble,
)
from .evaluation import (
    Evaluation as Evaluation,
)
from .evaluation import (
    evaluate as evaluate,
)
from .grid import (
    CellResult as CellResult,
)
from .grid import (
    SweepCell as SweepCell,
)
from .grid import (
    run_cell as run_cell,
)
from .grid import (
    sweep as sweep,
)
from .grid import (
    sweep_cells as sweep_cells,
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
from .signal import (
    GradientSignal as GradientSignal,
)
from .signal import (
    gradient_signal as gradient_signal,
)
from .targets import (
    TargetGradients as TargetGradients,
)
from .targets import (
    stream_target_gradients as stream_target_gradients,
)
from .targets import (
    target_gradients as target_gradients,
)
from .task import (
    ParityTask as ParityTask,
)
from .task import (
    cube as cube,
)
from .train_config import TrainingConfig as TrainingConfig
from .train_records import (
    TrainingCurve as TrainingCurve,
)
from .train_records import (
    TrainingResult as TrainingResult,
)
from .train_records import (
    TrainingState as TrainingState,
)
from .train_records import (
    first_reached as first_reached,
)
from .training import (
    evaluation_inputs as evaluation_inputs,
)
from .training import (
    initial_state as initial_state,
)
from .training import (
    train as train,
)
from .training import (
    training_batch as training_batch,
)
from .walsh import (
    inverse_walsh_hadamard_transform as inverse_walsh_hadamard_transform,
)
from .walsh import (
    walsh_hadamard_transform as walsh_hadamard_transform,
)

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
