"""What question 5 finds: what the network can fit."""

import dataclasses
from dataclasses import dataclass

from pitfalls.diagnosis.cards import Evidence

__all__ = ["CONFINED", "CapacityEvidence", "Confinement", "LinearCase", "Score"]

CONFINED = 0.2  # share of the loss that outputs cannot get rid of, to be called confined


@dataclass(frozen=True)
class Score:
    """Accuracy or R^2 of outputs.

    Parameters
    ----------
    kind : str
        ``"accuracy"``, ``"R2"``, or ``"none"`` where outputs and labels are of no known pair.
    value, chance : float
        And what the commonest class, or the mean, gives.
    """

    kind: str
    value: float
    chance: float


@dataclass(frozen=True)
class Confinement:
    """The least loss that outputs can have, freely chosen one by one for each example.

    Parameters
    ----------
    function : str
        Last function of the network: ``softmax``, ``sigmoid``, ``tanh`` or ``relu``.
    confined, free, constant : float
        Least loss of outputs in that function's range; of any outputs; of one output for all.
    """

    function: str
    confined: float
    free: float
    constant: float

    @property
    def share(self) -> float:
        """Part of the loss above its floor, as of a constant output, that stays for good."""
        above = self.constant - self.free
        return (self.confined - self.free) / above if above > 0 else 0.0


@dataclass(frozen=True)
class LinearCase:
    """Least squared errors of linear maps on the examples.

    Parameters
    ----------
    narrowest : int
        The least width of the network: the greatest rank of a map it can be.
    explained, best_explained : float
        Largest R^2 of a map of that rank with intercept, and of any linear map.
    n : int
    """

    narrowest: int
    explained: float
    best_explained: float
    n: int

    @property
    def sentence(self) -> str:
        """The finding in words."""
        return (
            f"The network is linear and its narrowest width is {self.narrowest}: it can reach an "
            f"R^2 of {self.explained:.4g} at most on {self.n} examples, any linear map "
            f"{self.best_explained:.4g}."
        )


@dataclass(frozen=True)
class CapacityEvidence(Evidence):
    """What the network can fit.

    Parameters
    ----------
    loss_before, loss_after : float
        Of the batch, in evaluation mode.
    score : Score
        Of the outputs on the batch after fitting.
    rate, steps : float, int
        Of Adam, in the best of the tries.
    fitted : bool or None
        None where time ended before the tries were through, or outputs cannot be scored.
    fresh : bool
        Whether the best try began from weights initialised anew, after none from the user's fitted.
    scaled : bool
        Whether the batch was not fitted, but was with standardised labels: their scale is at fault.
    half_score, n_half : Score, int
        Where the batch was not fitted: score on many examples (n_half of them) after training on these
        same examples.
    thawed : tuple of str
        Frozen parameters that were trained too, for this question only.
    memorised : int
        Examples with labels drawn at random (permuted) that it fitted: a lower bound of what it can
        memorise; 0 if not even the fewest tried, or outputs cannot be scored.
    rank, width, n_outputs : int
        Numerical rank of the features that the last linear layer reads, over n examples, their
        number, and the network's outputs per example.
    confinement : Confinement or None
        Where a last function confines the outputs.
    linear : LinearCase or None
        The exact answer, for a network that is linear.
    same_as_input : bool
        Whether the labels are the inputs (an autoencoder, whose narrow place is meant).
    """

    loss_before: float = float("nan")
    loss_after: float = float("nan")
    score: Score = dataclasses.field(
        default_factory=lambda: Score("none", float("nan"), float("nan"))
    )
    rate: float = float("nan")
    steps: int = 0
    fitted: bool | None = None
    fresh: bool = False
    scaled: bool = False
    half_score: Score = dataclasses.field(
        default_factory=lambda: Score("none", float("nan"), float("nan"))
    )
    n_half: int = 0
    thawed: tuple[str, ...] = ()
    memorised: int = 0
    rank: int = 0
    width: int = 0
    n_outputs: int = 0
    confinement: Confinement | None = None
    linear: LinearCase | None = None
    same_as_input: bool = False

    @property
    def confined(self) -> bool:
        """Whether the last function keeps the loss well above what other outputs would reach."""
        return self.confinement is not None and self.confinement.share > CONFINED
