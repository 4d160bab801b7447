"""One pass over all 2^d inputs of a two-layer ReLU network, without storing any of them.

An input is split in bits: z_i = a_i(high bits) + b_i(low bits), so a unit costs one addition an
input. On top of that, the pass skips what it can prove. With the hinge loss most inputs of most
networks are of one kind: at initialisation |f| < 1, so that A = 0 and G = -1; near an interpolating
solution f is beyond 1 on the side of a parity chi_v, so that A = chi_v / 2 and G = -1/2. What such a
network would add up to is known in closed form (``gradient_norm``), and only the differences from
it need a look. The inputs are visited as nested subcubes: bound f over the subcube by relaxing each
hidden unit that changes sign there, and descend only where the bound does not settle that all of
it is of the expected kind. Of a trained network hardly any subcube can be settled so: its units
change sign nearly everywhere. Its inputs are looked at one by one in 16-bit integers, with a proven
error (``fixed_point_screen``); what that leaves open, mostly |f| near 1, is evaluated in float64,
2^6 inputs at a time. The features of the expected parity are the highest bits, then those that move
f most, so that f varies little in a subcube.

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
from jaxtyping import Float64, Int64

from pitfalls.parity.signal.cube_pass_kernel import (
    HINGE,
    LOGISTIC,
    SQUARE,
    compare_leaves,
    run_tasks,
)
from pitfalls.parity.signal.fixed_point_screen import (
    SCREEN_BITS,
    Screen,
    empty_screen,
    make_screen,
)
from pitfalls.parity.signal.gradient_norm import gradient_norm_total, parity_gradient_sum
from pitfalls.parity.signal.rounding import output_rounding, rounding
from pitfalls.parity.threads import run_chunks
from pitfalls.parity.walsh import walsh_hadamard_transform

__all__ = [
    "HINGE",
    "LOGISTIC",
    "SQUARE",
    "StreamedSums",
    "largest_error",
    "stream_sums",
    "subset_sums",
]

_LEAF_BITS = 6
_TASK_BITS = 12
# What one compiled call does before Python gets a word in (progress, Ctrl-C): under a second.
_TASKS_PER_CALL = 2048
_GUESS_SAMPLE, _GUESSED_FEATURES = 1 << 12, 12
_STEP_SAMPLE = 256
# Fixed, so that the order of summation does not depend on the number of threads.
_CHUNKS = 16
_NO_SCREEN = empty_screen()


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
    near_square : float
        Sum of |grad f|^2 where rounding decides on which side of 1 |f| lies (hinge).
    n_screened : int
        Number of inputs settled one by one in integers.
    n_evaluated : int
        Number of inputs at which f had to be evaluated in float64.
    """

    odd_deficit: float
    even_square: float
    even_gradient: Float64[np.ndarray, " P"]
    n_active: int
    near_square: float
    n_screened: int
    n_evaluated: int


def subset_sums(weights: Float64[np.ndarray, "k n"]) -> Float64[np.ndarray, "k 2**n"]:
    """Sum the columns of weights (k, n) over every subset: (k, 2^n), bit j for column j."""
    sums = np.zeros((weights.shape[0], 1))
    for column in weights.T:
        sums = np.concatenate([sums, sums + column[:, None]], axis=1)
    return sums


