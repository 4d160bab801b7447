"""Gradient and Hessian product of the risk, unchecked: what the loops of this lab call.

Arrays or tensors, always of one kind; the layers chain and fit the data. `SquaredRisk` is the door.
A direction may be a stack of directions, on a first axis more.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = [
    "gradients",
    "hessian_product",
    "prefixes",
    "pull_back",
    "size_exponents",
    "without_sizes",
]


def gradients(layers: Sequence[Any], sxx: Any, syx: Any) -> list[Any]:
    """Return ∂R/∂W_i = (W_L...W_{i+1})' G (W_{i-1}...W_1)' for every layer, G = W̄ S_xx − S_yx."""
    before = prefixes(layers)
    return pull_back(layers, before, before[-1] @ sxx - syx)


def pull_back(layers: Sequence[Any], before: Sequence[Any], message: Any) -> list[Any]:
    """Return (W_L...W_{i+1})' G (W_{i-1}...W_1)' for every layer, from `prefixes` and G."""
    found = []
    for i in range(len(layers) - 1, 0, -1):
        found.append(message @ before[i].mT)
        message = layers[i].mT @ message
    found.append(message)
    return found[::-1]


def without_sizes(layers: Sequence[Any]) -> list[Any]:
    """Divide every layer by the power of two next to its largest entry: no product leaves float64's range."""
    return [np.ldexp(w, -e) for w, e in zip(layers, size_exponents(layers), strict=True)]


def size_exponents(layers: Sequence[Any]) -> list[int]:
    """Return the exponent of the power of two next to each layer's largest entry."""
    return [int(np.frexp(np.abs(w).max(initial=0.0))[1]) for w in layers]


def hessian_product(layers: Sequence[Any], steps: Sequence[Any], sxx: Any, syx: Any) -> list[Any]:
    """Multiply the Hessian of the risk with a direction: the derivative of `gradients` along it."""
    before = prefixes(layers)
    moved = [steps[0]]  # derivative of W_i...W_1
    for layer, step, prefix in zip(layers[1:], steps[1:], before[1:-1], strict=True):
        moved.append(step @ prefix + layer @ moved[-1])
    message = before[-1] @ sxx - syx
    moved_message = moved[-1] @ sxx
    products = []
    for i in range(len(layers) - 1, 0, -1):
        products.append(moved_message @ before[i].mT + message @ moved[i - 1].mT)
        moved_message = layers[i].mT @ moved_message + steps[i].mT @ message
        message = layers[i].mT @ message
    products.append(moved_message)
    return products[::-1]


def prefixes(layers: Sequence[Any]) -> list[Any]:
    """Return [None, W_1, W_2 W_1, ..., W_L...W_1]; None stands for the identity."""
    products: list[Any] = [None, layers[0]]
    for layer in layers[1:]:
        products.append(layer @ products[-1])
    return products
