from .data import (
    CIFAR10_CLASSES as CIFAR10_CLASSES,
)
from .data import (
    CIFAR10_MEAN as CIFAR10_MEAN,
)
from .data import (
    CIFAR10_STD as CIFAR10_STD,
)
from .data import (
    DataConfig as DataConfig,
)
from .data import (
    ImageDataset as ImageDataset,
)
from .data import (
    Part as Part,
)
from .data import (
    load_dataset as load_dataset,
)
from .data import (
    read_picture as read_picture,
)
from .linear import (
    CCA as CCA,
)
from .linear import (
    PCA as PCA,
)
from .linear import (
    Combination as Combination,
)
from .linear import (
    LeastSquaresClassifier as LeastSquaresClassifier,
)
from .linear import (
    LinearMap as LinearMap,
)
from .linear import (
    LinearMethods as LinearMethods,
)
from .linear import (
    Separability as Separability,
)
from .linear import (
    decide_separability as decide_separability,
)
from .linear import (
    embed as embed,
)
from .linear import (
    excludes_separation as excludes_separation,
)
from .linear import (
    fit_linear_methods as fit_linear_methods,
)
from .linear import (
    predict_labels as predict_labels,
)
from .linear import (
    proven_margin as proven_margin,
)
from .networks import (
    FastNet as FastNet,
)
from .networks import (
    ResNet18 as ResNet18,
)
from .training import (
    FAST_RECIPES as FAST_RECIPES,
)
from .training import (
    SCHEMES as SCHEMES,
)
from .training import (
    AlternatingFlip as AlternatingFlip,
)
from .training import (
    Evaluation as Evaluation,
)
from .training import (
    FastRecipe as FastRecipe,
)
from .training import (
    Muon as Muon,
)
from .training import (
    RandomCrop as RandomCrop,
)
from .training import (
    RandomHorizontalFlip as RandomHorizontalFlip,
)
from .training import (
    RangeTest as RangeTest,
)
from .training import (
    Schedule as Schedule,
)
from .training import (
    TrainConfig as TrainConfig,
)
from .training import (
    TrainResult as TrainResult,
)
from .training import (
    TrainState as TrainState,
)
from .training import (
    annealed_schedule as annealed_schedule,
)
from .training import (
    constant_schedule as constant_schedule,
)
from .training import (
    cosine_schedule as cosine_schedule,
)
from .training import (
    evaluate as evaluate,
)
from .training import (
    learning_rate_range as learning_rate_range,
)
from .training import (
    linear_schedule as linear_schedule,
)
from .training import (
    never_moves as never_moves,
)
from .training import (
    one_cycle_schedule as one_cycle_schedule,
)
from .training import (
    predict_logits as predict_logits,
)
from .training import (
    schedule as schedule,
)
from .training import (
    special_schedule as special_schedule,
)
from .training import (
    train as train,
)
from .training import (
    training_warnings as training_warnings,
)

__all__ = [
    "CCA",
    "CIFAR10_CLASSES",
    "CIFAR10_MEAN",
    "CIFAR10_STD",
    "FAST_RECIPES",
    "PCA",
    "SCHEMES",
    "AlternatingFlip",
    "Combination",
    "DataConfig",
    "Evaluation",
    "FastNet",
    "FastRecipe",
    "ImageDataset",
    "LeastSquaresClassifier",
    "LinearMap",
    "LinearMethods",
    "Muon",
    "Part",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RangeTest",
    "ResNet18",
    "Schedule",
    "Separability",
    "TrainConfig",
    "TrainResult",
    "TrainState",
    "annealed_schedule",
    "constant_schedule",
    "cosine_schedule",
    "decide_separability",
    "embed",
    "evaluate",
    "excludes_separation",
    "fit_linear_methods",
    "learning_rate_range",
    "linear_schedule",
    "load_dataset",
    "never_moves",
    "one_cycle_schedule",
    "predict_labels",
    "predict_logits",
    "proven_margin",
    "read_picture",
    "schedule",
    "special_schedule",
    "train",
    "training_warnings",
]
