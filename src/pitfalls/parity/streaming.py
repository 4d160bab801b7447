"""One pass over all 2^d inputs of a two-layer ReLU network, without storing any of them.

An input is split in bits: z_i = a_i(high bits) + b_i(low bits), so a unit costs one addition an
input. On top of that, the pass skips what it can prove. For the hinge loss nothing but the inputs
with |f| >= 1 needs a look (elsewhere the weights of the gradient are A = 0 and G = -1, and
``totals`` has summed those in closed form), so the inputs are visited as nested subcubes: bound f
over the subcube by relaxing each hidden unit that changes sign there, and descend only where the
bound does not settle |f| < 1. A leaf holds 2^6 inputs, which are evaluated one by one.

The bound is the parallel-line relaxation of a ReLU on [l, u]: s z <= max(0, z) <= s z - s l with
s = u / (u - l) [1]_. It decides only how much is skipped: the sums are the same with and without,
up to the rounding of float64.

References
----------
.. [1] E. Wong and J. Z. Kolter, "Provable defenses against adversarial examples via the convex
   outer adversarial polytope", ICML 2018.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pitfalls.parity.chunks import run_chunks

__all__ = [
    "HINGE",
    "LOGISTIC",
    "SQUARE",
    "StreamedSums",
    "largest_error",
    "stream_sums",
    "subset_sums",
]

HINGE, SQUARE, LOGISTIC = 0, 1, 2

_LEAF_BITS = 6
_TASK_BITS = 12
# What one compiled call does before Python gets a word in (progress, Ctrl-C): under a second.
_TASKS_PER_CALL = 2048
# Fixed, so that the order of summation does not depend on the number of threads.
_CHUNKS = 16

# Sums over units may be taken in any order and fused, or they would not use vector registers.
# Not "nnan" and "ninf": nothing here is to be assumed away.
_FAST = {"reassoc", "contract", "nsz"}

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class StreamedSums:
    """Sums over all inputs of a loss with slope A(f) + y G(f); see ``pitfalls.parity.loss``.

    Attributes
    ----------
    odd_deficit : float
        Sum of (1 - G^2 / G_0^2) |grad f|^2 with G_0 the usual value of G.
    even_square : float
        Sum of A^2 |grad f|^2.
    even_gradient : array of shape (P,)
        Sum of A(f) grad f.
    n_active : int
        Number of inputs with |f| < 1.
    n_evaluated : int
        Number of inputs at which f had to be evaluated.
    """

    odd_deficit: float
    even_square: float
    even_gradient: Floats
    n_active: int
    n_evaluated: int


def subset_sums(weights: Floats) -> Floats:
    """Sum the columns of weights (k, n) over every subset: (k, 2^n), bit j for column j."""
    sums = np.zeros((weights.shape[0], 1))
    for column in weights.T:
        sums = np.concatenate([sums, sums + column[:, None]], axis=1)
    return sums


@njit(cache=True, fastmath=_FAST)
def _is_inside(
    a: Floats, mid: Floats, radius: Floats, alpha: Floats, beta: float, low_weights: Floats,
    limit: float, slopes: Floats,
) -> bool:  # fmt: skip
    """Prove |f| < limit on a subcube where unit i ranges over a_i + mid_i +- radius_i."""
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
    return above < limit and below > -limit


@njit(cache=True, fastmath=_FAST)
def _evaluate_leaf(
    a: Floats, mid: Floats, radius: Floats, alpha: Floats, beta: float, low_weights: Floats,
    low: Floats, f: Floats, units: Integers, slopes: Floats,
) -> tuple[int, int]:  # fmt: skip
    """Write f at every input of a leaf.

    Units that stay on over the whole leaf are linear there and cost O(1) each. ``units`` gets the
    units that change sign, then those that stay on; returned are the two counts.
    """
    k = a.size
    n_bent = n_on = 0
    constant = beta
    for i in range(k):
        on = a[i] + mid[i] >= radius[i]
        slopes[i] = alpha[i] if on else 0.0
        constant += slopes[i] * a[i]
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
        for x in range(f.size):
            z = a[i] + low[i, x]
            f[x] += alpha[i] * (z if z > 0 else 0.0)
    return n_bent, n_on


@njit(cache=True, fastmath=_FAST)
def _add_four(a: Floats, alpha: Floats, low: Floats, f: Floats, units: Integers) -> None:
    """Add four hidden units to f, which is then read and written once for the four."""
    i0, i1, i2, i3 = units
    a0, a1, a2, a3 = a[i0], a[i1], a[i2], a[i3]
    b0, b1, b2, b3 = low[i0], low[i1], low[i2], low[i3]
    w0, w1, w2, w3 = alpha[i0], alpha[i1], alpha[i2], alpha[i3]
    for x in range(f.size):
        z0, z1, z2, z3 = a0 + b0[x], a1 + b1[x], a2 + b2[x], a3 + b3[x]
        z0 = z0 if z0 > 0 else 0.0
        z1 = z1 if z1 > 0 else 0.0
        z2 = z2 if z2 > 0 else 0.0
        z3 = z3 if z3 > 0 else 0.0
        f[x] += (w0 * z0 + w1 * z1) + (w2 * z2 + w3 * z3)


@njit(cache=True, fastmath=_FAST)
def _slope_halves(
    f: Floats, kind: int, at_kink: float, even: Floats, odd: Floats
) -> tuple[int, int]:
    """Write A(f) and G(f); return the numbers of |f| < 1 and of inputs not like those."""
    n_active = n_other = 0
    for x in range(f.size):
        if abs(f[x]) < 1:
            n_active += 1
        if kind == HINGE:
            positive = 1.0 if f[x] < 1 else (at_kink if f[x] == 1 else 0.0)
            negative = 1.0 if f[x] > -1 else (at_kink if f[x] == -1 else 0.0)
            even[x] = (negative - positive) / 2
            odd[x] = -(negative + positive) / 2
            if odd[x] != -1:
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


@njit(cache=True, nogil=True, fastmath=_FAST)
def _run_tasks(
    first: int, last: int, task_bits: int, leaf_bits: int, weights: Floats, bias: Floats,
    alpha: Floats, beta: float, low: Floats, sub: Floats, low_weights: Floats, mids: Floats,
    radii: Floats, levels: Integers, kind: int, at_kink: float, limit: float, totals: Floats,
    counts: Integers, gradient: Floats,
) -> None:  # fmt: skip
    """Work through tasks first..last, each the 2^task_bits inputs under one choice of high bits."""
    k, d = weights.shape
    n_leaf = 1 << leaf_bits
    n_sub = 1 << (task_bits - leaf_bits)
    n_levels = levels.size
    base, a, slopes = np.empty(k), np.empty(k), np.empty(k)
    f, even, odd = np.empty(n_leaf), np.empty(n_leaf), np.empty(n_leaf)
    gates, squares = np.empty(n_leaf), np.empty(n_leaf)
    units = np.empty(k + 1, np.int64)
    unit_gates, task_gates = np.empty(k), np.empty(k)
    gated = np.zeros((k, n_leaf))
    by_bit = np.zeros((d + 1, k))  # sums of A 1{z_i > 0} x_j, and without x_j in the last row
    even_sum = 0.0
    visits = np.zeros(n_levels, np.int64)
    tries, wins = np.ones(n_levels, np.int64), np.ones(n_levels, np.int64)
    for task in range(first, last):
        base[:] = bias
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
            skipped = 0
            if kind == HINGE:
                for depth in range(n_levels):
                    size = 1 << (levels[depth] - leaf_bits)
                    if s & (size - 1):
                        continue
                    # a level that rarely settles anything is asked only now and then
                    visits[depth] += 1
                    if 5 * wins[depth] < tries[depth] and visits[depth] % 64:
                        continue
                    tries[depth] += 1
                    if _is_inside(
                        a, mids[depth], radii[depth], alpha, beta,
                        low_weights[: levels[depth]], limit, slopes,
                    ):  # fmt: skip
                        wins[depth] += 1
                        skipped = size
                        break
            if skipped:
                counts[0] += skipped * n_leaf
                s += skipped
                continue
            n_bent, n_on = _evaluate_leaf(
                a, mids[n_levels - 1], radii[n_levels - 1], alpha, beta,
                low_weights[:leaf_bits], low, f, units, slopes,
            )  # fmt: skip
            n_active, n_other = _slope_halves(f, kind, at_kink, even, odd)
            counts[0] += n_active
            counts[1] += n_leaf
            if n_other:
                touched = True
                unit_gates[:] = 0.0
                _gather_leaf(
                    a, alpha, low, units[: n_bent + n_on], even, gates, squares, gated, unit_gates
                )
                high_ones = 1
                high = (task << (task_bits - leaf_bits)) | s
                while high:
                    high_ones += high & 1
                    high >>= 1
                usual = 0.25 if kind == LOGISTIC else 1.0
                for x in range(n_leaf):
                    ones = high_ones
                    for j in range(leaf_bits):
                        ones += x >> j & 1
                    norm = 1 + gates[x] * ones + squares[x]
                    totals[0] += (1 - odd[x] * odd[x] / usual) * norm
                    totals[1] += even[x] * even[x] * norm
                    even_sum += even[x]
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


def _share(first: int, last: int, chunk: int) -> tuple[int, int]:
    """Bounds of one of ``_CHUNKS`` equal parts; the last ones may be empty."""
    per_chunk = -(-(last - first) // _CHUNKS)
    start = min(last, first + chunk * per_chunk)
    return start, min(last, start + per_chunk)


def stream_sums(
    weights: Floats,
    bias: Floats,
    alpha: Floats,
    beta: float,
    *,
    kind: int = HINGE,
    at_kink: float = 0.0,
    skip: bool = True,
    on_progress: Callable[[int, int], None] | None = None,
) -> StreamedSums:
    """Add up over {0, 1}^d what the signal needs, in bounded memory, on all threads.

    The result is the same to the bit for any number of threads.

    Parameters
    ----------
    weights : array of shape (k, d)
    bias, alpha : array of shape (k,)
    beta : float
    kind : int
        ``HINGE``, ``SQUARE`` or ``LOGISTIC``.
    at_kink : float
        The hinge loss's indicator at |f| = 1.
    skip : bool
        Prove |f| < 1 on subcubes (hinge). False evaluates every input: the oracle.
    on_progress : callable, optional
        Called with (inputs done, 2^d) several times a second; what it raises ends the pass.
    """
    weights = np.ascontiguousarray(weights)
    k, d = weights.shape
    leaf_bits = min(d, _LEAF_BITS)
    task_bits = min(d, _TASK_BITS)
    levels = np.arange(task_bits, leaf_bits - 1, -1)
    mids = np.stack([weights[:, :level].sum(1) / 2 for level in levels])
    radii = np.stack([np.abs(weights[:, :level]).sum(1) / 2 for level in levels])
    low = np.ascontiguousarray(subset_sums(weights[:, :leaf_bits]))
    sub = np.ascontiguousarray(subset_sums(weights[:, leaf_bits:task_bits]).T)
    low_weights = np.ascontiguousarray(weights[:, :task_bits].T)
    # what rounding can do to f or to its bound: below this distance from 1 nothing is proved
    size = abs(beta) + np.abs(alpha) @ (np.abs(bias) + np.abs(weights).sum(1))
    limit = 1 - 4 * (k + d) * np.finfo(float).eps * float(size) if skip else -1.0

    n_tasks = 1 << (d - task_bits)
    totals, counts = np.zeros((_CHUNKS, 2)), np.zeros((_CHUNKS, 2), np.int64)
    gradients = np.zeros((_CHUNKS, k * (d + 2) + 1))

    def work(chunk: int) -> None:
        _run_tasks(
            *_share(first, last, chunk), task_bits, leaf_bits, weights, bias, alpha, beta, low,
            sub, low_weights, mids, radii, levels, kind, at_kink, limit, totals[chunk],
            counts[chunk], gradients[chunk],
        )  # fmt: skip

    for first in range(0, n_tasks, _TASKS_PER_CALL):
        last = min(n_tasks, first + _TASKS_PER_CALL)
        run_chunks(work, min(_CHUNKS, last - first))
        if on_progress is not None:
            on_progress(last << task_bits, 1 << d)
    return StreamedSums(
        odd_deficit=float(totals[:, 0].sum()),
        even_square=float(totals[:, 1].sum()),
        even_gradient=gradients.sum(0),
        n_active=int(counts[:, 0].sum()),
        n_evaluated=int(counts[:, 1].sum()),
    )


@njit(cache=True, nogil=True, fastmath=_FAST)
def _compare(
    first: int, last: int, leaf_bits: int, weights: Floats, bias: Floats, alpha: Floats,
    beta: float, low: Floats, low_weights: Floats, mid: Floats, radius: Floats, mask: int,
) -> tuple[float, int]:  # fmt: skip
    k, d = weights.shape
    n_leaf = 1 << leaf_bits
    worst, place = -1.0, 0
    a, f, slopes = np.empty(k), np.empty(n_leaf), np.empty(k)
    units = np.empty(k + 1, np.int64)
    for leaf in range(first, last):
        a[:] = bias
        for j in range(leaf_bits, d):
            if leaf >> (j - leaf_bits) & 1:
                for i in range(k):
                    a[i] += weights[i, j]
        _evaluate_leaf(a, mid, radius, alpha, beta, low_weights, low, f, units, slopes)
        for x in range(n_leaf):
            picked = ((leaf << leaf_bits) | x) & mask
            label = 1.0
            while picked:
                label = -label
                picked &= picked - 1
            error = abs(f[x] - label)
            if not error <= worst:
                worst = error
                place = (leaf << leaf_bits) | x
                if np.isnan(error):  # no error is larger
                    return worst, place
    return worst, place


def largest_error(
    weights: Floats,
    bias: Floats,
    alpha: Floats,
    beta: float,
    mask: int,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[float, int]:
    """Find the input where |f(x) - (-1)^(v . x)| is largest, over all of {0, 1}^d.

    Parameters
    ----------
    weights, bias, alpha, beta
        The network, as in :func:`stream_sums`.
    mask : int
        v, feature j its bit j.
    on_progress : callable, optional
        Called with (inputs done, 2^d).

    Returns
    -------
    error : float
        NaN if f is NaN anywhere.
    place : int
        The input, feature j its bit j; the first of several.
    """
    weights = np.ascontiguousarray(weights)
    d = weights.shape[1]
    leaf_bits = min(d, _LEAF_BITS)
    low = np.ascontiguousarray(subset_sums(weights[:, :leaf_bits]))
    low_weights = np.ascontiguousarray(weights[:, :leaf_bits].T)
    mid = weights[:, :leaf_bits].sum(1) / 2
    radius = np.abs(weights[:, :leaf_bits]).sum(1) / 2
    n_leaves = 1 << (d - leaf_bits)
    step = _TASKS_PER_CALL << (_TASK_BITS - _LEAF_BITS)
    worst, place = -1.0, 0
    errors, places = np.empty(_CHUNKS), np.empty(_CHUNKS, np.int64)

    def work(chunk: int) -> None:
        errors[chunk], places[chunk] = _compare(
            *_share(first, last, chunk), leaf_bits, weights, bias, alpha, beta, low, low_weights,
            mid, radius, mask,
        )  # fmt: skip

    for first in range(0, n_leaves, step):
        last = min(n_leaves, first + step)
        run_chunks(work, _CHUNKS)
        chunk = int(errors.argmax())  # of a NaN, if there is one
        if not np.isnan(worst) and not errors[chunk] <= worst:
            worst, place = float(errors[chunk]), int(places[chunk])
        if on_progress is not None:
            on_progress(last << leaf_bits, 1 << d)
    return worst, place
