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
from jaxtyping import Float64

from pitfalls.parity.signal.cube_pass_kernel import (
    HINGE,
    LOGISTIC,
    SQUARE,
    compare_leaves,
    run_tasks,
)
from pitfalls.parity.threads import run_chunks

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
# Fixed, so that the order of summation does not depend on the number of threads.
_CHUNKS = 16


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
    even_gradient: Float64[np.ndarray, " P"]
    n_active: int
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
        run_tasks(
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
