"""Witnesses: what another program can check again, from the model, the loss and the data alone.

Records without torch; each imports what measures when it is checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pitfalls.diagnosis.evidence.capacity import CONFINED, Confinement
from pitfalls.diagnosis.run_witnesses import ScheduleWitness
from pitfalls.diagnosis.wiring_witnesses import (
    CompositionWitness,
    FiniteWitness,
    OutputMixingWitness,
    RayWitness,
    ReachWitness,
    SlopeWitness,
)
from pitfalls.display import Displayed

if TYPE_CHECKING:
    from pitfalls.diagnosis.subject import Subject

__all__ = [
    "AnyWitness",
    "CurvatureWitness",
    "DataWitness",
    "FitWitness",
    "FloorWitness",
    "ScheduleWitness",
    "SignalWitness",
    "UnitsWitness",
]


@dataclass(frozen=True)
class DataWitness:
    """The verdict with the generator's seed that drew halves and permutations.

    Parameters
    ----------
    seed : int
    verdict : str
    p_values : tuple of float
    """

    seed: int
    verdict: str
    p_values: tuple[float, ...]

    def check(self, subject: "Subject") -> bool:
        """Measure again with the same draws."""
        from pitfalls.diagnosis.data import data_verdict, measure_all

        evidence = measure_all(subject, self.seed)
        again = tuple(score.p_value for score in evidence.learners)
        return data_verdict(evidence)[0] == self.verdict and again == self.p_values


@dataclass(frozen=True)
class SignalWitness:
    """The test with its draws: examples and permutations come from a seed.

    Parameters
    ----------
    seed : int
    n_examples, n_permutations : int
    tensors : tuple of str
        Parameters whose gradient is looked at; empty for all.
    p_value : float
    seen : bool
    """

    seed: int
    n_examples: int
    n_permutations: int
    tensors: tuple[str, ...]
    p_value: float
    seen: bool

    def check(self, subject: "Subject") -> bool:
        """Repeat the test with the same draws."""
        from pitfalls.diagnosis.signal import seeded_test

        test = seeded_test(subject, self.seed, self.n_examples, self.n_permutations, self.tensors)
        # the p-value may move by one rank where sums round differently
        near = abs(test.p_value - self.p_value) <= 2.5 / (self.n_permutations + 1)
        return near and test.sees == self.seen


@dataclass(frozen=True)
class UnitsWitness:
    """Units by index, or layers by name, that are as the card says on these examples.

    Parameters
    ----------
    rows : tuple of int
    verdict : str
    place : str
        Of the layer that decided.
    units : tuple of int
        Dead units of that layer.
    """

    rows: tuple[int, ...]
    verdict: str
    place: str
    units: tuple[int, ...]

    def check(self, subject: "Subject") -> bool:
        """Run the examples again."""
        from pitfalls.diagnosis.units import measure_units, units_verdict

        evidence = measure_units(subject, np.array(self.rows))
        verdict, place, _ = units_verdict(evidence)
        dead = {layer.place: layer.dead for layer in evidence.layers}.get(place, ())
        return verdict == self.verdict and place == self.place and dead == self.units


@dataclass(frozen=True, eq=False, repr=False)
class FitWitness(Displayed):
    """Weights at which the batch has the loss and score that the card names.

    Parameters
    ----------
    rows : tuple of int
        The batch.
    weights : dict of str to ndarray
        Parameters and buffers.
    loss, score : float
    """

    rows: tuple[int, ...]
    weights: Mapping[str, np.ndarray]
    loss: float
    score: float

    def check(self, subject: "Subject") -> bool:
        """Put the weights in and run the batch."""
        from pitfalls.diagnosis.scores import scorer_for
        from pitfalls.diagnosis.steps import risk_on
        from pitfalls.diagnosis.weights import put_weights

        if not put_weights(subject, self.weights):
            return False
        rows = np.array(self.rows)
        loss = risk_on(subject, rows)
        outputs, labels = subject.outputs(rows), subject.batch(rows)[1]
        found = scorer_for(subject, outputs, labels)(outputs, labels).value
        same = np.isclose(found, self.score, atol=1e-3, equal_nan=True)
        near = np.isclose(loss, self.loss, rtol=1e-2, atol=1e-4, equal_nan=True)
        return bool(near and same)


@dataclass(frozen=True)
class FloorWitness:
    """A floor of the loss that the network's last function puts in.

    Parameters
    ----------
    rows : tuple of int
    confinement : Confinement
    """

    rows: tuple[int, ...]
    confinement: Confinement

    def check(self, subject: "Subject") -> bool:
        """Find the floor again."""
        from pitfalls.diagnosis.confinement import find_confinement

        again = find_confinement(subject, np.array(self.rows))
        return (
            again is not None
            and again.function == self.confinement.function
            and again.share > CONFINED
        )


@dataclass(frozen=True, eq=False, repr=False)
class CurvatureWitness(Displayed):
    """A direction, its curvature, and the step that lowers the loss both ways.

    Parameters
    ----------
    rows : tuple of int
        The batch.
    direction : ndarray of shape (P,)
        Of length 1, parameters in the model's order.
    curvature, radius, drop : float
    scale : float
        Largest absolute eigenvalue seen: rounding is relative to it.
    verdict : str
    precise : bool
        Whether float64 was tried.
    """

    rows: tuple[int, ...]
    direction: NDArray[np.float64]
    curvature: float
    radius: float
    drop: float
    scale: float
    verdict: str
    precise: bool

    def check(self, subject: "Subject") -> bool:
        """Measure curvature along the direction, gradient and both steps again."""
        from pitfalls.diagnosis.hessian import Hessian
        from pitfalls.diagnosis.saddle import drop_along, product_rounding

        hessian = Hessian(subject, np.array(self.rows), precise=self.precise)
        if hessian.size != len(self.direction):
            return False
        curvature = float(self.direction @ hessian.times(self.direction))
        rounding = product_rounding(hessian, self.scale)
        if abs(curvature - self.curvature) > 1e-3 * abs(self.curvature) + 10 * rounding:
            return False
        if self.verdict != "saddle":
            return True
        drop = drop_along(hessian, self.direction, self.radius, hessian.value())
        return curvature < 0 and drop > 0.5 * self.drop > 0


AnyWitness: TypeAlias = (
    CompositionWitness
    | DataWitness
    | FiniteWitness
    | FitWitness
    | FloorWitness
    | OutputMixingWitness
    | RayWitness
    | ReachWitness
    | CurvatureWitness
    | ScheduleWitness
    | SignalWitness
    | SlopeWitness
    | UnitsWitness
)
"""Every kind of witness that a card may hold."""
