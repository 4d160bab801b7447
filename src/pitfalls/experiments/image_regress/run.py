"""Classify pictures by least squares, and decide whether any linear map could without a mistake."""

import numpy as np

from pitfalls.experiments.image_confusion import count_confusion
from pitfalls.experiments.image_moments import read_training
from pitfalls.experiments.image_regress.records import (
    PartScore,
    RegressConfig,
    RegressResult,
    RuledOut,
    SeparatingMap,
    Separation,
)
from pitfalls.experiments.image_source import describe_pictures, find_images, load_images
from pitfalls.frame import Homework
from pitfalls.images.data import DataConfig, ImageDataset, Part
from pitfalls.images.linear import (
    Combination,
    LeastSquaresClassifier,
    LinearMap,
    decide_separability,
    predict_labels,
)
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["decide", "homework", "run"]

PARTS: tuple[Part, ...] = ("train", "validation", "test")


def run(config: RegressConfig, run: Run, progress: Progress) -> RegressResult:
    """Fit, predict every part and look for a separating map; a stopped run starts again."""
    data = load_images(config.source, run)
    pictures = describe_pictures(data)
    classifier = read_training(data, progress).fit(LeastSquaresClassifier(config.ridge))
    parts = [part for part in PARTS if len(data.labels(part))]
    scores = []
    with progress("predict", unit="parts") as advance:
        for done, part in enumerate(parts, start=1):
            predicted = predict_labels(classifier, data, part)
            confusion = count_confusion(data.labels(part), predicted, data.n_classes)
            scores.append(PartScore(part, confusion, predicted.astype(np.int32)))
            advance(done, len(parts))
    separation = None
    if config.measures_separability(pictures):
        with progress("separability", unit="decisions") as advance:
            separation = decide(data)
            advance(1, 1)
    return RegressResult(
        pictures=pictures,
        ridge=float(config.ridge),
        rank=int(classifier.rank_),
        normal_residual=float(classifier.normal_residual_),
        scores=tuple(scores),
        separation=separation,
    )


def homework(asked: Homework) -> tuple[RegressConfig, ...]:
    """Take all images at either scale, one pass is enough; whether they are separable takes longer."""
    whole = find_images(DataConfig(asked.data, seed=asked.seed))
    return (RegressConfig(whole, separability=True if asked.scale == "full" else None),)


def decide(data: ImageDataset) -> Separation:
    """Decide whether a linear map of the raw pixels puts every training image's own class first.

    Normalised pixels would give the same answer: that is a change of scale which an affine map
    undoes.
    """
    pixels = data.train_images.reshape(len(data.train_labels), -1)
    found = decide_separability(pixels, data.train_labels)
    if isinstance(found.witness, LinearMap):
        assert found.margin is not None
        return Separation(
            "separable",
            SeparatingMap(found.witness.weights, found.witness.intercept, float(found.margin)),
        )
    if isinstance(found.witness, Combination):
        rivals = found.classes[found.witness.rivals].astype(np.int64)
        return Separation(
            "not separable",
            RuledOut(
                found.witness.samples.astype(np.int64),
                rivals,
                tuple(str(value) for value in found.witness.multipliers),
            ),
        )
    return Separation("undecided", None, found.reason)
