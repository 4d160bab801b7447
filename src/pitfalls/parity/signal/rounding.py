"""What float64 rounds in the outputs of a two-layer ReLU network over {0, 1}^d."""

import numpy as np
import numpy.typing as npt

__all__ = ["output_rounding", "rounding", "unit_of"]

Array = npt.NDArray[np.float64]


def unit_of(values: Array) -> float:
    """Return the largest power of two that all values are multiples of (infinity if all are zero)."""
    mantissa, exponent = np.frexp(values[values != 0])
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    return float(np.ldexp((whole & -whole).astype(np.float64), exponent - 53).min(initial=np.inf))


def _terms(weights: Array, bias: Array, alpha: Array, beta: float) -> float:
    return float(abs(beta) + np.abs(alpha) @ (np.abs(bias) + np.abs(weights).sum(1)))


@np.errstate(over="ignore", invalid="ignore")  # infinity says it
def rounding(weights: Array, bias: Array, alpha: Array, beta: float) -> float:
    """Bound what rounding can do to f or to a bound on it: this near to 1 nothing is proved.

    Parameters
    ----------
    weights : array of shape (k, d)
    bias, alpha : array of shape (k,)
    beta : float
    """
    k, d = weights.shape
    return float(4 * (k + d) * np.finfo(float).eps * _terms(weights, bias, alpha, beta))


@np.errstate(over="ignore", invalid="ignore")
def output_rounding(weights: Array, bias: Array, alpha: Array, beta: float) -> float:
    """Bound what rounding can do to f at any input; 0 where all of its sums are exact."""
    inner = unit_of(np.append(weights.ravel(), bias))
    unit = min(inner * unit_of(alpha), unit_of(np.array([beta])))
    # sums of multiples of one power of two that fit 53 bits are exact; parts may be twice the terms
    if 2 * _terms(weights, bias, alpha, beta) < unit * 2.0**53:
        return 0.0
    bound = rounding(weights, bias, alpha, beta)
    return bound if np.isfinite(bound) else float("inf")
