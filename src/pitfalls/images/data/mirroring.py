"""Whether a mirrored picture keeps its class: known from the form, from the classes, or measured.

Mirrored pictures are more to learn from where they keep their class, and wrong to learn from where
they do not: a mirrored b is a d. What a data set is called says nothing about that.
"""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pitfalls.errors import InputError
from pitfalls.images.data.dataset import ImageDataset

__all__ = ["Mirror", "judge_mirror", "random_flips"]

SIDED = frozenset(
    {"left", "right", "leftward", "rightward", "clockwise", "counterclockwise", "anticlockwise"}
)
SPELT = frozenset(
    {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
     "alpha", "beta", "gamma", "delta", "epsilon", "theta", "lambda", "sigma", "omega"}
)  # fmt: skip
MOST = 4000  # training images that are looked at
FEWEST = 1000
SIDE = 16  # pixels that they are looked at
CHANCE_MARGIN = 5.0  # standard errors above chance that the classifier must reach
SAME = 2.0  # standard errors that the answers to mirror images may fall behind
SAME_CLASS = 2.5  # the same within each class


@dataclass(frozen=True)
class Mirror:
    """Whether a mirrored picture keeps its class.

    Parameters
    ----------
    keeps : bool or None
        None if nothing says so.
    why : str
        What decides it, as a sentence without a full stop.
    """

    keeps: bool | None
    why: str


def random_flips(data: ImageDataset) -> bool:
    """Return whether training may mirror these pictures at random.

    Raises
    ------
    InputError
        If nothing says whether a mirrored picture keeps its class.
    """
    mirror = judge_mirror(data)
    if mirror.keeps is None:
        raise InputError(
            f"{data.name}: {mirror.why}. Give --flip random where a mirrored picture keeps its "
            "class (most photographs), --flip none where it does not (digits, letters, signs)."
        )
    return mirror.keeps


def judge_mirror(data: ImageDataset) -> Mirror:
    """Decide by the form of the data, by the names of the classes, or by a measurement.

    The measurement fits least squares to half of the training images and asks it about the other
    half and about their mirror images. Answers that are as often right, overall and in each class,
    say that a mirrored picture looks like one of its own class. Answers that are less often right
    do not say the contrary: all shoes of a catalogue may point to the left.
    """
    if data.mirror is not None:
        keeps = "keep" if data.mirror else "do not keep"
        return Mirror(data.mirror, f"pictures of {data.name} {keeps} their class in a mirror")
    told = _by_names(data.class_names)
    return told if told is not None else _by_measurement(data)


def _by_names(names: tuple[str, ...]) -> Mirror | None:
    words = [set(re.findall(r"[^\W\d_]+", name.lower())) for name in names]
    if all(len(name.strip()) == 1 and not name.isdecimal() for name in names):
        return Mirror(False, "the classes are letters or signs")
    if any(found & SIDED for found in words):
        return Mirror(False, "classes are named by a side, left or right")
    if sum(bool(found & SPELT) for found in words) > 0.8 * len(names):
        return Mirror(False, "the classes are named as digits or letters")
    return None


def _by_measurement(data: ImageDataset) -> Mirror:
    images, labels = data.train_images, data.train_labels
    if len(labels) < FEWEST:
        return Mirror(
            None,
            "nothing says whether a mirrored picture keeps its class, and "
            f"{len(labels):,} training images are too few to measure it",
        )
    order = np.random.default_rng(0).permutation(len(labels))[:MOST]
    fit, held = np.array_split(order, 2)
    weights, centre = _least_squares(_shrunk(images[fit]), labels[fit], data.n_classes)
    right = _shrunk_right(images[held], labels[held], weights, centre)
    mirrored = _shrunk_right(images[held][..., ::-1], labels[held], weights, centre)
    n, chance = len(held), np.bincount(labels[held]).max() / len(held)
    seen = (
        f"a linear classifier gets {100 * right.mean():.1f} % of {n:,} held-out training images "
        f"right and {100 * mirrored.mean():.1f} % of their mirror images"
    )
    if right.mean() - chance < CHANCE_MARGIN * np.sqrt(chance * (1 - chance) / n):
        return Mirror(None, f"nothing says whether a mirrored picture keeps its class ({seen})")
    behind = [_behind(right, mirrored)] + [
        _behind(right[labels[held] == c], mirrored[labels[held] == c]) * SAME / SAME_CLASS
        for c in range(data.n_classes)
    ]
    if max(behind) > SAME:
        return Mirror(None, f"nothing says whether a mirrored picture keeps its class ({seen})")
    return Mirror(True, f"mirrored pictures look like others of their class: {seen}")


def _behind(right: npt.NDArray[np.bool_], mirrored: npt.NDArray[np.bool_]) -> float:
    """Return by how many standard errors mirror images are answered worse (McNemar)."""
    lost, won = int((right & ~mirrored).sum()), int((mirrored & ~right).sum())
    return float((lost - won) / np.sqrt(max(lost + won, 1)))


def _shrunk(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return rows of means over at most 16×16 blocks, a mirror image's being the row's mirror."""
    n, channels, height, width = images.shape
    down, across = max(height // SIDE, 1), max(width // SIDE, 1)
    top, left = height % down // 2, width % across // 2
    rows, columns = height // down, width // across
    cut = images[:, :, top : top + rows * down, left : left + columns * across]
    blocks = cut.reshape(n, channels, rows, down, columns, across)
    means: npt.NDArray[np.float64] = blocks.mean(axis=(3, 5)).reshape(n, -1) / 255
    return means


def _least_squares(
    x: npt.NDArray[np.float64], labels: npt.NDArray[np.int64], n_classes: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Fit one-hot labels with a ridge of a hundredth of the mean variance."""
    centre = x.mean(axis=0)
    x = x - centre
    targets = np.eye(n_classes)[labels]
    gram = x.T @ x
    ridge = 1e-2 * np.trace(gram) / len(gram) + 1e-12
    weights = np.linalg.solve(
        gram + ridge * np.eye(len(gram)), x.T @ (targets - targets.mean(axis=0))
    )
    return np.vstack([weights, targets.mean(axis=0)]), centre


def _shrunk_right(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    centre: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    scores = (_shrunk(images) - centre) @ weights[:-1] + weights[-1]
    right: npt.NDArray[np.bool_] = scores.argmax(axis=1) == labels
    return right