def _share(first: int, last: int, chunk: int) -> tuple[int, int]:
    """Bounds of one of ``_CHUNKS`` equal parts; the last ones may be empty."""
    per_chunk = -(-(last - first) // _CHUNKS)
    start = min(last, first + chunk * per_chunk)
    return start, min(last, start + per_chunk)


def expected_parity(
    weights: Float64[np.ndarray, "k d"],
    bias: Float64[np.ndarray, " k"],
    alpha: Float64[np.ndarray, " k"],
    beta: float,
) -> int | None:
    """Guess the parity on whose side f is beyond 1 at most inputs; None if more have |f| < 1.

    A guess decides how much can be skipped, never what the sums are. It is made from a fixed sample
    of inputs and looks for parities of the last twelve features only.
    """
    d = weights.shape[1]
    n_last = min(d, _GUESSED_FEATURES)
    x = np.random.default_rng(0).integers(0, 2, (_GUESS_SAMPLE, d)).astype(np.float64)
    # not by the linear algebra library, whose bits depend on the number of threads
    z = np.einsum("nd,kd->nk", x, weights) + bias
    f = np.einsum("nk,k->n", np.maximum(z, 0.0), alpha) + beta
    outside = np.abs(f) >= 1
    place = x[:, d - n_last :] @ 2.0 ** np.arange(n_last)
    signs = np.zeros(1 << n_last)
    np.add.at(signs, place.astype(np.int64), np.where(outside, np.sign(f), 0.0))
    found = walsh_hadamard_transform(signs)
    best = int(found.argmax())
    # of the inputs outside, (n + found) / 2 are on the parity's side
    agree = (float(outside.sum()) + float(found[best])) / 2
    return best << (d - n_last) if agree > float((~outside).sum()) else None


def expected_highest(
    order: Int64[np.ndarray, " d"],
    weights: Float64[np.ndarray, "k d"],
    bias: Float64[np.ndarray, " k"],
    alpha: Float64[np.ndarray, " k"],
    beta: float,
) -> tuple[Int64[np.ndarray, " d"], int | None]:
    """Guess the parity of the features in this order; move its features to the end."""
    mask = expected_parity(np.ascontiguousarray(weights[:, order]), bias, alpha, beta)
    if mask is None:
        return order, None
    inside = (mask >> np.arange(len(order)) & 1).astype(bool)
    n_inside = int(inside.sum())
    moved = np.concatenate([order[~inside], order[inside]])
    return moved, ((1 << n_inside) - 1) << (len(order) - n_inside)


def _screen_of(
    weights: Float64[np.ndarray, "k d"],
    bias: Float64[np.ndarray, " k"],
    alpha: Float64[np.ndarray, " k"],
    guard: float,
) -> Screen:
    """Tabulate the units over the lowest features; the table is empty where it cannot be."""
    n_high = weights.shape[1] - SCREEN_BITS
    if n_high < 0:
        return _NO_SCREEN
    x = np.random.default_rng(0).integers(0, 2, (_STEP_SAMPLE, n_high)).astype(np.float64)
    typical = np.einsum("nd,kd->nk", x, weights[:, SCREEN_BITS:]) + bias
    return make_screen(subset_sums(weights[:, :SCREEN_BITS]), alpha, typical, guard) or _NO_SCREEN


def stream_sums(
    weights: Float64[np.ndarray, "k d"],
    bias: Float64[np.ndarray, " k"],
    alpha: Float64[np.ndarray, " k"],
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
        Prove what f is where that is cheap (hinge). False evaluates every input: the oracle.
    on_progress : callable, optional
        Called with (inputs done, 2^d) several times a second; what it raises ends the pass.
    """
    k, d = weights.shape
    order, mask = np.arange(d), None
    if kind == HINGE:
        order = np.argsort(np.abs(alpha) @ np.abs(weights), kind="stable")
        # without skipping as well: the order decides how f is rounded
        order, mask = expected_highest(order, weights, bias, alpha, beta)
        mask = mask if skip else None
    weights = np.ascontiguousarray(weights[:, order])
    usual = {HINGE: -1.0 if mask is None else -0.5, SQUARE: -1.0, LOGISTIC: -0.5}[kind]
    leaf_bits = min(d, _LEAF_BITS)
    task_bits = min(d, _TASK_BITS)
    levels = np.arange(task_bits, leaf_bits - 1, -1)
    mids = np.stack([weights[:, :level].sum(1) / 2 for level in levels])
    radii = np.stack([np.abs(weights[:, :level]).sum(1) / 2 for level in levels])
    low = np.ascontiguousarray(subset_sums(weights[:, :leaf_bits]))
    sub = np.ascontiguousarray(subset_sums(weights[:, leaf_bits:task_bits]).T)
    low_weights = np.ascontiguousarray(weights[:, :task_bits].T)
    limit, tables = -1.0, _NO_SCREEN  # nothing is proved
    near = output_rounding(weights, bias, alpha, beta) if kind == HINGE else 0.0
    if kind == HINGE and skip:
        guard = rounding(weights, bias, alpha, beta)
        limit = 1 - guard if mask is None else 1 + guard
        tables = _screen_of(weights, bias, alpha, guard)

    n_tasks = 1 << (d - task_bits)
    totals, counts = np.zeros((_CHUNKS, 3)), np.zeros((_CHUNKS, 3), np.int64)
    gradients = np.zeros((_CHUNKS, k * (d + 2) + 1))

    def work(chunk: int) -> None:
        run_tasks(
            *_share(first, last, chunk), task_bits, leaf_bits, weights, bias, alpha, beta, low,
            sub, low_weights, mids, radii, levels, tables, kind, at_kink,
            -1 if mask is None else mask, usual, limit, near, totals[chunk], counts[chunk],
            gradients[chunk],
        )  # fmt: skip

    for first in range(0, n_tasks, _TASKS_PER_CALL):
        last = min(n_tasks, first + _TASKS_PER_CALL)
        run_chunks(work, min(_CHUNKS, last - first))
        if on_progress is not None:
            on_progress(last << task_bits, 1 << d)
    odd_deficit, even_square, near_square = (float(value) for value in totals.sum(0))
    even_gradient = gradients.sum(0)
    if mask is None:
        odd_deficit /= usual**2
    else:
        norm = 2.0**d * gradient_norm_total(weights, bias, alpha)
        odd_deficit += 0.75 * norm
        even_square += 0.25 * norm
        even_gradient += 0.5 * parity_gradient_sum(weights, bias, alpha, mask)
    unordered = np.empty((k, d))
    unordered[:, order] = even_gradient[: k * d].reshape(k, d)
    even_gradient[: k * d] = unordered.ravel()
    n_active, n_evaluated, n_screened = (int(count) for count in counts.sum(0))
    return StreamedSums(
        odd_deficit, even_square, even_gradient, n_active, near_square, n_screened, n_evaluated
    )


def largest_error(
    weights: Float64[np.ndarray, "k d"],
    bias: Float64[np.ndarray, " k"],
    alpha: Float64[np.ndarray, " k"],
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
        errors[chunk], places[chunk] = compare_leaves(
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
