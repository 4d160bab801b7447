"""The compiled part of the pass over all inputs: bounds, leaves and what they add up to."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pitfalls.caches import compile_anew_with
from pitfalls.parity.signal.fixed_point_screen import BLOCK_BITS, SCREEN_BITS, Screen, screen

__all__ = ["HINGE", "LOGISTIC", "SQUARE", "compare_leaves", "run_tasks"]

HINGE, SQUARE, LOGISTIC = 0, 1, 2

# Sums over units may be taken in any order and fused, or they would not use vector registers.
# Not "nnan" and "ninf": nothing here is to be assumed away.
_FAST = {"reassoc", "contract", "nsz"}

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@njit(cache=True, fastmath=_FAST)
def _bound(
    a: Floats, mid: Floats, radius: Floats, alpha: Floats, beta: float, low_weights: Floats,
    slopes: Floats,
) -> tuple[float, float]:  # fmt: skip
    """Bound f from below and above on a subcube where unit i ranges over a_i + mid_i +- radius_i."""
    constant = above = below = 0.0
    for i in range(a.size):
        centre = a[i] + mid[i]
        upper = centre + radius[i]
        slope = upper / (2 * radius[i]) if radius[i] > 0 else 0.0
        slope = 1.0 if centre >= radius[i] else slope
        slope = 0.0 if upper <= 0 else slope
        gap = slope * (radius[i] - centre)
        gap = gap if gap > 0 else 0.0
        slopes[i] = alpha[i] * slope
        constant += slopes[i] * a[i]
        gap *= alpha[i]
        above += gap if gap > 0 else 0.0
        below += gap if gap < 0 else 0.0
    above += beta + constant
    below += beta + constant
    for j in range(low_weights.shape[0]):
        weight = 0.0
        for i in range(a.size):
            weight += slopes[i] * low_weights[j, i]
        if weight > 0:
            above += weight
        else:
            below += weight
    return below, above


@njit(cache=True, fastmath=_FAST)
def _evaluate_leaf(
    a: Floats, mid: Floats, radius: Floats, alpha: Floats, beta: float, low_weights: Floats,
    low: Floats, f: Floats, units: Integers, slopes: Floats,
) -> tuple[int, int]:  # fmt: skip
    """Write f at every input of a leaf.

    Units that stay on over the whole leaf are linear there and cost O(1) each; the others go by
    max(0, a + b) = max(b, -a) + a, with the last term in the leaf's constant. ``units`` gets the
    units that change sign, then those that stay on; returned are the two counts.
    """
    k = a.size
    n_bent = n_on = 0
    constant = beta
    for i in range(k):
        centre = a[i] + mid[i]
        on = centre >= radius[i]
        slopes[i] = alpha[i] if on else 0.0
        constant += alpha[i] * a[i] if on or abs(centre) < radius[i] else 0.0
    # written without a branch: which way a unit goes cannot be predicted
    for i in range(k):
        centre = a[i] + mid[i]
        units[n_bent] = i
        n_bent += int(abs(centre) < radius[i])
    for i in range(k):
        units[n_bent + n_on] = i
        n_on += int(a[i] + mid[i] >= radius[i])
    f[0] = constant
    for j in range(low_weights.shape[0]):
        slope = 0.0
        for i in range(k):
            slope += slopes[i] * low_weights[j, i]
        for x in range(1 << j):
            f[x + (1 << j)] = f[x] + slope
    fours = n_bent // 4 * 4
    for position in range(0, fours, 4):
        _add_four(a, alpha, low, f, units[position : position + 4])
    for position in range(fours, n_bent):
        i = units[position]
        least = -a[i]
        for x in range(f.size):
            f[x] += alpha[i] * (low[i, x] if low[i, x] > least else least)
    return n_bent, n_on


@njit(cache=True, fastmath=_FAST)
def _add_four(a: Floats, alpha: Floats, low: Floats, f: Floats, units: Integers) -> None:
    """Add four hidden units to f, which is then read and written once for the four."""
    i0, i1, i2, i3 = units
    t0, t1, t2, t3 = -a[i0], -a[i1], -a[i2], -a[i3]
    b0, b1, b2, b3 = low[i0], low[i1], low[i2], low[i3]
    w0, w1, w2, w3 = alpha[i0], alpha[i1], alpha[i2], alpha[i3]
    for x in range(f.size):
        z0 = b0[x] if b0[x] > t0 else t0
        z1 = b1[x] if b1[x] > t1 else t1
        z2 = b2[x] if b2[x] > t2 else t2
        z3 = b3[x] if b3[x] > t3 else t3
        f[x] += (w0 * z0 + w1 * z1) + (w2 * z2 + w3 * z3)


@njit(cache=True, fastmath=_FAST)
def _slope_halves(
    f: Floats, kind: int, at_kink: float, even: Floats, odd: Floats, expected: Floats,
    usual: float, near: float,
) -> tuple[int, int]:  # fmt: skip
    """Write A(f) and G(f); return the numbers of |f| < 1 and of inputs that are not as expected.

    Expected are A = ``expected``, G = ``usual`` and |f| no nearer to 1 than ``near``.
    """
    n_active = n_other = 0
    for x in range(f.size):
        if abs(f[x]) < 1:
            n_active += 1
        if kind == HINGE:
            positive = 1.0 if f[x] < 1 else (at_kink if f[x] == 1 else 0.0)
            negative = 1.0 if f[x] > -1 else (at_kink if f[x] == -1 else 0.0)
            even[x] = (negative - positive) / 2
            odd[x] = -(negative + positive) / 2
            if odd[x] != usual or even[x] != expected[x] or abs(abs(f[x]) - 1) < near:
                n_other += 1
        elif kind == SQUARE:
            even[x], odd[x] = f[x], -1.0
            n_other += 1
        else:
            even[x], odd[x] = np.tanh(f[x] / 2) / 2, -0.5
            n_other += 1
    return n_active, n_other


@njit(cache=True, fastmath=_FAST)
def _gather_leaf(
    a: Floats, alpha: Floats, low: Floats, units: Integers, even: Floats,
    gates: Floats, squares: Floats, gated: Floats, unit_gates: Floats,
) -> None:  # fmt: skip
    """Add up a leaf's parts of |grad f|^2 by input, and of A grad f by unit and low bits."""
    n = even.size
    for x in range(n):
        gates[x] = 0.0
        squares[x] = 0.0
    for i in units:
        own = low[i]
        sums = gated[i]
        square = alpha[i] * alpha[i]
        shift = a[i]
        total = 0.0
        for x in range(n):
            z = shift + own[x]
            on = z > 0
            gates[x] += square if on else 0.0
            weight = even[x] if on else 0.0
            z = z if on else 0.0
            squares[x] += z * z
            sums[x] += weight
            total += weight
        unit_gates[i] = total


