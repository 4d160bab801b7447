"""Curvature of the risk by Hessian-vector products, and the dense Hessian as a slow check."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from pitfalls.linear.network import Matrix, Weights, as_weights
from pitfalls.linear.risk import SquaredRisk

__all__ = ["Curvature", "curvature_along", "dense_hessian", "lowest_curvature"]


@dataclass(frozen=True, eq=False)
class Curvature:
    """A direction in the space of the weights and the second derivative of the risk along it.

    Parameters
    ----------
    direction : tuple of ndarray
        One matrix a layer, together of Frobenius norm 1.
    value : float
        direction' H direction.
    largest : float
        The largest eigenvalue of H, the scale to judge `value` by (an estimate to 1 %).
    converged : bool
        Whether the eigensolver met its tolerance.
    n_products : int
        Hessian-vector products it took.
    """

    direction: tuple[Matrix, ...]
    value: float
    largest: float
    converged: bool
    n_products: int


def curvature_along(risk: SquaredRisk, weights: Weights, direction: Sequence[Matrix]) -> float:
    """Return the second derivative of the risk along a direction, scaled to Frobenius norm 1.

    Parameters
    ----------
    risk : SquaredRisk
    weights : network, or sequence of arrays or tensors
    direction : sequence of ndarray
        Of the layers' shapes, not zero.
    """
    layers = as_weights(weights, "curvature_along")
    image = risk.hessian_vector_product(layers, list(direction))
    inner = sum(float(np.sum(v * h)) for v, h in zip(direction, image, strict=True))
    return inner / sum(float(np.sum(v * v)) for v in direction)


def lowest_curvature(
    risk: SquaredRisk,
    weights: Weights,
    *,
    start: Sequence[Matrix] | None = None,
    rtol: float = 1e-7,
    max_products: int = 1000,
    random_state: int = 0,
) -> Curvature:
    """Find the lowest eigenvalue of the Hessian and its direction by Lanczos iteration.

    Parameters
    ----------
    risk : SquaredRisk
    weights : network, or sequence of arrays or tensors
        Any point, critical or not.
    start : sequence of ndarray or None
        A direction to start from; None draws one.
    rtol : float
        Accuracy, relative to the largest eigenvalue in absolute value.
    max_products : int
        Bound on the Hessian-vector products (roughly kept).
    random_state : int
        Seeds the starting direction.

    Returns
    -------
    Curvature
        With value 0 and the starting direction where the Hessian is zero.
    """
    layers = as_weights(weights, "lowest_curvature")
    risk.check(layers, "lowest_curvature")
    size = sum(w.size for w in layers)
    products = 0

    def multiply(vector: Matrix) -> Matrix:
        nonlocal products
        products += 1
        return flatten(risk.hessian_vector_product(layers, unflatten(vector, layers)))

    first = np.random.default_rng(random_state).standard_normal(size)
    if start is not None:
        given = flatten(start)
        first = given / np.linalg.norm(given) + 1e-3 * first / np.linalg.norm(first)
    first /= np.linalg.norm(first)
    # the scale of the terms that H is made of: below its rounding H counts as zero
    norms = [float(np.linalg.norm(w, 2)) for w in layers]
    sxx, syx = np.linalg.norm(risk.moments.sxx), np.linalg.norm(risk.moments.syx)
    scale = sum(
        float(np.prod(norms[:i] + norms[i + 1 :])) ** 2 * sxx
        + sum(float(np.prod(norms[:j] + norms[j + 1 : i] + norms[i + 1 :])) * syx for j in range(i))
        for i in range(len(layers))
    )
    image = multiply(first)
    if np.linalg.norm(image) <= 1e-13 * scale or scale == 0:
        return Curvature(tuple(unflatten(first, layers)), 0.0, 0.0, True, products)
    if size <= 64:
        return _dense(risk, layers)
    top, _, _ = _extreme(LinearOperator((size, size), multiply, dtype=np.float64), first, 1e-2, 100)
    # shifted, the lowest eigenvalue is the largest in absolute value: what Lanczos finds first
    shift = 1.02 * max(top, float(np.linalg.norm(image)))
    shifted = LinearOperator((size, size), lambda v: shift * v - multiply(v), dtype=np.float64)
    value, vector, converged = _extreme(shifted, first, rtol, max_products)
    return Curvature(tuple(unflatten(vector, layers)), shift - value, top, converged, products)


def dense_hessian(risk: SquaredRisk, weights: Weights) -> Matrix:
    """Form the whole Hessian, column by column: slow, for checks on small networks.

    Returns
    -------
    ndarray of shape (P, P)
        P = number of weights; layers one after the other, each row-major.
    """
    layers = as_weights(weights, "dense_hessian")
    columns = [
        flatten(risk.hessian_vector_product(layers, unflatten(row, layers)))
        for row in np.eye(sum(w.size for w in layers))
    ]
    hessian = np.stack(columns)
    return 0.5 * (hessian + hessian.T)


def flatten(matrices: Sequence[Matrix]) -> Matrix:
    """Put the layers into one vector."""
    return np.concatenate([np.ravel(m) for m in matrices])


def unflatten(vector: Matrix, layers: Sequence[Matrix]) -> list[Matrix]:
    """Cut a vector into matrices of the layers' shapes."""
    cuts = np.cumsum([w.size for w in layers])[:-1]
    return [v.reshape(w.shape) for v, w in zip(np.split(vector, cuts), layers, strict=True)]


def _dense(risk: SquaredRisk, layers: Sequence[Matrix]) -> Curvature:
    values, vectors = np.linalg.eigh(dense_hessian(risk, layers))
    direction = tuple(unflatten(vectors[:, 0], layers))
    return Curvature(direction, float(values[0]), float(values[-1]), True, len(values))


def _extreme(
    operator: LinearOperator, start: Matrix, rtol: float, max_products: int
) -> tuple[float, Matrix, bool]:
    """Find the largest eigenvalue of a symmetric operator; the best there is if time runs out."""
    ncv = min(operator.shape[0], 40)
    rounds = max(1, max_products // (ncv // 2))
    try:
        values, vectors = eigsh(
            operator, k=1, which="LA", v0=start, tol=rtol, ncv=ncv, maxiter=rounds
        )
    except ArpackNoConvergence:
        # power steps from the start keep what it brought: a Rayleigh quotient is always a bound
        vector = start
        for _ in range(20):
            vector = operator.matvec(vector)
            vector = vector / np.linalg.norm(vector)
        return float(vector @ operator.matvec(vector)), vector, False
    return float(values[0]), vectors[:, 0], True
