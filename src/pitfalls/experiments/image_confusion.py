"""Which classes a classifier takes for which: counts, and what may be said of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitfalls.display import Displayed
from pitfalls.experiments.image_shares import Share, differ

__all__ = ["Confusion", "Extremes", "Mistake", "count_confusion"]


@dataclass(frozen=True)
class Mistake:
    """A kind of mistake.

    Attributes
    ----------
    true, predicted : int
        The classes.
    n : int
        Images of it.
    """

    true: int
    predicted: int
    n: int


@dataclass(frozen=True)
class Extremes:
    """The classes that are right most often and least often; several where they tie.

    Attributes
    ----------
    best, worst : tuple of int
    differ : bool
        Whether the two differ by more than chance, picked as they are from all pairs of classes.
    """

    best: tuple[int, ...]
    worst: tuple[int, ...]
    differ: bool


@dataclass(frozen=True, repr=False)
class Confusion(Displayed):
    """How many images of each class were taken for each.

    Attributes
    ----------
    counts : array of shape (n_classes, n_classes), int
        Row: the true class; column: the predicted one.
    """

    counts: NDArray[np.int64]

    @property
    def right(self) -> Share:
        """All classes together."""
        return Share(int(np.trace(self.counts)), int(self.counts.sum()))

    @property
    def classes(self) -> tuple[Share | None, ...]:
        """Each true class by itself; None where it has no images."""
        return tuple(
            Share(int(right), int(n)) if n else None
            for right, n in zip(np.diagonal(self.counts), self.counts.sum(axis=1), strict=True)
        )

    @property
    def precisions(self) -> tuple[Share | None, ...]:
        """How many of the images taken for each class are of it; None where none was."""
        return tuple(
            Share(int(right), int(n)) if n else None
            for right, n in zip(np.diagonal(self.counts), self.counts.sum(axis=0), strict=True)
        )

    @property
    def balanced(self) -> float:
        """Balanced accuracy: the mean of the shares of `classes`, each class counting alike."""
        return float(np.mean([share.value for share in self.classes if share is not None]))

    @property
    def extremes(self) -> Extremes | None:
        """The best and the worst classes; None with fewer than two classes of images."""
        known = {i: share for i, share in enumerate(self.classes) if share is not None}
        if len(known) < 2:
            return None
        most = max(share.value for share in known.values())
        least = min(share.value for share in known.values())
        best = tuple(i for i, share in known.items() if share.value == most)
        worst = tuple(i for i, share in known.items() if share.value == least)
        pairs = len(known) * (len(known) - 1) // 2
        return Extremes(
            best,
            worst,
            all(differ(known[i], known[j], comparisons=pairs) for i in best for j in worst),
        )

    def by_name(self, names: Sequence[str]) -> dict[str, list[Any]]:
        """Return the counts as a table: a row a true class, a column for each that it was taken for."""
        taken = {f"taken for {n}": self.counts[:, k].tolist() for k, n in enumerate(names)}
        return {"class": list(names), **taken}

    def mistakes(self, most: int | None = None) -> tuple[Mistake, ...]:
        """Return the kinds of mistakes that occurred, the most frequent first."""
        wrong = self.counts.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[: np.count_nonzero(wrong)]
        cells = [divmod(int(cell), len(wrong)) for cell in order[:most]]
        return tuple(Mistake(i, j, int(wrong[i, j])) for i, j in cells)

    @property
    def commonest(self) -> tuple[Mistake, ...]:
        """The most frequent kind of mistake; several where they tie, none where nothing is wrong."""
        found = self.mistakes()
        return tuple(one for one in found if one.n == found[0].n)


def count_confusion(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], n_classes: int
) -> Confusion:
    """Count pairs of labels, each of shape (n,)."""
    counts = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(counts, (truth, predicted), 1)
    return Confusion(counts)