@njit(cache=True)
def _parity(bits: int) -> float:
    """Return 1 where an even number of bits is set, -1 where an odd one is."""
    sign = 1.0
    while bits:
        sign = -sign
        bits &= bits - 1
    return sign


@njit(cache=True, fastmath=_FAST)
def _settled_leaves(
    first: int, last: int, leaf: int, a: Floats, alpha: Floats, beta: float, low_weights: Floats,
    mids: Floats, radii: Floats, levels: Integers, mask: int, side: float, limit: float,
    asked: Integers, slopes: Floats,
) -> int:  # fmt: skip
    """Count the leaves from ``leaf`` on that a bound of levels first..last settles at once.

    ``asked`` has a row a level: visits, tries, wins. A level that rarely settles anything is asked
    only now and then.
    """
    leaf_bits = int(levels[levels.size - 1])
    for depth in range(first, last):
        size = 1 << (int(levels[depth]) - leaf_bits)
        # where the parity changes in the subcube, f changes its sign
        if leaf & (size - 1) or (mask > 0 and mask & ((1 << levels[depth]) - 1)):
            continue
        asked[depth, 0] += 1
        if 5 * asked[depth, 2] < asked[depth, 1] and asked[depth, 0] % 64:
            continue
        asked[depth, 1] += 1
        below, above = _bound(
            a, mids[depth], radii[depth], alpha, beta, low_weights[: levels[depth]], slopes
        )
        if mask < 0:
            settled = above < limit and below > -limit
        else:
            settled = below > limit if side > 0 else above < -limit
        if settled:
            asked[depth, 2] += 1
            return size
    return 0


