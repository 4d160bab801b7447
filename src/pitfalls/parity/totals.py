"""Sums over all 2^d inputs that one hidden unit allows in O(2^(d/2)): meet in the middle.

The squared norm of the network's gradient is a sum over units,

    |grad f(x)|^2 = 1 + sum_i [alpha_i^2 1{z_i > 0} (|x| + 1) + max(0, z_i)^2],

and each term sees x only through z_i = w_i . x + b_i and |x|. Split the features in two halves:
z_i is the sum of one number from each of two lists of length 2^(d/2). With both lists sorted,
one sweep adds up everything where the sum is positive.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pitfalls.parity.chunks import run_chunks

__all__ = ["gradient_norm_total"]


@njit(cache=True)
def _sorted_subset_sums(
    weights: NDArray[np.float64], start: float, ones: NDArray[np.int64]
) -> NDArray[np.float64]:
    """List start + (every subset sum of weights) in ascending order; ones gets the subset sizes.

    Built one weight at a time by merging the list with itself shifted: linear time, no sort.
    """
    n = 1 << weights.size
    values, merged = np.empty(n), np.empty(n)
    sizes = np.empty(n, np.int64)
    values[0] = start
    ones[0] = 0
    length = 1
    for weight in weights:
        plain = shifted = 0
        for out in range(2 * length):
            take_plain = shifted == length or (
                plain < length and values[plain] <= values[shifted] + weight
            )
            if take_plain:
                merged[out] = values[plain]
                sizes[out] = ones[plain]
                plain += 1
            else:
                merged[out] = values[shifted] + weight
                sizes[out] = ones[shifted] + 1
                shifted += 1
        length *= 2
        values[:length] = merged[:length]
        ones[:length] = sizes[:length]
    return values


@njit(cache=True, nogil=True)
def _unit_sums(weights: NDArray[np.float64], bias: float) -> tuple[float, float]:
    """Sum over x in {0,1}^d of 1{z > 0} (|x| + 1) and of max(0, z)^2."""
    half = weights.size // 2
    low_ones = np.empty(1 << half, np.int64)
    high_ones = np.empty(1 << (weights.size - half), np.int64)
    low = _sorted_subset_sums(weights[:half], 0.0, low_ones)
    high = _sorted_subset_sums(weights[half:], bias, high_ones)
    gates = squares = 0.0
    # over the low values b with a + b > 0, which only grow in number as a ascends
    count = ones = 0
    first = second = 0.0
    reach = low.size
    for position in range(high.size):
        a = high[position]
        while reach > 0 and a + low[reach - 1] > 0:
            reach -= 1
            count += 1
            ones += low_ones[reach]
            first += low[reach]
            second += low[reach] * low[reach]
        gates += float(ones + count * (high_ones[position] + 1))
        squares += a * (a * count + 2 * first) + second
    return gates, squares


def gradient_norm_total(
    weights: NDArray[np.float64], biases: NDArray[np.float64], alphas: NDArray[np.float64]
) -> float:
    """Mean over {0, 1}^d of the squared norm of the gradient of f, exactly.

    Parameters
    ----------
    weights : array of shape (k, d)
        w_i as rows.
    biases, alphas : array of shape (k,)

    Returns
    -------
    float
        E|grad f(x)|^2 in O(k 2^(d/2)) time and memory for two lists of 2^(d/2) numbers a thread.
    """
    weights = np.ascontiguousarray(weights)
    gates, squares = np.empty(len(biases)), np.empty(len(biases))

    def work(unit: int) -> None:
        gates[unit], squares[unit] = _unit_sums(weights[unit], biases[unit])

    run_chunks(work, len(biases))
    scale = 0.5 ** weights.shape[1]
    return float(1 + scale * (alphas**2 @ gates) + scale * squares.sum())
