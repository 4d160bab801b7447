"""What the answers are: definitions in float64, as short as they can be said."""

import itertools
from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np

__all__ = [
    "hinge",
    "inputs",
    "layer_differences",
    "least_risk",
    "least_squares",
    "network",
    "network_differences",
    "parities",
    "product",
    "random_network",
    "risk",
    "risk_gradients",
    "split_map",
]

Network = tuple[np.ndarray, np.ndarray, np.ndarray, float]
"""Weights (k, d), biases (k,), output weights (k,) and output bias."""


def product(weights: Sequence[np.ndarray]) -> np.ndarray:
    """Multiply W_L ... W_1; the first of the list is applied first."""
    return reduce(lambda done, w: w @ done, weights)


def risk(weights: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray) -> float:
    """Half the sum of squared residuals (2b)."""
    return float(0.5 * ((product(weights) @ x.T - y.T) ** 2).sum())


def least_squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The least-squares map of least norm, of shape (p, d)."""
    solution: np.ndarray = np.linalg.lstsq(x, y, rcond=None)[0].T
    return solution


def least_risk(x: np.ndarray, y: np.ndarray) -> float:
    """The least risk of any linear map."""
    return risk([least_squares(x, y)], x, y)


def differences(f: Callable[[np.ndarray], float], at: np.ndarray, step: float) -> np.ndarray:
    """Central differences of a function of an array, entry by entry."""
    found = np.empty_like(at)
    for index in np.ndindex(at.shape):
        ahead, behind = at.copy(), at.copy()
        ahead[index] += step
        behind[index] -= step
        found[index] = (f(ahead) - f(behind)) / (2 * step)
    return found


def layer_differences(
    weights: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray
) -> list[np.ndarray]:
    """Differentiate the risk by each layer by finite differences (exact up to rounding: quadratic)."""

    def with_layer(i: int) -> Callable[[np.ndarray], float]:
        return lambda w: risk([*weights[:i], w, *weights[i + 1 :]], x, y)

    return [differences(with_layer(i), w, 1e-2) for i, w in enumerate(weights)]


def split_map(target: np.ndarray, widths: Sequence[int]) -> list[np.ndarray]:
    """Split a map into layers of these widths whose product it is (its rank must fit)."""
    u, s, vt = np.linalg.svd(target, full_matrices=False)
    r = int((s > 1e-12 * max(s[0], 1e-300)).sum())
    layers = [np.zeros((after, before)) for before, after in itertools.pairwise(widths)]
    for layer in layers:
        layer[:r, :r] = np.eye(r)
    layers[0][:r] = s[:r, None] * vt[:r]
    last = np.zeros_like(layers[-1])
    last[:, :r] = u[:, :r]
    layers[-1] = last if len(layers) > 1 else target
    return layers


# --------------------------------------------------------------------------- question 3


def inputs(d: int) -> np.ndarray:
    """All 2^d inputs, the first feature changing most slowly, of shape (2^d, d)."""
    return (np.arange(2**d)[:, None] >> np.arange(d)[::-1]) & 1


def parities(masks: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(-1)^(v.x) of each mask (rows) at each input (columns)."""
    signs: np.ndarray = 1 - 2 * ((masks @ x.T) % 2)
    return signs


def hinge(output: np.ndarray, labels: np.ndarray) -> float:
    """The mean hinge loss."""
    return float(np.maximum(0, 1 - output.ravel() * labels.ravel()).mean())


def random_network(d: int, k: int, rng: np.random.Generator, scale: float = 1.0) -> Network:
    """Draw a network no input of which lies at a kink."""
    return (
        scale * rng.normal(size=(k, d)),
        scale * rng.normal(size=k),
        scale * rng.normal(size=k),
        float(rng.normal()),
    )


def network(net: Network, x: np.ndarray) -> np.ndarray:
    """f(x) of each row."""
    w, b, alpha, beta = net
    values: np.ndarray = np.maximum(0, x @ w.T + b) @ alpha + beta
    return values


def network_gradient(net: Network, x: np.ndarray) -> np.ndarray:
    """The gradient of f at each row, of shape (n, dk + 2k + 1), in the sheet's order."""
    w, b, alpha, _ = net
    z = x @ w.T + b
    active = (z > 0) * alpha
    by_w = (active[:, :, None] * x[:, None, :]).reshape(len(x), -1)
    return np.hstack([by_w, active, np.maximum(z, 0), np.ones((len(x), 1))])


def network_differences(net: Network, x: np.ndarray) -> np.ndarray:
    """Differentiate f at one input by finite differences, in the sheet's order."""
    w, b, alpha, beta = net

    def value(flat: np.ndarray) -> float:
        k, d = w.shape
        parts = np.split(flat, [k * d, k * d + k, k * d + 2 * k])
        changed = (parts[0].reshape(k, d), parts[1], parts[2], float(parts[3][0]))
        return float(network(changed, x[None])[0])

    return differences(value, np.concatenate([w.ravel(), b, alpha, [beta]]), 1e-6)


def risk_gradients(net: Network, masks: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The gradient of the hinge risk over all inputs x, a row for each mask."""
    labels = parities(masks, x)
    f, gradient = network(net, x), network_gradient(net, x)
    weight = -labels * (labels * f < 1)
    found: np.ndarray = weight @ gradient / len(x)
    return found
