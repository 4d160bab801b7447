"""Layers in floating point, for adversaries that move continuously."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "LayerShapes", "chain", "layer_slopes"]

Array = npt.NDArray[np.float64]


def chain(layers: Sequence[Array], size: int) -> Array:
    """Multiply layers given input first; the identity of ``size`` if there are none."""
    result: Array = np.eye(size)
    for layer in layers:
        result = layer @ result
    return result


def layer_slopes(layers: Sequence[Array], sxx: Array, syx: Array) -> list[Array]:
    """Return the derivative of the risk in every layer, each product formed anew."""
    gradient = chain(layers, len(sxx)) @ sxx - syx
    return [
        chain(layers[i + 1 :], len(layer)).T @ gradient @ chain(layers[:i], len(sxx)).T
        for i, layer in enumerate(layers)
    ]


class LayerShapes:
    """Turns layers into one vector and back, as optimisers and integrators want it.

    Parameters
    ----------
    widths : sequence of int
        d_0, ..., d_L.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        self.shapes = [(b, a) for a, b in pairwise(widths)]
        self.size = sum(a * b for a, b in self.shapes)

    def flatten(self, layers: Sequence[Array]) -> Array:
        """Put all entries in one vector."""
        return np.concatenate([layer.ravel() for layer in layers])

    def unflatten(self, vector: Array) -> list[Array]:
        """Cut a vector back into layers."""
        cuts = np.cumsum([a * b for a, b in self.shapes])[:-1]
        pieces = np.split(vector, cuts)
        return [piece.reshape(shape) for piece, shape in zip(pieces, self.shapes, strict=True)]
