"""What linear methods see in images: PCA, CCA and least squares, and what no linear map can do."""

from pitfalls.images.linear.cca import CCA
from pitfalls.images.linear.least_squares import LeastSquaresClassifier
from pitfalls.images.linear.moment_estimator import one_hot
from pitfalls.images.linear.one_pass import (
    LinearMethods,
    TrainingImages,
    collect_moments,
    embed,
    fit_linear_methods,
    predict_labels,
    read_training_images,
)
from pitfalls.images.linear.pca import PCA
from pitfalls.images.linear.separability import Separability, decide_separability
from pitfalls.images.linear.separability_witness import (
    Combination,
    LinearMap,
    excludes_separation,
    proven_margin,
)

__all__ = [
    "CCA",
    "PCA",
    "Combination",
    "LeastSquaresClassifier",
    "LinearMap",
    "LinearMethods",
    "Separability",
    "TrainingImages",
    "collect_moments",
    "decide_separability",
    "embed",
    "excludes_separation",
    "fit_linear_methods",
    "one_hot",
    "predict_labels",
    "proven_margin",
    "read_training_images",
]
