"""What parity training is told; needs nothing heavy, so that a command can offer it as options."""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, fields
from numbers import Real
from typing import Literal

from pitfalls.errors import InputError
from pitfalls.integers import require_integer

__all__ = ["LEARNED", "LearningConfig"]

LEARNED = 0.99
"""The accuracy from which a parity counts as learned."""


@dataclass(frozen=True)
class LearningConfig:
    """How to train; the defaults are those of the homework's part (b).

    Parameters
    ----------
    n_hidden : int, optional
        k, the number of hidden units; 10 d by default.
    optimizer : {"sgd", "adam"}
        SGD with ``momentum`` (0 for none), or Adam with ``betas`` and ``epsilon``.
    learning_rate : float
        Of either.
    momentum : float
        As in ``torch.optim.SGD``.
    betas, epsilon : float
        As in ``torch.optim.Adam``.
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
                whole = require_integer("LearningConfig", name, value, least)
                object.__setattr__(self, name, whole)
        for name, known in (
            ("optimizer", ("sgd", "adam")),
            ("loss", ("hinge", "square", "logistic")),
            ("dtype", ("float32", "float64")),
        ):
            if getattr(self, name) not in known:
                raise InputError(
                    f"LearningConfig: {name} must be one of {', '.join(known)}. "
                    f"Got {getattr(self, name)!r} instead."
                )
        for name in ("learning_rate", "epsilon"):
            value = _real(getattr(self, name))
            if value is None or value <= 0:
                raise InputError(
                    f"LearningConfig: {name} must be a positive number. "
                    f"Got {getattr(self, name)!r} instead."
                )
            object.__setattr__(self, name, value)
        given = self.betas
        betas = [_real(beta) for beta in given] if isinstance(given, Sequence) else []
        if len(betas) != 2 or not all(beta is not None and 0 <= beta < 1 for beta in betas):
            raise InputError(f"LearningConfig: betas must be two numbers in [0, 1). Got {given!r}.")
        object.__setattr__(self, "betas", tuple(betas))
        momentum = _real(self.momentum)
        if momentum is None or not 0 <= momentum < 1:
            raise InputError(
                f"LearningConfig: momentum must be a number in [0, 1). Got {self.momentum!r}."
            )
        object.__setattr__(self, "momentum", momentum)
        self._refuse_what_has_no_effect()
        if self.dtype == "float32":
            self._refuse_what_rounds_away()
        if self.n_samples is not None and self.n_samples >= 1 << 32:
            raise InputError(
                f"LearningConfig: n_samples must be below 2^32. Got {self.n_samples}; "
                "leave it out for fresh inputs."
            )

    def _refuse_what_has_no_effect(self) -> None:
        usual = {field.name: field.default for field in fields(LearningConfig)}
        others = ("momentum",) if self.optimizer == "adam" else ("betas", "epsilon")
        for name in others:
            if getattr(self, name) != usual[name]:
                raise InputError(
                    f"LearningConfig: {name} is no setting of {self.optimizer}. Got "
                    f"{getattr(self, name)}; leave it out, or take the other optimizer."
                )

    def _refuse_what_rounds_away(self) -> None:
        """Refuse numbers that float32 makes 0 or 1: nothing would move, or everything be divided by 0."""
        kept = self.betas if self.optimizer == "adam" else (self.momentum,)
        named = {"learning_rate": self.learning_rate}
        named |= {"epsilon": self.epsilon} if self.optimizer == "adam" else {}
        for name, value in named.items():
            if not 0 < _rounded(value) < math.inf:
                raise InputError(
                    f"LearningConfig: {name} = {value:g} is out of float32's range. Take dtype "
                    "'float64', or another number."
                )
        if any(_rounded(value) == 1 for value in kept):
            what = "betas" if self.optimizer == "adam" else "momentum"
            raise InputError(
                f"LearningConfig: {what} rounds to 1 in float32. Got {getattr(self, what)}; take dtype "
                "'float64'."
            )

    def width(self, n_features: int) -> int:
        """K for inputs of d features: ``n_hidden``, or 10 d."""
        return 10 * n_features if self.n_hidden is None else self.n_hidden


def _real(value: object) -> float | None:
    """Return a finite real number as Python's float, and None for anything else."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    return float(value) if math.isfinite(value) else None


def _rounded(value: float) -> float:
    """Round to float32, to infinity where it is out of range."""
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.inf
