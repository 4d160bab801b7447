"""Fully connected networks of any depth, with one activation."""

import itertools
from collections.abc import Callable, Sequence
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pitfalls.errors import InputError
from pitfalls.integers import require_integer

__all__ = ["ACTIVATIONS", "Activation", "DeepNetwork"]

Activation = Literal["sigmoid", "tanh", "relu"]

ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "relu": (torch.relu, lambda h: (h > 0).to(h.dtype)),
    "sigmoid": (torch.sigmoid, lambda h: h * (1 - h)),
    "tanh": (torch.tanh, lambda h: 1 - h.square()),
}
"""Each activation, and its slope as a function of its value."""

_STEEPEST = {"sigmoid": 0.25, "tanh": 1.0, "relu": 1.0}


class DeepNetwork(nn.Module):
    """A fully connected network with one linear output.

    Parameters
    ----------
    n_features : int
        d, the number of inputs.
    widths : sequence of int
        Hidden widths, first layer first; their number is the depth. Empty: a linear function.
    activation : {"sigmoid", "tanh", "relu"}
    seed : int, optional
        Decides the initial weights, PyTorch's default for ``nn.Linear``; by default they come
        from PyTorch's global generator.

    Examples
    --------
    >>> network = DeepNetwork(5, [50, 50, 50], "sigmoid", seed=0)
    >>> network(torch.zeros(7, 5)).shape
    torch.Size([7])
    """

    def __init__(
        self,
        n_features: int,
        widths: Sequence[int],
        activation: Activation = "sigmoid",
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        n_features = require_integer("DeepNetwork", "n_features", n_features, 1)
        widths = [require_integer("DeepNetwork", "a width", width, 1) for width in widths]
        sizes = [n_features, *widths, 1]
        if activation not in ACTIVATIONS:
            raise InputError(
                f"DeepNetwork: activation must be one of {', '.join(get_args(Activation))}. "
                f"Got {activation!r} instead."
            )
        self.n_features = n_features
        self.widths = tuple(widths)
        self.activation: Activation = activation
        with torch.random.fork_rng(devices=[], enabled=seed is not None):
            if seed is not None:
                torch.manual_seed(require_integer("DeepNetwork", "seed", seed))
            pairs = itertools.pairwise(sizes)
            self.layers = nn.ModuleList(nn.Linear(n_in, n_out) for n_in, n_out in pairs)

    @property
    def steepest(self) -> float:
        """c, the largest slope of the activation: 1/4 for the sigmoid, 1 for tanh and ReLU."""
        return _STEEPEST[self.activation]

    def forward(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """Evaluate f; no trailing axis, so that outputs meet labels of shape (n,)."""
        for layer in self.layers[:-1]:
            x = ACTIVATIONS[self.activation][0](layer(x))
        values: Tensor = self.layers[-1](x)
        return values.squeeze(-1)
