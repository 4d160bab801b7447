"""Witnesses of the wiring: composition and mixing, what no gradient reaches, slopes, losses without a floor.

Records without torch; each imports what measures when it is checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pitfalls.diagnosis.evidence.wiring import Composition, Slope
from pitfalls.display import Displayed

if TYPE_CHECKING:
    from pitfalls.diagnosis.subject import Subject

__all__ = [
    "CompositionWitness",
    "FiniteWitness",
    "OutputMixingWitness",
    "RayWitness",
    "ReachWitness",
    "SlopeWitness",
]


@dataclass(frozen=True)
class FiniteWitness:
    """Where a number is not finite.

    Parameters
    ----------
    where : str
        As `WiringEvidence.not_finite`.
    rows : tuple of int
    """

    where: str
    rows: tuple[int, ...]

    def check(self, subject: "Subject") -> bool:
        """Look again."""
        from pitfalls.diagnosis.wiring import first_not_finite

        return first_not_finite(subject, np.array(self.rows)) == self.where


@dataclass(frozen=True)
class OutputMixingWitness:
    """A sample whose output changes, or does not, with another sample of the batch.

    Parameters
    ----------
    rows, others : tuple of int
        The batch and its replacements.
    mixes : bool
        The claim.
    fixed_norms : bool
        Whether batch norms without statistics were given fixed ones first.
    """

    rows: tuple[int, ...]
    others: tuple[int, ...]
    mixes: bool
    fixed_norms: bool

    def check(self, subject: "Subject") -> bool:
        """Replace the samples again."""
        from pitfalls.diagnosis import mixing

        if self.fixed_norms:
            mixing.give_statistics(mixing.batch_norm_without_statistics(subject.model))
        found = mixing.output_mixing(subject, np.array(self.rows), np.array(self.others))
        return found.mixes is self.mixes


@dataclass(frozen=True)
class CompositionWitness:
    """How the loss of a batch is made of the losses of its samples.

    Parameters
    ----------
    rows : tuple of int
        The batch.
    composition : str
        The claim.
    batch, mean, total, pairs : float
        Loss of the batch; mean and sum of the losses one by one; mean over every output with every
        label.
    """

    rows: tuple[int, ...]
    composition: Composition
    batch: float
    mean: float
    total: float
    pairs: float

    def check(self, subject: "Subject") -> bool:
        """Compute the losses again: the same numbers, and the same relation."""
        from pitfalls.diagnosis.mixing import loss_composition

        again = loss_composition(subject, np.array(self.rows))
        return again.composition == self.composition and bool(
            np.isclose(again.batch, self.batch, rtol=1e-4, atol=1e-7)
        )


@dataclass(frozen=True)
class ReachWitness:
    """Names of parameters, and the batch that shows what holds of them.

    Parameters
    ----------
    rows : tuple of int
    cut, frozen : tuple of str
        As in `Reach`.
    trained : tuple of str
        Parameters that get a gradient.
    not_in_optimizer : tuple of str
        As in `Reach`.
    given : tuple of str or None
        Parameters that the optimizer was given, so that what it lacks can be told without it. That its
        ``zero_grad()`` leaves gradients behind is a matter of its own code, and is not checked again.
    """

    rows: tuple[int, ...]
    cut: tuple[str, ...]
    frozen: tuple[str, ...]
    trained: tuple[str, ...]
    not_in_optimizer: tuple[str, ...]
    given: tuple[str, ...] | None

    def check(self, subject: "Subject") -> bool:
        """Take the backward pass again."""
        from pitfalls.diagnosis.reach import reach

        if self.given is not None:
            parameters = subject.parameters()
            if not set(self.given) <= set(parameters):
                return False
            subject.optimizer = _Listed([parameters[name] for name in self.given])
        again = reach(subject, np.array(self.rows))
        reached = {n for n, p in subject.parameters().items() if p.requires_grad}
        reached -= {*again.cut, *again.unused}
        return (
            again.cut == self.cut
            and again.frozen == self.frozen
            and again.not_in_optimizer == self.not_in_optimizer
            and reached >= set(self.trained)
        )


class _Listed:
    """In the place of an optimizer: what it was given."""

    def __init__(self, parameters: list[Any]) -> None:
        self.param_groups = [{"params": parameters}]

    def zero_grad(self) -> None:
        """Do nothing: nobody asks here what it leaves behind."""


@dataclass(frozen=True)
class SlopeWitness:
    """A parameter tensor along whose gradient the loss does not fall as the gradient says.

    Parameters
    ----------
    rows : tuple of int
    slope : Slope
    """

    rows: tuple[int, ...]
    slope: Slope

    def check(self, subject: "Subject") -> bool:
        """Take gradient and differences again."""
        from pitfalls.diagnosis.slopes import check_slopes

        again = check_slopes(subject, np.array(self.rows), (self.slope.name,))
        if not again or again[0].agrees != self.slope.agrees:
            return False
        found = again[0]
        return (found.stopped, found.stepped) == (self.slope.stopped, self.slope.stepped)


@dataclass(frozen=True, eq=False, repr=False)
class RayWitness(Displayed):
    """A direction in parameter space along which the loss falls without limit.

    Parameters
    ----------
    rows : tuple of int
        The batch; its labels are kept, its inputs are all the first one's.
    direction : dict of str to ndarray
        By parameter.
    radii, losses : tuple of float
        Along the direction, each radius twice the one before.
    """

    rows: tuple[int, ...]
    direction: Mapping[str, NDArray[np.float64]]
    radii: tuple[float, ...]
    losses: tuple[float, ...]

    def check(self, subject: "Subject") -> bool:
        """Go along the direction again."""
        from pitfalls.diagnosis.unbounded import along, falls_without_limit

        losses = along(subject, np.array(self.rows), self.direction, self.radii)
        return falls_without_limit(losses, along(subject, np.array(self.rows), {}, (0.0,))[0])