@njit(cache=True, nogil=True, fastmath=_FAST)
def run_tasks(
    first: int, last: int, task_bits: int, leaf_bits: int, weights: Floats, bias: Floats,
    alpha: Floats, beta: float, low: Floats, sub: Floats, low_weights: Floats, mids: Floats,
    radii: Floats, levels: Integers, tables: Screen, kind: int, at_kink: float, mask: int,
    usual: float, limit: float, near: float, totals: Floats, counts: Integers, gradient: Floats,
) -> None:  # fmt: skip
    """Work through tasks first..last, each the 2^task_bits inputs under one choice of high bits.

    What is added up is the difference from what is expected: G = ``usual``, and A = 0 where
    ``mask`` is negative, or half the parity of x under the mask. A subcube is skipped where the
    bounds prove that all of it is as expected, with ``limit`` for 1.
    """
    k, d = weights.shape
    n_leaf = 1 << leaf_bits
    n_sub = 1 << (task_bits - leaf_bits)
    n_levels = levels.size
    base, a, slopes = np.empty(k), np.empty(k), np.empty(k)
    f, even, odd = np.empty(n_leaf), np.empty(n_leaf), np.empty(n_leaf)
    gates, squares = np.empty(n_leaf), np.empty(n_leaf)
    expected, shift, low_half = np.zeros(n_leaf), np.empty(n_leaf), np.zeros(n_leaf)
    if mask >= 0:
        for x in range(n_leaf):
            low_half[x] = 0.5 * _parity(x & mask)
    units = np.empty(k + 1, np.int64)
    unit_gates, task_gates = np.empty(k), np.empty(k)
    gated = np.zeros((k, n_leaf))
    by_bit = np.zeros((d + 1, k))  # sums of A 1{z_i > 0} x_j, and without x_j in the last row
    even_sum = 0.0
    # visits, tries and wins of each level, and of the screen
    asked = np.ones((n_levels, 3), np.int64)
    screen_asked = np.ones(3, np.int64)
    n_rows, n_screened = tables.table.shape
    screens = n_rows > 0
    n_coarse = 0
    while n_coarse < n_levels and (not screens or levels[n_coarse] >= SCREEN_BITS):
        n_coarse += 1
    n_coarse = n_coarse if kind == HINGE else 0
    n_levels = n_levels if kind == HINGE else 0
    n_blocks = n_screened >> BLOCK_BITS
    settled = np.zeros(n_blocks, np.bool_)
    thresholds = np.empty(n_rows, np.int16)
    sums, negative_sums = np.empty(n_screened, np.int16), np.empty(n_screened, np.int16)
    low_signs = np.zeros(n_screened)
    for x in range(n_screened):
        low_signs[x] = _parity(x & mask)
    for task in range(first, last):
        for i in range(k):  # an array assigned to another takes numba seconds longer to compile
            base[i] = bias[i]
        for j in range(task_bits, d):
            if task >> (j - task_bits) & 1:
                for i in range(k):
                    base[i] += weights[i, j]
        task_gates[:] = 0.0
        touched = False
        s = 0
        while s < n_sub:
            for i in range(k):
                a[i] = base[i] + sub[s, i]
            start = ((task << (task_bits - leaf_bits)) | s) << leaf_bits
            side = _parity(start & mask) if mask >= 0 else 0.0
            skipped = _settled_leaves(
                0, n_coarse, s, a, alpha, beta, low_weights, mids, radii, levels, mask, side,
                limit, asked, slopes,
            )  # fmt: skip
            if skipped == 0:
                if screens and s & (n_blocks - 1) == 0:
                    settled[:] = False
                    screen_asked[0] += 1
                    if 5 * screen_asked[2] >= screen_asked[1] or screen_asked[0] % 64 == 0:
                        screen_asked[1] += n_blocks
                        screen_asked[2] += screen(
                            a, beta, tables, low_signs, side, limit, thresholds, sums,
                            negative_sums, settled,
                        )  # fmt: skip
                if screens and settled[s & (n_blocks - 1)]:
                    skipped = 1
                    counts[2] += n_leaf
                else:
                    skipped = _settled_leaves(
                        n_coarse, n_levels, s, a, alpha, beta, low_weights, mids, radii, levels,
                        mask, side, limit, asked, slopes,
                    )  # fmt: skip
            if skipped:
                if mask < 0:
                    counts[0] += skipped * n_leaf
                s += skipped
                continue
            n_bent, n_on = _evaluate_leaf(
                a, mids[-1], radii[-1], alpha, beta,
                low_weights[:leaf_bits], low, f, units, slopes,
            )  # fmt: skip
            for x in range(n_leaf):
                expected[x] = side * low_half[x]
            n_active, n_other = _slope_halves(f, kind, at_kink, even, odd, expected, usual, near)
            counts[0] += n_active
            counts[1] += n_leaf
            if n_other:
                touched = True
                unit_gates[:] = 0.0
                for x in range(n_leaf):
                    shift[x] = even[x] - expected[x]
                _gather_leaf(
                    a, alpha, low, units[: n_bent + n_on], shift, gates, squares, gated, unit_gates
                )
                high_ones = 1
                high = (task << (task_bits - leaf_bits)) | s
                while high:
                    high_ones += high & 1
                    high >>= 1
                for x in range(n_leaf):
                    ones = high_ones
                    for j in range(leaf_bits):
                        ones += x >> j & 1
                    norm = 1 + gates[x] * ones + squares[x]
                    totals[0] += (usual * usual - odd[x] * odd[x]) * norm
                    totals[1] += (even[x] * even[x] - expected[x] * expected[x]) * norm
                    totals[2] += norm if abs(abs(f[x]) - 1) < near else 0.0
                    even_sum += shift[x]
                for j in range(task_bits - leaf_bits):
                    if s >> j & 1:
                        for i in range(k):
                            by_bit[leaf_bits + j, i] += unit_gates[i]
                for i in range(k):
                    task_gates[i] += unit_gates[i]
            s += 1
        if touched:
            for j in range(task_bits, d):
                if task >> (j - task_bits) & 1:
                    for i in range(k):
                        by_bit[j, i] += task_gates[i]
            for i in range(k):
                by_bit[d, i] += task_gates[i]
    for i in range(k):
        for j in range(leaf_bits):
            for x in range(n_leaf):
                if x >> j & 1:
                    by_bit[j, i] += gated[i, x]
        # A max(0, z_i) = A 1{z_i > 0} (w_i . x + b_i): no sum of its own
        gradient[k * d + k + i] += bias[i] * by_bit[d, i]
        for j in range(d):
            gradient[i * d + j] += alpha[i] * by_bit[j, i]
            gradient[k * d + k + i] += weights[i, j] * by_bit[j, i]
        gradient[k * d + i] += alpha[i] * by_bit[d, i]
    gradient[k * d + 2 * k] += even_sum


