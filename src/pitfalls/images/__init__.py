"""Images: what linear methods see, what a residual network sees, and what its schedule decides."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pitfalls.images.cifar10 import CIFAR10_CLASSES, CIFAR10_MEAN, CIFAR10_STD
from pitfalls.images.datasets import ImageDataset, Part, load_dataset
from pitfalls.images.embedding import CCA, PCA
from pitfalls.images.one_pass import LinearMethods, embed, fit_linear_methods, predict_labels
from pitfalls.images.pictures import read_picture
from pitfalls.images.regression import LeastSquaresClassifier

if TYPE_CHECKING:
    from pitfalls.images.augmentation import AlternatingFlip, RandomCrop, RandomHorizontalFlip
    from pitfalls.images.evaluation import Evaluation, evaluate, predict_logits
    from pitfalls.images.fast_recipes import FAST_RECIPES, FastRecipe
    from pitfalls.images.fastnet import FastNet
    from pitfalls.images.network_diagram import diagram
    from pitfalls.images.network_summary import summary
    from pitfalls.images.optimizers import Muon
    from pitfalls.images.range_test import RangeTest, learning_rate_range
    from pitfalls.images.resnet import ResNet18
    from pitfalls.images.schedules import (
        SCHEMES,
        Schedule,
        annealed,
        constant,
        cosine,
        one_cycle,
        schedule,
        special,
    )
    from pitfalls.images.train_records import TrainConfig, TrainResult, TrainState
    from pitfalls.images.training import train

__all__ = [
    "CCA",
    "CIFAR10_CLASSES",
    "CIFAR10_MEAN",
    "CIFAR10_STD",
    "FAST_RECIPES",
    "PCA",
    "SCHEMES",
    "AlternatingFlip",
    "Evaluation",
    "FastNet",
    "FastRecipe",
    "ImageDataset",
    "LeastSquaresClassifier",
    "LinearMethods",
    "Muon",
    "Part",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RangeTest",
    "ResNet18",
    "Schedule",
    "TrainConfig",
    "TrainResult",
    "TrainState",
    "annealed",
    "constant",
    "cosine",
    "diagram",
    "embed",
    "evaluate",
    "fit_linear_methods",
    "learning_rate_range",
    "load_dataset",
    "one_cycle",
    "predict_labels",
    "predict_logits",
    "read_picture",
    "schedule",
    "special",
    "summary",
    "train",
]

# What needs torch is imported when it is first asked for: data and linear methods do without.
_NEEDS_TORCH = {
    "augmentation": ("AlternatingFlip", "RandomCrop", "RandomHorizontalFlip"),
    "evaluation": ("Evaluation", "evaluate", "predict_logits"),
    "fast_recipes": ("FAST_RECIPES", "FastRecipe"),
    "fastnet": ("FastNet",),
    "network_diagram": ("diagram",),
    "network_summary": ("summary",),
    "optimizers": ("Muon",),
    "range_test": ("RangeTest", "learning_rate_range"),
    "resnet": ("ResNet18",),
    "schedules": (
        *("SCHEMES", "Schedule", "annealed", "constant"),
        *("cosine", "one_cycle", "schedule", "special"),
    ),
    "train_records": ("TrainConfig", "TrainResult", "TrainState"),
    "training": ("train",),
}
_MODULE_OF = {name: module for module, names in _NEEDS_TORCH.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
