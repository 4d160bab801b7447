"""Images: what linear methods see, what a residual network sees, and what its schedule decides."""

from pitfalls.images.cifar10 import CIFAR10_CLASSES, CIFAR10_MEAN, CIFAR10_STD
from pitfalls.images.datasets import ImageDataset, Part, load_dataset

__all__ = [
    "CIFAR10_CLASSES",
    "CIFAR10_MEAN",
    "CIFAR10_STD",
    "ImageDataset",
    "Part",
    "load_dataset",
]
