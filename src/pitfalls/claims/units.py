"""Two-layer networks in integers, and the search for an input that they get wrong."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product as tuples
from typing import Any

import numpy as np

from pitfalls.claims.claim import Search
from pitfalls.parity import TwoLayerReLU

__all__ = [
    "Build",
    "ExactUnits",
    "attack_construction",
    "cube_rows",
    "one_input_a_sum",
    "require_exact",
    "units_of",
    "wrong_inputs",
]

Build = Callable[[Sequence[int]], TwoLayerReLU]
"""Makes the network of a mask."""


@dataclass(frozen=True, eq=False)
class ExactUnits:
    """A two-layer ReLU network in integers: value(x) = f(x) times ``scale``, without rounding."""

    weights: np.ndarray
    biases: np.ndarray
    outputs: np.ndarray
    offset: int
    scale: int

    def values(self, x: np.ndarray) -> np.ndarray:
        """Evaluate at integer inputs of shape (n, d); divide by ``scale`` for f."""
        hidden = np.maximum(x.astype(self.weights.dtype) @ self.weights.T + self.biases, 0)
        result: np.ndarray = hidden @ self.outputs + self.offset
        return result


def _denominator(values: np.ndarray) -> int:
    """Return the least power of two that makes all values whole; scaling by it is exact."""
    scale = 1
    while not bool(np.all(values * scale == np.floor(values * scale))):
        scale *= 2
    return scale


def units_of(network: TwoLayerReLU) -> ExactUnits:
    """Take the parameters of a network over as the binary fractions that they are."""
    d, k = network.n_features, network.n_hidden
    flat = network.flat_parameters().double().numpy()
    inner, outer = flat[: d * k + k], flat[d * k + k :]
    inner_scale, outer_scale = _denominator(inner), _denominator(outer)
    whole = [int(value * inner_scale) for value in inner]
    *outputs, constant = (int(value * outer_scale) for value in outer)
    offset, scale = constant * inner_scale, inner_scale * outer_scale
    largest = sum(map(abs, whole)) * max([1, *map(abs, outputs)]) * k + abs(offset)
    # Python's integers where 64 bits could overflow
    kind: Any = np.int64 if largest < 2**62 else object
    return ExactUnits(
        np.array(whole[: d * k], dtype=kind).reshape(k, d),
        np.array(whole[d * k :], dtype=kind),
        np.array(outputs, dtype=kind),
        offset,
        scale,
    )


def cube_rows(d: int) -> np.ndarray:
    """Return all inputs of d bits."""
    return np.array(list(tuples((0, 1), repeat=d)))


def wrong_inputs(
    network: TwoLayerReLU, mask: Sequence[int], x: np.ndarray
) -> Iterator[tuple[tuple[int, ...], Fraction, int]]:
    """Yield (x, f(x), label) wherever the network differs from the parity of the mask."""
    units = units_of(network)
    values = units.values(x)
    labels = 1 - 2 * ((x @ np.array(mask)) % 2)
    for i in np.flatnonzero(values != labels * units.scale):
        value = Fraction(int(values[i]), units.scale)
        yield tuple(int(b) for b in x[i]), value, int(labels[i])


def require_exact(
    network: TwoLayerReLU, mask: Sequence[int], x: np.ndarray, search: Search
) -> None:
    """Require that the network equals the parity of the mask at these inputs."""
    fault = next(wrong_inputs(network, mask, x), None)
    search.cases += len(x) - 1
    case = f"d = {len(mask)}, mask {tuple(mask)}"
    if fault is not None:
        case += f", x = {fault[0]}: f = {fault[1]} where the label is {fault[2]}"
    search.require(fault is None, case)


def attack_construction(build: Build, search: Search) -> None:
    """Try all masks and inputs of up to 6 bits (thorough: 9), and some masks of up to 39 (243)."""
    for d in range(1, search.pick(7, 10)):
        x = cube_rows(d)
        for mask in tuples((0, 1), repeat=d):
            require_exact(build(mask), mask, x, search)
    for d in range(11, search.pick(40, 250), search.pick(7, 8)):
        for weight in (d, d - 1, d // 2, int(search.random.integers(0, d + 1))):
            network, mask, x = one_input_a_sum(build, d, weight, search)
            require_exact(network, mask, x, search)


def one_input_a_sum(
    build: Build, d: int, weight: int, search: Search
) -> tuple[TwoLayerReLU, tuple[int, ...], np.ndarray]:
    """Build the network of a random mask, with one input for every value of s = v.x.

    Every unit is required to be a multiple of the mask: f then depends on x through s alone, and
    s takes the values 0..|v|.
    """
    order = search.random.permutation(d)[:weight]
    mask = tuple(int(j in order) for j in range(d))
    network = build(mask)
    rows, ones = units_of(network).weights, np.array(mask)
    search.require(
        all((row == row[ones.argmax()] * ones).all() for row in rows),
        f"d = {d}, mask {mask}: a unit is no multiple of the mask",
    )
    x = np.zeros((weight + 1, d), dtype=int)
    for s in range(weight + 1):
        x[s, order[:s]] = 1
    return network, mask, x
