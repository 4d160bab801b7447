"""The compiled part of ``totals``: one unit's sums over the cube, and inputs drawn by them."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["draw_of_unit", "signed_gates", "unit_sums"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@njit(cache=True)
def _sorted_subset_sums(weights: Floats, start: float, subsets: Integers) -> Floats:
    """List start + (every subset sum of weights) in ascending order; subsets gets the subsets' bits.

    Built one weight at a time by merging the list with itself shifted: linear time, no sort.
    """
    n = 1 << weights.size
    values, merged = np.empty(n), np.empty(n)
    own = np.empty(n, np.int64)
    values[0] = start
    subsets[0] = 0
    length = 1
    for weight in weights:
        plain = shifted = 0
        for out in range(2 * length):
            take_plain = shifted == length or (
                plain < length and values[plain] <= values[shifted] + weight
            )
            if take_plain:
                merged[out] = values[plain]
                own[out] = subsets[plain]
                plain += 1
            else:
                merged[out] = values[shifted] + weight
                own[out] = subsets[shifted] | length
                shifted += 1
        length *= 2
        for at in range(length):  # numba compiles an array's assignment much longer
            values[at], subsets[at] = merged[at], own[at]
    return values


@njit(cache=True)
def _count_ones(subset: int) -> int:
    count = 0
    while subset:
        subset &= subset - 1
        count += 1
    return count


@njit(cache=True, nogil=True)
def unit_sums(weights: Floats, bias: float) -> tuple[float, float]:
    """Sum over x in {0,1}^d of 1{z > 0} (|x| + 1) and of max(0, z)^2."""
    half = weights.size // 2
    low_sets = np.empty(1 << half, np.int64)
    high_sets = np.empty(1 << (weights.size - half), np.int64)
    low = _sorted_subset_sums(weights[:half], 0.0, low_sets)
    high = _sorted_subset_sums(weights[half:], bias, high_sets)
    gates = squares = 0.0
    # over the low values b with a + b > 0, which only grow in number as a ascends; from the largest
    # down, z = (a + most) - (most - b): no term is larger than the largest z, whatever a and b are
    count = ones = 0
    first = second = 0.0
    most = low[low.size - 1]
    reach = low.size
    for position in range(high.size):
        a = high[position]
        while reach > 0 and a + low[reach - 1] > 0:
            reach -= 1
            count += 1
            ones += _count_ones(low_sets[reach])
            below = most - low[reach]
            first += below
            second += below * below
        gates += float(ones + count * (_count_ones(high_sets[position]) + 1))
        largest = a + most
        squares += largest * (largest * count - 2 * first) + second
    return gates, squares


@njit(cache=True, nogil=True)
def signed_gates(weights: Floats, bias: float, mask: int) -> Integers:
    """Sum chi_v(x) 1{z > 0} x_j over x in {0,1}^d for every j, and without x_j in the last place."""
    d = weights.size
    half = d // 2
    low_sets = np.empty(1 << half, np.int64)
    high_sets = np.empty(1 << (d - half), np.int64)
    low = _sorted_subset_sums(weights[:half], 0.0, low_sets)
    high = _sorted_subset_sums(weights[half:], bias, high_sets)
    sums = np.zeros(d + 1, np.int64)
    # over the low values b with a + b > 0: of the signs, and of the signs times each feature
    signs = np.zeros(half + 1, np.int64)
    reach = low.size
    for position in range(high.size):
        a = high[position]
        while reach > 0 and a + low[reach - 1] > 0:
            reach -= 1
            subset = low_sets[reach]
            sign = 1 - 2 * (_count_ones(subset & mask) & 1)
            signs[half] += sign
            for j in range(half):
                signs[j] += sign * (subset >> j & 1)
        subset = high_sets[position]
        sign = 1 - 2 * (_count_ones((subset << half) & mask) & 1)
        for j in range(half):
            sums[j] += sign * signs[j]
        total = sign * signs[half]
        for j in range(half, d):
            sums[j] += total * (subset >> (j - half) & 1)
        sums[d] += total
    return sums


@njit(cache=True, nogil=True)
def draw_of_unit(
    weights: Floats, bias: float, alpha: float, uniforms: Floats, numbers: Integers
) -> None:
    """Draw inputs with probability proportional to alpha^2 1{z > 0} (|x| + 1) + max(0, z)^2."""
    half = weights.size // 2
    n_low = 1 << half
    low_sets = np.empty(n_low, np.int64)
    high_sets = np.empty(1 << (weights.size - half), np.int64)
    low = _sorted_subset_sums(weights[:half], 0.0, low_sets)
    high = _sorted_subset_sums(weights[half:], bias, high_sets)
    # sums over the low values from a place to the end: of |x|, of how far b is below the largest, and
    # of its square
    most = low[n_low - 1]
    tails = np.zeros((3, n_low + 1))
    for j in range(n_low - 1, -1, -1):
        below = most - low[j]
        tails[0, j] = tails[0, j + 1] + _count_ones(low_sets[j])
        tails[1, j] = tails[1, j + 1] + below
        tails[2, j] = tails[2, j + 1] + below * below
    square = alpha * alpha
    starts = np.empty(high.size, np.int64)
    rows = np.empty(high.size)
    reach, total = n_low, 0.0
    for position in range(high.size):
        a = high[position]
        while reach > 0 and a + low[reach - 1] > 0:
            reach -= 1
        starts[position] = reach
        total += max(0.0, _tail(reach, a + most, high_sets[position], square, tails))
        rows[position] = total
    for number in range(numbers.size):
        row = np.searchsorted(rows, uniforms[number, 0] * total, side="right")
        row = min(row, high.size - 1)
        while starts[row] == n_low:  # rounding led to a row in which the unit is silent
            row += 1 if row < high.size - 1 and starts[high.size - 1] < n_low else -1
        largest, ones = high[row] + most, high_sets[row]
        first, last = starts[row], n_low
        due = uniforms[number, 1] * _tail(first, largest, ones, square, tails)
        while last - first > 1:  # the weight from ``first`` on exceeds ``due``, from ``last`` not
            middle = (first + last) // 2
            if _tail(middle, largest, ones, square, tails) > due:
                first = middle
            else:
                last = middle
        numbers[number] = low_sets[first] | high_sets[row] << half


@njit(cache=True)
def _tail(start: int, largest: float, high_set: int, square: float, tails: Floats) -> float:
    """Sum a row's weights over the low values from ``start`` on; its largest z is given."""
    count = tails.shape[1] - 1 - start
    gates = tails[0, start] + count * (_count_ones(high_set) + 1)
    squares = largest * (largest * count - 2 * tails[1, start]) + tails[2, start]
    weight: float = square * gates + squares
    return weight
