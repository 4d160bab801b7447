"""Families of targets h_v(x) = +-1 by their kernel K(x, x') = E_v h_v(x) h_v(x')."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import comb

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pitfalls.display import Displayed
from pitfalls.errors import InputError

__all__ = ["Kernel", "ListedTargets", "Parities", "krawtchouk"]


class Kernel(ABC):
    """A family of targets with a law, as far as the mean over it shows."""

    @abstractmethod
    def __call__(
        self, x: Float[Tensor, "n d"], other: Float[Tensor, "m d"]
    ) -> Float[Tensor, "n m"]:
        """Return K at all pairs, in float64."""

    def mean(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Return E_v h_v(x), which centring takes away; a kernel without it refuses."""
        raise InputError(
            f"{type(self).__name__}: gives no mean over targets, so it cannot be centred."
        )

    def targets(
        self, x: Float[Tensor, "n d"], rng: np.random.Generator, count: int
    ) -> tuple[Float[Tensor, "n v"], Float[Tensor, " v"]]:
        """Evaluate some targets with their shares in the mean, for networks too large for pairs."""
        raise InputError(
            f"{type(self).__name__}: draws no targets; a network this large needs them. Use a "
            "smaller block_size."
        )


@dataclass(frozen=True)
class Parities(Kernel):
    """Parities (-1)^(v'x) of bits, v uniform over all masks or those of one weight.

    Parameters
    ----------
    weight : int or None
        Number of ones of the mask; None takes all 2^d masks.

    Notes
    -----
    For weight m, K(x, x') = Krawtchouk_m(|x xor x'|; d) / C(d, m); for all masks K = 1 where x = x'
    and 0 elsewhere.
    """

    weight: int | None = None

    def __call__(
        self, x: Float[Tensor, "n d"], other: Float[Tensor, "m d"]
    ) -> Float[Tensor, "n m"]:
        """Return K at all pairs."""
        a, b = _bits(x), _bits(other)
        far = (a.sum(1)[:, None] + b.sum(1)[None] - 2 * a @ b.T).round().long()
        return self._table(x.shape[1]).to(far.device)[far]

    def mean(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Return E_v h_v(x): K at the pair (x, 0), where every parity is one."""
        return self._table(x.shape[1]).to(x.device)[_bits(x).sum(1).long()]

    def targets(
        self, x: Float[Tensor, "n d"], rng: np.random.Generator, count: int
    ) -> tuple[Float[Tensor, "n v"], Float[Tensor, " v"]]:
        """Evaluate parities with random masks.

        Of all masks one of each weight is drawn: those of few bits carry the mean and are rare, and an
        interval over masks drawn at random would seldom have met one.
        """
        d = x.shape[1]
        self._table(d)  # refuses a weight that no mask has
        every = self.weight is None
        weights = list(range(d + 1)) if self.weight is None else [self.weight] * count
        shares = [comb(d, m) / 2**d if every else 1 / count for m in weights]
        masks = np.zeros((len(weights), d), dtype=np.int64)
        for row, weight in zip(masks, weights, strict=True):
            row[rng.choice(d, weight, replace=False)] = 1
        odd = (_bits(x) @ torch.from_numpy(masks).double().to(x.device).T) % 2
        return 1 - 2 * odd, torch.tensor(shares, dtype=torch.float64)

    def _table(self, d: int) -> Tensor:
        if self.weight is None:
            values = np.zeros(d + 1)
            values[0] = 1
        else:
            if not 0 <= self.weight <= d:
                raise InputError(
                    f"Parities: weight must be from 0 to {d}, the number of bits. Got {self.weight}."
                )
            values = krawtchouk(self.weight, d)
        return torch.from_numpy(values)


def krawtchouk(m: int, d: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return Krawtchouk_m(s; d) / C(d, m) for s = 0, ..., d, from exact integers."""
    total = comb(d, m)
    sums = [
        sum((-1) ** j * comb(s, j) * comb(d - s, m - j) for j in range(m + 1)) for s in range(d + 1)
    ]
    return np.array([value / total for value in sums])


def _bits(x: Tensor) -> Tensor:
    bits = x.double()
    if bits.ndim != 2 or not bool(((bits == 0) | (bits == 1)).all()):
        raise InputError("Parities: inputs must be bits 0 and 1 of shape (n, d).")
    return bits


@dataclass(frozen=True, repr=False)
class ListedTargets(Displayed, Kernel):
    """A list of targets, each as likely as the others.

    Parameters
    ----------
    functions : callable
        From inputs (n, d) to the values of all targets, +1 or -1, of shape (n, V).
    """

    functions: Callable[[Tensor], Tensor]

    def __call__(
        self, x: Float[Tensor, "n d"], other: Float[Tensor, "m d"]
    ) -> Float[Tensor, "n m"]:
        """Return the mean outer product."""
        here, there = self._values(x), self._values(other)
        return here @ there.T / here.shape[1]

    def mean(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Return the mean of all targets."""
        return self._values(x).mean(1)

    def targets(
        self, x: Float[Tensor, "n d"], rng: np.random.Generator, count: int
    ) -> tuple[Float[Tensor, "n v"], Float[Tensor, " v"]]:
        """Return some of the targets, drawn without replacement; all of them if they are few."""
        values = self._values(x)
        if values.shape[1] > count:
            values = values[:, torch.from_numpy(rng.choice(values.shape[1], count, replace=False))]
        return values, torch.full((values.shape[1],), 1 / values.shape[1], dtype=torch.float64)

    def _values(self, x: Tensor) -> Tensor:
        values = self.functions(x)
        if values.ndim != 2 or len(values) != len(x):
            raise InputError(
                f"ListedTargets: functions must give (n, V). Got {tuple(values.shape)} for {len(x)} "
                "inputs."
            )
        values = values.double()
        if not bool((values.abs() == 1).all()):
            raise InputError(
                "ListedTargets: functions must give +1 and -1. Got other values; of targets of 0 and 1 "
                "give 2 t - 1."
            )
        return values
