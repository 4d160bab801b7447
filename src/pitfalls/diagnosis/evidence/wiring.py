"""What question 1 finds: how samples, parameters and gradients hang together."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from pitfalls.diagnosis.cards import Evidence

__all__ = ["Composition", "OutputMixing", "Reach", "Slope", "WiringEvidence"]

Composition: TypeAlias = Literal[
    "mean", "sum", "weighted mean", "sum plus a constant", "every pair", "other", "undecided"
]

_WRONG = 0.05  # relative error of the gradient that is called wrong
_CONVERGED = 0.005  # of the finite differences among themselves
_LEVEL = 1e-6  # of the gradient: a slope below it is none


@dataclass(frozen=True)
class OutputMixing:
    """Dependence of outputs on other samples.

    Parameters
    ----------
    mixes : bool or None
        None where outputs do not react to their own input either.
    influence : float
        The largest change of an output when another sample is replaced, as a share of the median
        change when its own is.
    replaced, affected : int
        The pair of places in the batch where it was largest.
    """

    mixes: bool | None
    influence: float
    replaced: int
    affected: int


@dataclass(frozen=True)
class Slope:
    """Slope of the loss along the gradient of one parameter tensor.

    Parameters
    ----------
    name : str
    by_gradient : float
        What the backward pass says: the norm of that gradient.
    by_difference : float
        What central differences of the loss say.
    spread : float
        Difference between the two best steps: how far they can be trusted.
    rounding : float
        Size of the rounding of the user's gradient in its own precision.
    stopped : bool
        Whether the two agree once nothing is detached and no hook within the network is left: the
        gradient is stopped or changed on its way, as focal weights, straight-through estimates and twin
        networks do on purpose.
    stepped : bool
        Whether nothing stopped explains it, but the loss is level there, or a function with a backward pass
        of its own goes in steps, as signs and rounded numbers do: a gradient stands in for its slope.
    """

    name: str
    by_gradient: float
    by_difference: float
    spread: float
    rounding: float
    stopped: bool = False
    stepped: bool = False

    @property
    def level(self) -> bool:
        """Whether the loss has no slope where the backward pass gives one."""
        return abs(self.by_difference) <= _LEVEL * self.by_gradient

    @property
    def agrees(self) -> bool | None:
        """Whether the two are the same; None where the differences do not settle."""
        size = max(abs(self.by_gradient), abs(self.by_difference))
        if size == 0:
            return True
        if not np.isfinite([size, self.spread]).all():
            return None
        gap = abs(self.by_gradient - self.by_difference)
        if gap <= 0.01 * size + 3 * self.spread + self.rounding:
            return True
        wrong = (
            gap > _WRONG * size + 10 * self.spread + 10 * self.rounding
            and self.spread <= _CONVERGED * size
        )
        return False if wrong else None


@dataclass(frozen=True)
class Reach:
    """Parameters by what keeps them from being trained.

    Parameters
    ----------
    cut : tuple of str
        Ask for a gradient, change what the loss looks at when they are changed, get no gradient, and were
        given to the optimizer (where there is one). Not where they are copies of trained ones, as a
        teacher's are.
    unused : tuple of str
        Ask for a gradient, get none, and change nothing that the loss looks at.
    frozen : tuple of str
        Ask for no gradient although they change the outputs.
    frozen_fresh : tuple of str
        Those of them whose values are still spread as a random initialisation spreads them.
    not_in_optimizer : tuple of str
        Get a gradient, and are not in the optimizer, which may be meant only of trained weights.
    outside_model : tuple of str
        Shapes of trainable tensors that the outputs come from, in neither the model nor the optimizer.
    kept_out : tuple of str
        Get a gradient, and are not in the optimizer, but were trained before: features that are used.
    beside_model : tuple of str
        Those that the loss alone reaches, as another network's that judges the outputs.
    frozen_in_optimizer : tuple of str
        Of the frozen ones, those that the optimizer was given.
    gradients_kept : bool
        Whether ``optimizer.zero_grad()`` leaves gradients behind.
    """

    cut: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    frozen_fresh: tuple[str, ...] = ()
    not_in_optimizer: tuple[str, ...] = ()
    outside_model: tuple[str, ...] = ()
    beside_model: tuple[str, ...] = ()
    kept_out: tuple[str, ...] = ()
    frozen_in_optimizer: tuple[str, ...] = ()
    gradients_kept: bool = False


@dataclass(frozen=True)
class WiringEvidence(Evidence):
    """What holds of the wiring.

    Parameters
    ----------
    not_finite : str
        Where the first NaN or infinity stands: ``"parameter fc.weight"``, ``"inputs"``,
        ``"labels"``, ``"outputs"``, ``"loss"``, ``"gradient of fc.weight"``, or empty.
    composition : str
        How the loss of a batch comes from its samples: ``"mean"``, ``"sum"``, ``"weighted mean"``,
        ``"sum plus a constant"``, ``"every pair"``, ``"other"`` or ``"undecided"``.
    batch_loss, mean_loss, sum_loss, pairs_loss : float
        The loss of one batch; mean and sum of the losses of its samples one by one; the mean over
        every output with every label.
    mixing : OutputMixing or None
    mixes_by_batch_norm : bool
        Whether batch norms that keep no statistics were given fixed ones before asking.
    reach : Reach or None
    slopes : tuple of Slope
        By parameter tensor.
    unbounded : bool
        Whether the loss falls without limit though all samples have one input.
    changes_input : bool
        Whether the model writes into the batch that it is given.
    training : bool
        Whether the model came in training mode.
    evaluates_otherwise : bool
        Whether outputs in evaluation mode are of another kind than in training (probabilities in place of
        logits, say, or fewer of them), so that the loss was looked at as training sees it.
    """

    not_finite: str = ""
    composition: Composition = "undecided"
    batch_loss: float = float("nan")
    mean_loss: float = float("nan")
    sum_loss: float = float("nan")
    pairs_loss: float = float("nan")
    mixing: OutputMixing | None = None
    mixes_by_batch_norm: bool = False
    reach: Reach | None = None
    slopes: tuple[Slope, ...] = ()
    unbounded: bool = False
    changes_input: bool = False
    training: bool = True
    evaluates_otherwise: bool = False

    @property
    def wrong_slopes(self) -> tuple[Slope, ...]:
        """Parameters whose gradient is not the slope of the loss; neither stops nor steps say why."""
        return tuple(s for s in self.slopes if s.agrees is False and not (s.stopped or s.stepped))

    @property
    def stopped_slopes(self) -> tuple[Slope, ...]:
        """Parameters whose gradient is not the slope of the loss because of stops or of steps."""
        return tuple(s for s in self.slopes if s.agrees is False and (s.stopped or s.stepped))
