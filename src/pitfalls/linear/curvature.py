"""Curvature of the risk by Hessian-vector products, and the dense Hessian as a slow check."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.linalg import eigh_tridiagonal
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.integers import require_integer
from pitfalls.linear.derivatives import hessian_product
from pitfalls.linear.margins import EXHAUSTED, NOTHING
from pitfalls.linear.network import (
    Layer,
    Matrix,
    Weights,
    as_weights,
    require_shapes,
    require_squares,
)
from pitfalls.linear.risk import SquaredRisk

__all__ = ["Curvature", "curvature_along", "dense_hessian", "lowest_curvature"]

_SHORT = 40  # products below which restarts do not pay


@dataclass(frozen=True, eq=False, repr=False)
class Curvature(Displayed):
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

    direction: tuple[Layer, ...]
    value: float
    largest: float
    converged: bool
    n_products: int


def curvature_along(risk: SquaredRisk, weights: Weights, direction: Weights) -> float:
    """Return the second derivative of the risk along a direction, scaled to Frobenius norm 1.

    Parameters
    ----------
    risk : SquaredRisk
    weights : network, or sequence of arrays or tensors
    direction : network, or sequence of arrays or tensors
        Of the layers' shapes, finite and not zero, of any length.

    Raises
    ------
    InputError
        If weights or direction are not that.
    """
    layers = as_weights(weights, "curvature_along")
    risk.check(layers, "curvature_along")
    require_squares(layers, "curvature_along")
    steps = even_out(as_direction(direction, layers, "curvature_along"), "curvature_along")
    image = hessian_product(layers, steps, risk.moments.sxx, risk.moments.syx)
    inner = sum(float(np.sum(v * h)) for v, h in zip(steps, image, strict=True))
    return inner / sum(float(np.sum(v * v)) for v in steps)


def as_direction(direction: Weights, layers: Sequence[Layer], who: str) -> tuple[Layer, ...]:
    """Return a direction as float64 arrays after checking that it has the layers' shapes."""
    steps = as_weights(direction, f"{who}: direction")
    require_shapes(steps, layers, who)
    return steps


def even_out(steps: Sequence[Layer], who: str) -> list[Layer]:
    """Scale a direction by a power of two, which changes no digit, until its squares fit float64."""
    largest = max(float(np.abs(v).max()) for v in steps)
    if largest == 0:
        raise InputError(f"{who}: the direction is zero. Give one with an entry that is not.")
    _, exponent = np.frexp(largest)
    return [np.ldexp(v, -exponent) for v in steps]