@njit(cache=True, nogil=True, fastmath=_FAST)
def compare_leaves(
    first: int, last: int, leaf_bits: int, weights: Floats, bias: Floats, alpha: Floats,
    beta: float, low: Floats, low_weights: Floats, mid: Floats, radius: Floats, mask: int,
) -> tuple[float, int]:  # fmt: skip
    """Find the largest |f(x) - (-1)^(v . x)| over leaves first..last, and where it is."""
    k, d = weights.shape
    n_leaf = 1 << leaf_bits
    worst, place = -1.0, 0
    a, f, slopes = np.empty(k), np.empty(n_leaf), np.empty(k)
    units = np.empty(k + 1, np.int64)
    for leaf in range(first, last):
        for i in range(k):
            a[i] = bias[i]
        for j in range(leaf_bits, d):
            if leaf >> (j - leaf_bits) & 1:
                for i in range(k):
                    a[i] += weights[i, j]
        _evaluate_leaf(a, mid, radius, alpha, beta, low_weights, low, f, units, slopes)
        for x in range(n_leaf):
            error = abs(f[x] - _parity(((leaf << leaf_bits) | x) & mask))
            if not error <= worst:
                worst = error
                place = (leaf << leaf_bits) | x
                if np.isnan(error):  # no error is larger
                    return worst, place
    return worst, place


compile_anew_with(run_tasks, screen)
