"""What parity training is told and what it hands back: config, curve, state and result."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from pitfalls.errors import InputError
from pitfalls.parity import kernel
from pitfalls.parity.checks import require_integer
from pitfalls.parity.evaluation import Evaluation
from pitfalls.parity.network import TwoLayerReLU
from pitfalls.parity.task import ParityTask

__all__ = [
    "LEARNED",
    "TrainingConfig",
    "TrainingCurve",
    "TrainingResult",
    "TrainingState",
    "first_reached",
]

LOSSES = {"hinge": kernel.HINGE, "square": kernel.SQUARE, "logistic": kernel.LOGISTIC}
OPTIMIZERS = {"sgd": kernel.SGD, "adam": kernel.ADAM}


@dataclass(frozen=True)
class TrainingConfig:
    """How to train; the defaults are those of the homework's part (b).

    Parameters
    ----------
    n_hidden : int, optional
        k, the number of hidden units; 10 d by default.
    optimizer : {"sgd", "adam"}
        SGD with ``momentum`` (0 for none), or Adam with ``betas`` and ``epsilon``.
    learning_rate, momentum, betas, epsilon : float
        As in ``torch.optim.SGD`` and ``torch.optim.Adam``.
    loss : {"hinge", "square", "logistic"}
    batch_size : int
        Inputs an iteration.
    n_iterations : int
    n_samples : int, optional
        Train on a fixed set of that many inputs, each batch drawn from it with replacement.
        By default every batch is fresh.
    record_every : int
        Iterations between two points of the curve.
    seed : int
        Decides the initial weights and the inputs (not the mask: that is the task's).
    dtype : {"float32", "float64"}
    """

    n_hidden: int | None = None
    optimizer: Literal["sgd", "adam"] = "sgd"
    learning_rate: float = 0.001
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    loss: Literal["hinge", "square", "logistic"] = "hinge"
    batch_size: int = 100
    n_iterations: int = 50_000
    n_samples: int | None = None
    record_every: int = 200
    seed: int = 0
    dtype: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        optional = ("n_hidden", "n_samples")
        for name in ("n_hidden", "batch_size", "n_iterations", "n_samples", "record_every", "seed"):
            value = getattr(self, name)
            if value is not None or name not in optional:
                least = 0 if name == "seed" else 1
                whole = require_integer("TrainingConfig", name, value, least)
                object.__setattr__(self, name, whole)
        for name, known in (
            ("optimizer", OPTIMIZERS),
            ("loss", LOSSES),
            ("dtype", ("float32", "float64")),
        ):
            if getattr(self, name) not in known:
                raise InputError(
                    f"TrainingConfig: {name} must be one of {', '.join(known)}. "
                    f"Got {getattr(self, name)!r} instead."
                )
        for name in ("learning_rate", "epsilon"):
            value = _real(getattr(self, name))
            if value is None or value <= 0:
                raise InputError(
                    f"TrainingConfig: {name} must be a positive number. "
                    f"Got {getattr(self, name)!r} instead."
                )
            object.__setattr__(self, name, value)
        given = self.betas
        betas = [_real(beta) for beta in given] if isinstance(given, Sequence) else []
        if len(betas) != 2 or not all(beta is not None and 0 <= beta < 1 for beta in betas):
            raise InputError(f"TrainingConfig: betas must be two numbers in [0, 1). Got {given!r}.")
        object.__setattr__(self, "betas", tuple(betas))
        momentum = _real(self.momentum)
        if momentum is None or not 0 <= momentum < 1:
            raise InputError(
                f"TrainingConfig: momentum must be a number in [0, 1). Got {self.momentum!r}."
            )
        object.__setattr__(self, "momentum", momentum)
        if self.n_samples is not None and self.n_samples >= 1 << 32:
            raise InputError(
                f"TrainingConfig: n_samples must be below 2^32. Got {self.n_samples}; "
                "leave it out for fresh inputs."
            )

    def width(self, n_features: int) -> int:
        """K for inputs of d features: ``n_hidden``, or 10 d."""
        return 10 * n_features if self.n_hidden is None else self.n_hidden


def _real(value: object) -> float | None:
    """Return a finite real number as Python's float, and None for anything else."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    return float(value) if math.isfinite(value) else None


LEARNED = 0.99
"""The accuracy from which a parity counts as learned."""


def first_reached(
    step: NDArray[np.int64], accuracy: NDArray[np.float64], level: float = LEARNED
) -> int | None:
    """Return the first step at which a recorded accuracy reaches a level, or None.

    Examples
    --------
    >>> first_reached(np.array([200, 400]), np.array([0.5, 0.995]))
    400
    """
    reached = np.flatnonzero(accuracy >= level)
    return int(step[reached[0]]) if reached.size else None


@dataclass(frozen=True, eq=False)
class TrainingCurve:
    """What was seen on the way, one entry a record.

    Attributes
    ----------
    step : array of int64
        Iterations done.
    batch_loss : array of float64
        Loss of the last batch before ``step``, taken before its update: what a loop that prints
        its loss now and then shows.
    loss, accuracy : array of float64
        Means over all batches since the record before. With fresh inputs these are unbiased
        estimates of risk and accuracy; on a fixed set they are those of the training set.
    """

    step: NDArray[np.int64]
    batch_loss: NDArray[np.float64]
    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    def iterations_to(self, accuracy: float = LEARNED) -> int | None:
        """First recorded step with at least that accuracy since the record before, or None."""
        return first_reached(self.step, self.accuracy, accuracy)


CURVE = tuple(entry.name for entry in fields(TrainingCurve))
"""The columns of a curve, in order."""

_STATE = ("parameters", "momentum", "second")


@dataclass(frozen=True, eq=False)
class TrainingState:
    """All that training needs to go on, bit for bit.

    The inputs of a step are a function of the seed and the step, so the step is the state of the
    random generator.

    Attributes
    ----------
    step : int
        Iterations done.
    parameters : Tensor of shape (P,)
        In the homework's order (:meth:`TwoLayerReLU.flat_parameters`).
    momentum, second : Tensor of shape (P,)
        The optimiser's moments; ``second`` is Adam's only.
    curve : TrainingCurve
        The records up to here.
    """

    step: int
    parameters: Float[Tensor, " P"]
    momentum: Float[Tensor, " P"]
    second: Float[Tensor, " P"]
    curve: TrainingCurve

    def network(self, n_features: int) -> TwoLayerReLU:
        """Build the network with these parameters."""
        n_hidden = (self.parameters.numel() - 1) // (n_features + 2)
        network = TwoLayerReLU(n_features, n_hidden, seed=0, dtype=self.parameters.dtype)
        return network.load_flat(self.parameters)

    def tensors(self) -> dict[str, Tensor]:
        """Return everything but ``step`` as named tensors, for a checkpoint."""
        own = {name: getattr(self, name) for name in _STATE}
        curve = {f"curve_{name}": torch.from_numpy(getattr(self.curve, name)) for name in CURVE}
        return {**own, **curve}

    @classmethod
    def from_tensors(cls, step: int, tensors: Mapping[str, Any]) -> "TrainingState":
        """Undo :meth:`tensors`."""
        own = {name: torch.as_tensor(tensors[name]) for name in _STATE}
        curve = {name: np.asarray(tensors[f"curve_{name}"]) for name in CURVE}
        return cls(step=step, curve=TrainingCurve(**curve), **own)


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """A trained network and how it came to be.

    Attributes
    ----------
    task, config
        As given.
    state : TrainingState
        The last; hand it to :func:`train` with a larger ``n_iterations`` to go on.
    evaluation : Evaluation
        Of the last network.
    network : TwoLayerReLU
        The last network.
    diverged : bool
        Whether training left the finite numbers: then ``state`` is the last finite one. Set by
        :func:`train_ensemble` only; :func:`train` raises.
    """

    task: ParityTask
    config: TrainingConfig
    state: TrainingState
    evaluation: Evaluation
    network: TwoLayerReLU = field(repr=False)
    diverged: bool = False

    @property
    def curve(self) -> TrainingCurve:
        """Loss and accuracy on the way."""
        return self.state.curve