def lowest_curvature(
    risk: SquaredRisk,
    weights: Weights,
    *,
    start: Weights | None = None,
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
    start : network, sequence of arrays or tensors, or None
        A direction to start from, of the layers' shapes and not zero; None draws one.
    rtol : float
        Accuracy, relative to the largest eigenvalue in absolute value.
    max_products : int
        Bound on the Hessian-vector products, at least 1 (roughly kept). Up to 40 are spent on one Lanczos run
        without restarts, which is not expected to converge.
    random_state : int
        Seeds the starting direction.

    Returns
    -------
    Curvature
        With value 0 and the starting direction where the Hessian is zero; with NaN where it is
        beyond float64's range.

    Raises
    ------
    InputError
        If weights, start or max_products are not that.
    """
    who = "lowest_curvature"
    max_products = require_integer(who, "max_products", max_products, 1)
    layers = as_weights(weights, who)
    risk.check(layers, who)
    require_squares(layers, who)
    return search_lowest(
        risk,
        layers,
        start=None if start is None else even_out(as_direction(start, layers, who), who),
        rtol=rtol,
        max_products=max_products,
        random_state=random_state,
    )


def search_lowest(
    risk: SquaredRisk,
    layers: Sequence[Matrix],
    *,
    start: Sequence[Layer] | None = None,
    rtol: float = 1e-7,
    max_products: int = 1000,
    random_state: int = 0,
) -> Curvature:
    """Do what `lowest_curvature` does at layers that have been checked."""
    sxx, syx = risk.moments.sxx, risk.moments.syx
    size = sum(w.size for w in layers)
    products = 0

    def multiply(vector: Matrix) -> Matrix:
        nonlocal products
        products += 1
        return flatten(hessian_product(layers, unflatten(vector, layers), sxx, syx))

    first = np.random.default_rng(random_state).standard_normal(size)
    if start is not None:
        given = flatten(start)
        first = given / np.linalg.norm(given) + 1e-3 * first / np.linalg.norm(first)
    first /= np.linalg.norm(first)
    # the scale of the terms that H is made of: below its rounding H counts as zero
    with np.errstate(over="ignore", invalid="ignore"):
        scale, image = _size_of_terms(layers, sxx, syx), multiply(first)
    if not (np.isfinite(scale) and np.isfinite(image).all()):
        return Curvature(tuple(unflatten(first, layers)), np.nan, np.nan, False, products)
    # the largest entry as unit: squares of what is within range may not be
    unit = float(np.abs(image).max())
    if unit * float(np.linalg.norm(image / (unit or 1.0))) <= NOTHING * scale:
        return Curvature(tuple(unflatten(first, layers)), 0.0, 0.0, True, products)
    if size <= 64:
        return _dense(hessian_matrix(layers, sxx, syx), layers)
    low, top, vector, converged = _lowest(
        lambda v: multiply(v) / unit, first, rtol=rtol, max_products=max_products
    )
    return Curvature(tuple(unflatten(vector, layers)), low * unit, top * unit, converged, products)


def _size_of_terms(layers: Sequence[Matrix], sxx: Matrix, syx: Matrix) -> float:
    """Return the sum of the norms of the products that the Hessian is summed from."""
    norms = [np.linalg.norm(w, 2) for w in layers]
    size_xx, size_yx = np.linalg.norm(sxx), np.linalg.norm(syx)
    total = np.float64(0.0)
    for i in range(len(layers)):
        total += np.prod(norms[:i] + norms[i + 1 :]) ** 2 * size_xx
        for j in range(i):
            total += np.prod(norms[:j] + norms[j + 1 : i] + norms[i + 1 :]) * size_yx
    return float(total)


def _lowest(
    multiply: Callable[[Matrix], Matrix], first: Matrix, *, rtol: float, max_products: int
) -> tuple[float, float, Matrix, bool]:
    """Find lowest and largest eigenvalue, the lowest one's vector, and whether it converged."""
    if max_products > _SHORT:
        shape = (len(first), len(first))
        try:
            top, _ = _extreme(LinearOperator(shape, multiply, dtype=np.float64), first, 1e-2, 100)
            # shifted, the lowest eigenvalue is the largest in absolute value: what Lanczos finds first
            shift = 1.02 * max(top, float(np.linalg.norm(multiply(first))))
            shifted = LinearOperator(shape, lambda v: shift * v - multiply(v), dtype=np.float64)
            value, vector = _extreme(shifted, first, rtol, max_products)
        except ArpackError:  # no convergence, or no factorization where scales are too far apart
            pass
        else:
            return shift - value, top, vector, True
    low, vector, top = _lanczos(multiply, first, min(max_products, _SHORT))
    return low, top, vector, False


def dense_hessian(risk: SquaredRisk, weights: Weights) -> Float64[np.ndarray, "P P"]:
    """Form the whole Hessian, column by column: slow, for checks on small networks.

    Returns
    -------
    ndarray of shape (P, P)
        P = number of weights; layers one after the other, each row-major.
    """
    layers = as_weights(weights, "dense_hessian")
    risk.check(layers, "dense_hessian")
    require_squares(layers, "dense_hessian")
    return hessian_matrix(layers, risk.moments.sxx, risk.moments.syx)


def hessian_matrix(
    layers: Sequence[Layer], sxx: Float64[np.ndarray, "d d"], syx: Float64[np.ndarray, "p d"]
) -> Float64[np.ndarray, "P P"]:
    """Form the Hessian at layers that have been checked: all columns in one product."""
    size = sum(w.size for w in layers)
    cuts = np.cumsum([w.size for w in layers])[:-1]
    parts = np.split(np.eye(size), cuts, axis=1)
    units = [part.reshape(size, *w.shape) for part, w in zip(parts, layers, strict=True)]
    images = hessian_product(layers, units, sxx, syx)
    hessian = np.concatenate([image.reshape(size, -1) for image in images], axis=1)
    return np.asarray(0.5 * (hessian + hessian.T))


def flatten(matrices: Sequence[Layer]) -> Float64[np.ndarray, " P"]:
    """Put the layers into one vector."""
    return np.concatenate([np.ravel(m) for m in matrices])


def unflatten(vector: Float64[np.ndarray, " P"], layers: Sequence[Layer]) -> list[Layer]:
    """Cut a vector into matrices of the layers' shapes."""
    cuts = np.cumsum([w.size for w in layers])[:-1]
    return [v.reshape(w.shape) for v, w in zip(np.split(vector, cuts), layers, strict=True)]


def _dense(hessian: Matrix, layers: Sequence[Matrix]) -> Curvature:
    values, vectors = np.linalg.eigh(hessian)
    direction = tuple(unflatten(vectors[:, 0], layers))
    return Curvature(direction, float(values[0]), float(values[-1]), True, len(values))


def _extreme(
    operator: LinearOperator, start: Matrix, rtol: float, max_products: int
) -> tuple[float, Matrix]:
    """Find the largest eigenvalue of a symmetric operator by restarted Lanczos iteration."""
    ncv = min(operator.shape[0], 40)
    rounds = max(1, max_products // (ncv // 2))
    values, vectors = eigsh(operator, k=1, which="LA", v0=start, tol=rtol, ncv=ncv, maxiter=rounds)
    return float(values[0]), vectors[:, 0]


def _lanczos(
    multiply: Callable[[Matrix], Matrix], start: Matrix, steps: int
) -> tuple[float, Matrix, float]:
    """Do a few Lanczos steps: the lowest Ritz value with its vector, and the largest.

    A Ritz value is the curvature along its vector: below zero it proves a way down.
    """
    basis = [start / np.linalg.norm(start)]
    diagonal: list[float] = []
    beside: list[float] = []
    for _ in range(min(steps, len(start))):
        image = multiply(basis[-1])
        diagonal.append(float(basis[-1] @ image))
        known = np.array(basis)
        for _ in range(2):  # against all, twice: rounding would bring copies back
            image = image - known.T @ (known @ image)
        size = float(np.linalg.norm(image))
        if size <= EXHAUSTED * max(map(abs, diagonal)):
            break
        beside.append(size)
        basis.append(image / size)
    m = len(diagonal)
    values, vectors = eigh_tridiagonal(diagonal, beside[: m - 1])
    vector = vectors[:, 0] @ np.array(basis[:m])
    return float(values[0]), vector / np.linalg.norm(vector), float(values[-1])
