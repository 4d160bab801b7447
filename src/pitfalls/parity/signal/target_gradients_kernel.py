"""The compiled part of all targets' gradients: units into outputs, gates, and each target's share."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pitfalls.caches import compile_anew_with
from pitfalls.parity.walsh_kernel import transform_alone

__all__ = ["add_energy", "add_units", "add_units_to_outputs", "gate"]

Floats = NDArray[np.float64]

_FAST = {"reassoc", "contract", "nsz"}


@njit(cache=True, nogil=True, fastmath=_FAST)
def add_units_to_outputs(
    first: int, last: int, lows: Floats, highs: Floats, alphas: Floats, f: Floats
) -> None:
    """Add all units to f for some of the high parts of the inputs."""
    n_low = lows.shape[1]
    for row in range(first, last):
        part = f[row * n_low : (row + 1) * n_low]
        for i in range(alphas.size):
            a, alpha, low = highs[i, row], alphas[i], lows[i]
            for x in range(n_low):
                z = a + low[x]
                part[x] += alpha * (z if z > 0 else 0.0)


@njit(cache=True, nogil=True, fastmath=_FAST)
def gate(first: int, last: int, low: Floats, high: Floats, odd: Floats, gated: Floats) -> None:
    """Write odd 1{z > 0} for some of the high parts of the inputs."""
    for row in range(first, last):
        a = high[row]
        start = row * low.size
        for x in range(low.size):
            gated[start + x] = odd[start + x] if a + low[x] > 0 else 0.0


@njit(cache=True, nogil=True, fastmath=_FAST)
def add_energy(
    first: int,
    last: int,
    q: Floats,
    weights: Floats,
    bias: float,
    alpha: float,
    block: int,
    energy: Floats,
) -> None:
    """Add a unit's share of |grad R_v - a|^2, from the transform q of G 1{z > 0} / 2^d."""
    square = alpha * alpha
    spread, value = np.empty(block), np.empty(block)
    for number in range(first, last):
        start = number * block
        spread[:] = 0.0
        own = q[start : start + block]
        for v in range(block):
            value[v] = bias * own[v]
        for j in range(weights.size):
            step = 1 << j
            half = weights[j] / 2
            if step >= block:
                other = q[start ^ step : (start ^ step) + block]
                for v in range(block):
                    difference = own[v] - other[v]
                    spread[v] += difference * difference
                    value[v] += half * difference
            else:
                for base in range(0, block, 2 * step):
                    for v in range(base, base + step):
                        difference = own[v] - own[v + step]
                        squared = difference * difference
                        spread[v] += squared
                        spread[v + step] += squared
                        value[v] += half * difference
                        value[v + step] -= half * difference
        for v in range(block):
            energy[start + v] += square * (own[v] * own[v] + spread[v] / 4) + value[v] * value[v]


@njit(cache=True, nogil=True, fastmath=_FAST)
def add_units(
    first: int, last: int, step: int, lows: Floats, highs: Floats, weights: Floats, biases: Floats,
    alphas: Floats, odd: Floats, block: int, energy: Floats,
) -> None:  # fmt: skip
    """Add the shares of every step-th unit from first on."""
    gated = np.empty(odd.size)
    for i in range(first, last, step):
        gate(0, highs.shape[1], lows[i], highs[i], odd, gated)
        transform_alone(gated)
        add_energy(0, odd.size // block, gated, weights[i], biases[i], alphas[i], block, energy)


compile_anew_with(add_units, transform_alone)
