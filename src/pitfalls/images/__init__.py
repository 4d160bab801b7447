"""Images: what linear methods see, what a residual network sees, and what its schedule decides."""

from pitfalls.images.cifar10 import CIFAR10_CLASSES, CIFAR10_MEAN, CIFAR10_STD
from pitfalls.images.datasets import ImageDataset, Part, load_dataset
from pitfalls.images.embedding import CCA, PCA
from pitfalls.images.one_pass import LinearMethods, embed, fit_linear_methods, predict_labels
from pitfalls.images.pictures import read_picture
from pitfalls.images.regression import LeastSquaresClassifier

__all__ = [
    "CCA",
    "CIFAR10_CLASSES",
    "CIFAR10_MEAN",
    "CIFAR10_STD",
    "PCA",
    "ImageDataset",
    "LeastSquaresClassifier",
    "LinearMethods",
    "Part",
    "embed",
    "fit_linear_methods",
    "load_dataset",
    "predict_labels",
    "read_picture",
]
