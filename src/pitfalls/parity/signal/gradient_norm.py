"""Sums over all 2^d inputs that one hidden unit allows in O(2^(d/2)): meet in the middle.

The squared norm of the network's gradient is a sum over units,

    |grad f(x)|^2 = 1 + sum_i [alpha_i^2 1{z_i > 0} (|x| + 1) + max(0, z_i)^2],

and each term sees x only through z_i = w_i . x + b_i and |x|. Split the features in two halves:
z_i is the sum of one number from each of two lists of length 2^(d/2). With both lists sorted,
one sweep adds up everything where the sum is positive. The same sweep draws inputs with
probability proportional to |grad f(x)|^2: a unit by its share, the high half by its row's sum, the
low half by bisection. Under that law a bounded weight has a mean that a few draws settle, however
rare the inputs are that carry |grad f|^2.
"""

import numpy as np
from jaxtyping import Float64, Int64

from pitfalls.parity.checks import require_finite
from pitfalls.parity.signal.gradient_norm_kernel import draw_of_unit, signed_gates, unit_sums
from pitfalls.parity.threads import run_chunks

__all__ = [
    "draw_by_gradient_norm",
    "gradient_norm_total",
    "parity_gradient_sum",
    "unit_norm_totals",
]


def unit_norm_totals(
    weights: Float64[np.ndarray, "k d"],
    biases: Float64[np.ndarray, " k"],
    alphas: Float64[np.ndarray, " k"],
) -> Float64[np.ndarray, " k"]:
    """Mean over {0, 1}^d of each hidden unit's part of |grad f|^2, exactly up to rounding.

    Parameters
    ----------
    weights : array of shape (k, d)
        w_i as rows.
    biases, alphas : array of shape (k,)

    Returns
    -------
    array of shape (k,)
        In O(k 2^(d/2)) time and memory for a few lists of 2^(d/2) numbers a thread. Their sum and
        1, which is beta's part, is E|grad f|^2.
    """
    weights = np.ascontiguousarray(weights)
    gates, squares = np.empty(len(biases)), np.empty(len(biases))

    def work(unit: int) -> None:
        gates[unit], squares[unit] = unit_sums(weights[unit], biases[unit])

    run_chunks(work, len(biases))
    scale = 0.5 ** weights.shape[1]
    with np.errstate(over="ignore"):  # infinity says it
        parts: Float64[np.ndarray, " k"] = scale * (alphas**2 * gates + squares)
    return parts


def gradient_norm_total(
    weights: Float64[np.ndarray, "k d"],
    biases: Float64[np.ndarray, " k"],
    alphas: Float64[np.ndarray, " k"],
) -> float:
    """Mean over {0, 1}^d of the squared norm of the gradient of f, exactly up to rounding."""
    return float(1 + unit_norm_totals(weights, biases, alphas).sum())


def parity_gradient_sum(
    weights: Float64[np.ndarray, "k d"],
    biases: Float64[np.ndarray, " k"],
    alphas: Float64[np.ndarray, " k"],
    mask: int,
) -> Float64[np.ndarray, " P"]:
    """Sum of chi_v(x) grad f(x) over {0, 1}^d, exactly up to rounding.

    Parameters
    ----------
    weights, biases, alphas
        As in :func:`unit_norm_totals`.
    mask : int
        v, feature j its bit j.

    Returns
    -------
    array of shape (P,)
        In the order of ``TwoLayerReLU.flat_parameters``.
    """
    weights = np.ascontiguousarray(weights)
    k, d = weights.shape
    gates = np.empty((k, d + 1))

    def work(unit: int) -> None:
        gates[unit] = signed_gates(weights[unit], biases[unit], mask)

    run_chunks(work, k)
    by_weight, by_bias = gates[:, :d], gates[:, d]
    values = (weights * by_weight).sum(1) + biases * by_bias  # max(0, z) = 1{z > 0} (w . x + b)
    offset = 2.0**d if mask == 0 else 0.0
    return np.concatenate(
        [(alphas[:, None] * by_weight).ravel(), alphas * by_bias, values, [offset]]
    )


def draw_by_gradient_norm(
    weights: Float64[np.ndarray, "k d"],
    biases: Float64[np.ndarray, " k"],
    alphas: Float64[np.ndarray, " k"],
    n: int,
    generator: np.random.Generator,
) -> tuple[Int64[np.ndarray, " {n}"], float]:
    """Draw inputs of {0, 1}^d independently, each with probability proportional to |grad f|^2.

    Parameters
    ----------
    weights, biases, alphas
        As in :func:`unit_norm_totals`; d <= 62.
    n : int
    generator : numpy.random.Generator

    Returns
    -------
    numbers : array of int64 of shape (n,)
        Inputs, feature j bit j; in no random order.
    total : float
        E|grad f|^2 under the uniform law.

    Raises
    ------
    DivergenceError
        If that is not finite.
    """
    weights = np.ascontiguousarray(weights)
    k, d = weights.shape
    parts = np.append(unit_norm_totals(weights, biases, alphas), 1.0)
    total = float(parts.sum())
    require_finite("draw_by_gradient_norm", total=total)
    counts = generator.multinomial(n, parts / total)
    ends = np.cumsum(counts)
    uniforms = generator.random((n, 2))
    numbers = np.empty(n, np.int64)

    def work(unit: int) -> None:
        own = slice(ends[unit] - counts[unit], ends[unit])
        if counts[unit]:
            draw_of_unit(weights[unit], biases[unit], alphas[unit], uniforms[own], numbers[own])

    run_chunks(work, k)
    numbers[ends[k] - counts[k] :] = generator.integers(0, 1 << d, counts[k])
    return numbers, total
