"""What results that compare trainings have in common: which images decide, and who is ahead on them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pitfalls.experiments.image_curves import Training
from pitfalls.experiments.image_shares import ahead, guesses, standard_error
from pitfalls.experiments.image_source import Pictures
from pitfalls.frame import Result
from pitfalls.prose import Basis, Markup, counted, percent, say

__all__ = [
    "ComparedTrainings",
    "Scores",
    "basis_of",
    "epochs_words",
    "share_words",
    "span",
    "starts_words",
]


@dataclass(frozen=True)
class Scores:
    """Trainings that differ in their start alone: means unless a name says otherwise.

    Attributes
    ----------
    n, n_asked : int
        How many finished, and how many were asked for.
    train, held_out, least, largest : float
        Accuracy: over the last epoch while learning; on the images that decide, with its extremes.
    error : float
        Standard error of counting ``held_out`` on these images.
    """

    n: int
    n_asked: int
    train: float
    held_out: float
    least: float
    largest: float
    error: float


class ComparedTrainings(Result):
    """A result whose trainings are compared on one part of its pictures, by seed."""

    pictures: Pictures
    seeds: tuple[int, ...]

    @property
    def part(self) -> Literal["validation", "test"]:
        """Which images decide: those held out of the training set, where there are any."""
        return "validation" if self.pictures.n("validation") else "test"

    @property
    def n_held_out(self) -> int:
        """How many images decide."""
        return self.pictures.n(self.part)

    @property
    def constant(self) -> float:
        """What always naming the commonest class gets of them."""
        return self.pictures.constant(self.part)

    def score(self, training: Training) -> float:
        """Return a training's accuracy on the images that decide."""
        if self.part == "validation":
            assert training.validation_accuracy is not None
            return training.validation_accuracy
        return training.test_accuracy

    def guesses(self, share: float) -> bool:
        """Whether an accuracy is within reach of an answer that ignores the image."""
        return guesses(share, self.constant, self.n_held_out)

    def ahead_by_seed(
        self, ones: Sequence[Training], others: Sequence[Training], comparisons: int
    ) -> bool:
        """Whether trainings are ahead of others by more than chance, among so many comparisons.

        Over the seeds with which both finished; without such a seed they are not.
        """
        one, other = ({t.seed: self.score(t) for t in trained} for trained in (ones, others))
        both = sorted(set(one) & set(other))
        return bool(both) and ahead(
            [one[seed] for seed in both],
            [other[seed] for seed in both],
            self.n_held_out,
            comparisons=comparisons,
        )

    def scores_of(self, trainings: Sequence[Training]) -> Scores:
        """Sum up trainings that differ in their seed; at least one."""
        held_out = [self.score(training) for training in trainings]
        mean = float(np.mean(held_out))
        return Scores(
            n=len(trainings),
            n_asked=len(self.seeds),
            train=float(np.mean([training.train_accuracy for training in trainings])),
            held_out=mean,
            least=min(held_out),
            largest=max(held_out),
            error=standard_error(mean, self.n_held_out),
        )


def share_words(row: Scores) -> str:
    """Write an accuracy with its error of counting, or with its extremes over the starts."""
    if row.n == 1:
        return f"{percent(row.held_out)} ± {percent(row.error)}"
    return f"{percent(row.held_out)} ({percent(row.least)} to {percent(row.largest)})"


def starts_words(result: ComparedTrainings) -> Markup:
    """Say what stands behind a comparison beside the counting."""
    if len(result.seeds) == 1:
        return say("; one start says nothing of other starts")
    return say(" and by the spread over the starts")


def span(numbers: Iterable[int]) -> str:
    """Write whole numbers as their extremes.

    Examples
    --------
    >>> span([3, 5, 4]), span([1000, 1000])
    ('3 to 5', '1,000')
    """
    found = sorted(set(numbers))
    return f"{found[0]:,}" if len(found) == 1 else f"{found[0]:,} to {found[-1]:,}"


def epochs_words(trainings: Sequence[Training]) -> str:
    """Say how many epochs trainings took; with patience some end before others."""
    taken = [training.n_epochs for training in trainings]
    return counted(taken[0], "epoch") if len(set(taken)) == 1 else f"{span(taken)} epochs"


def basis_of(result: ComparedTrainings, what: str) -> Basis:
    """Say how many starts each of what is compared has."""
    n = len(result.seeds)
    return Basis(
        n=f"{counted(n, 'start')} a {what}",
        spread="mean; smallest and largest over the starts"
        if n > 1
        else "none, one start; after ± the standard error of counting",
        data=result.pictures.name,
    )
