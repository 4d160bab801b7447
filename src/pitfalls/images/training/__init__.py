"""A trainer that resumes bit for bit: loop, schedules, optimisers, augmentation, evaluation."""

from pitfalls.images.training.augmentation import (
    AlternatingFlip,
    PerImage,
    RandomCrop,
    RandomHorizontalFlip,
    Transform,
)
from pitfalls.images.training.checks import check_config, training_warnings
from pitfalls.images.training.evaluation import Evaluation, Views, evaluate, predict_logits
from pitfalls.images.training.fast_recipes import FAST_RECIPES, FastRecipe
from pitfalls.images.training.loop import train
from pitfalls.images.training.optimizers import Muon, orthogonalize
from pitfalls.images.training.range_test import RangeTest, learning_rate_range
from pitfalls.images.training.records import (
    EpochRecord,
    StepRecord,
    TrainConfig,
    TrainResult,
    TrainState,
)
from pitfalls.images.training.schedules import (
    SCHEMES,
    Schedule,
    annealed_schedule,
    constant_schedule,
    cosine_schedule,
    linear_schedule,
    never_moves,
    one_cycle_schedule,
    schedule,
    special_schedule,
)

__all__ = [
    "FAST_RECIPES",
    "SCHEMES",
    "AlternatingFlip",
    "EpochRecord",
    "Evaluation",
    "FastRecipe",
    "Muon",
    "PerImage",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RangeTest",
    "Schedule",
    "StepRecord",
    "TrainConfig",
    "TrainResult",
    "TrainState",
    "Transform",
    "Views",
    "annealed_schedule",
    "check_config",
    "constant_schedule",
    "cosine_schedule",
    "evaluate",
    "learning_rate_range",
    "linear_schedule",
    "never_moves",
    "one_cycle_schedule",
    "orthogonalize",
    "predict_logits",
    "schedule",
    "special_schedule",
    "train",
    "training_warnings",
]
