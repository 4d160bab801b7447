"""Parity tasks: inputs uniform on the cube, labels (-1)^(v . x) for a hidden mask v."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Real, Shaped
from numpy.typing import ArrayLike
from torch import Tensor

from pitfalls.errors import InputError, ResourceError
from pitfalls.integers import require_integer

__all__ = ["ParityTask", "cube"]

LARGEST = 1_000_000
"""Features of a task: no network on more would fit a machine."""
# 2^d inputs of d floats: 2^24 of them are 1.6 GB in float32, and nothing needs that table.
_LARGEST_TABLE = 24


def cube(
    n_features: int, *, dtype: torch.dtype = torch.float32
) -> Shaped[Tensor, "2**{n_features} {n_features}"]:
    """List every input of {0, 1}^d, input number i holding bit j of i in column j.

    Parameters
    ----------
    n_features : int
        d, at most 24.
    dtype : torch.dtype
        Type of the entries, all exactly 0 or 1.

    Returns
    -------
    Tensor of shape (2^d, d)

    Raises
    ------
    ResourceError
        If d > 24: the table would not fit. ``gradient_signal`` streams instead.
    """
    n_features = require_integer("cube", "n_features", n_features, 1)
    if n_features > _LARGEST_TABLE:
        need = 2.0**n_features * n_features * 4 / 2**30
        raise ResourceError(
            f"cube: a table of all 2^{n_features} inputs takes {need:.3g} GiB; the limit is "
            f"2^{_LARGEST_TABLE} rows. Sample instead, or let gradient_signal stream over them."
        )
    number = torch.arange(1 << n_features)
    return (number[:, None] >> torch.arange(n_features) & 1).to(dtype)


def _too_large(who: str, n_features: int) -> InputError:
    return InputError(f"{who}: n_features must be at most {LARGEST:,}. Got {n_features:,} instead.")


@dataclass(frozen=True)
class ParityTask:
    """The parity of the features that a mask picks.

    Parameters
    ----------
    mask : sequence of d numbers, each 0 or 1
        v of the homework: which features count. A list, array or tensor; kept as a tuple,
        so tasks compare, hash and print.

    Examples
    --------
    >>> task = ParityTask([1, 0, 1])
    >>> task.n_features, task.weight, task.index
    (3, 2, 5)
    >>> task.labels(torch.tensor([[0.0, 1, 1], [1, 0, 1]]))
    tensor([-1.,  1.])
    """

    mask: tuple[int, ...]

    def __init__(self, mask: Sequence[int] | ArrayLike | Tensor) -> None:
        values = np.asarray(mask.detach().cpu() if isinstance(mask, Tensor) else mask)
        if values.size > LARGEST:
            raise _too_large("ParityTask", values.size)
        if values.ndim != 1 or values.size == 0:
            raise InputError(
                "ParityTask: mask must be one row of at least one 0 or 1. "
                f"Got an array of shape {values.shape} instead."
            )
        wrong = ~np.isin(values, (0, 1))
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            raise InputError(
                f"ParityTask: every entry of mask must be 0 or 1. Got {values[at]} at position "
                f"{at} instead."
            )
        object.__setattr__(self, "mask", tuple(int(value) for value in values))

    @classmethod
    def random(cls, n_features: int, seed: int, weight: int | None = None) -> "ParityTask":
        """Draw a mask uniformly from {0, 1}^d, or from those of one Hamming weight.

        Parameters
        ----------
        n_features : int
            d >= 1.
        seed : int
            The same seed gives the same mask.
        weight : int, optional
            |v|, the number of ones; 0 <= weight <= d.

        Raises
        ------
        InputError
            If d < 1 or d > 1,000,000, or no mask has that weight.
        """
        n_features = require_integer("ParityTask.random", "n_features", n_features, 1)
        if n_features > LARGEST:
            raise _too_large("ParityTask.random", n_features)
        seed = require_integer("ParityTask.random", "seed", seed)
        generator = torch.Generator().manual_seed(seed)
        if weight is None:
            return cls(torch.randint(2, (n_features,), generator=generator))
        weight = require_integer("ParityTask.random", "weight", weight)
        if not 0 <= weight <= n_features:
            raise InputError(
                f"ParityTask.random: weight must be between 0 and n_features = {n_features}. "
                f"Got {weight} instead."
            )
        mask = torch.zeros(n_features, dtype=torch.int64)
        mask[torch.randperm(n_features, generator=generator)[:weight]] = 1
        return cls(mask)

    @property
    def n_features(self) -> int:
        """d, the number of features."""
        return len(self.mask)

    @property
    def weight(self) -> int:
        """|v|, the number of features that count: the difficulty of the task."""
        return sum(self.mask)

    @property
    def index(self) -> int:
        """The mask as an integer, feature j its bit j: its row in ``target_gradients``."""
        return sum(bit << j for j, bit in enumerate(self.mask))

    def mask_tensor(
        self, *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
    ) -> Shaped[Tensor, " d"]:
        """Return the mask as a tensor."""
        return torch.tensor(self.mask, dtype=dtype, device=device)

    def labels(self, x: Shaped[Tensor, "*batch _"]) -> Real[Tensor, "*batch"]:
        """Label inputs: +1 where an even number of the masked features is set, -1 where odd.

        Parameters
        ----------
        x : Tensor of shape (..., d)
            Entries 0 or 1, of a type that has negative numbers.

        Returns
        -------
        Tensor of shape (...), of the type of x
            Exact for every type: the ones are counted as integers.

        Raises
        ------
        InputError
            If an entry is neither 0 nor 1 (for signs give ``(1 - x) / 2``), or the shape or type
            is another.
        """
        if x.shape[-1:] != (self.n_features,):
            raise InputError(
                f"ParityTask.labels: x must be of shape (..., {self.n_features}). "
                f"Got {tuple(x.shape)} instead."
            )
        if not x.dtype.is_signed or x.is_complex():
            raise InputError(
                "ParityTask.labels: x must be of a real type that can hold -1. "
                f"Got {str(x.dtype).removeprefix('torch.')}; convert it first."
            )
        ones = x == 1
        if not bool((ones | (x == 0)).all()):
            raise InputError(
                "ParityTask.labels: every entry of x must be 0 or 1. Got others; for inputs that "
                "are signs give (1 - x) / 2."
            )
        mask = self.mask_tensor(dtype=torch.bool, device=x.device)
        odd = (ones & mask).sum(-1) % 2  # counted in int64
        return (1 - 2 * odd).to(x.dtype)

    def sample(
        self,
        n: int,
        generator: torch.Generator | None = None,
        *,
        dtype: torch.dtype = torch.float32,
    ) -> tuple[Real[Tensor, "{n} {self.n_features}"], Real[Tensor, " {n}"]]:
        """Draw inputs uniformly, with their labels.

        Parameters
        ----------
        n : int
            How many.
        generator : torch.Generator, optional
            Where the random bits come from (its device is used); by default the global one.

        Returns
        -------
        x : Tensor of shape (n, d)
            Entries 0 or 1.
        y : Tensor of shape (n,)
            Labels, -1 or +1.
        """
        n = require_integer("ParityTask.sample", "n", n, 0)
        device = "cpu" if generator is None else generator.device
        bits = torch.randint(2, (n, self.n_features), generator=generator, device=device)
        x = bits.to(dtype)
        return x, self.labels(x)

    def all_inputs(self, *, dtype: torch.dtype = torch.float32) -> Shaped[Tensor, "n d"]:
        """List all 2^d inputs in the order of :func:`cube` (d <= 24)."""
        return cube(self.n_features, dtype=dtype)
