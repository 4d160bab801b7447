"""Made-up results of least squares, for words and figures at their edges."""

import numpy as np

from pitfalls.experiments.image_confusion import Confusion
from pitfalls.experiments.image_regress import PartScore, RegressResult, Separation
from pitfalls.experiments.image_regress.records import RuledOut, SeparatingMap
from pitfalls.images.data.parts import PartName
from tests.experiments.image_pictures import pictures

__all__ = ["SEPARATIONS", "confusion_of", "result_of"]

SEPARATIONS = {
    "not measured": None,
    "separable": Separation("separable", SeparatingMap(np.ones((3, 64)), np.ones(3), margin=0.25)),
    "not separable": Separation(
        "not separable", RuledOut(np.array([0, 5, 5]), np.array([1, 0, 2]), ("1", "2", "3"))
    ),
    "undecided": Separation("undecided", None, "the linear programme ended without an answer"),
}


def confusion_of(n: int, share: float, n_classes: int) -> Confusion:
    """Return n images of as many classes as there are, the wrong ones taken for the next class."""
    counts = np.zeros((n_classes, n_classes), dtype=np.int64)
    for k in range(n_classes):
        mine = n // n_classes + (k < n % n_classes)
        right = round(share * mine)
        counts[k, k] += right
        counts[k, (k + 1) % n_classes] += mine - right
    return Confusion(counts)


def result_of(
    *,
    sizes: dict[PartName, int] | None = None,
    n_classes: int = 3,
    train: float = 0.9,
    unseen: float = 0.6,
    rank: int = 64,
    separation: str = "not measured",
) -> RegressResult:
    """Return a result with these shares of right answers."""
    sizes = {"train": 300, "test": 150} if sizes is None else sizes
    return RegressResult(
        pictures=pictures(
            n_classes, sizes["train"], sizes.get("test", 0), sizes.get("validation", 0)
        ),
        ridge=0.0,
        rank=rank,
        normal_residual=1e-13,
        scores=tuple(
            PartScore(
                part,
                confusion_of(n, train if part == "train" else unseen, n_classes),
                np.zeros(n, np.int32),
            )
            for part, n in sizes.items()
        ),
        separation=SEPARATIONS[separation],
    )
