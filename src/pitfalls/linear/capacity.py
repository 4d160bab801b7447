"""Capacity (homework 2a): which maps a deep linear network represents, and weights that do it."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from torch import Tensor, as_tensor, float64

from pitfalls.errors import CapacityError, InputError
from pitfalls.linear.margins import SMALL_RANK
from pitfalls.linear.network import (
    Matrix,
    as_arrays,
    as_weights,
    check_widths,
    layers_of,
    precision_of,
)
from pitfalls.linear.risk import SquaredRisk
from pitfalls.moments import SecondMoments

__all__ = ["factorize", "nearest_representable", "numerical_rank"]

T = TypeVar("T", npt.NDArray[Any], Tensor)


def numerical_rank(target: npt.ArrayLike | Tensor, rtol: float | None = None) -> int:
    """Count the singular values above rtol times the largest.

    Parameters
    ----------
    target : array or tensor of shape (p, d)
    rtol : float or None
        Relative threshold; None takes 1e-10, and for float32 and less what rounding of the entries
        amounts to, the type's epsilon times the root of the shorter side.
    """
    if rtol is not None and not 0 <= rtol < 1:
        raise InputError(f"numerical_rank: rtol must be in [0, 1). Got {rtol}.")
    layers = layers_of([target], "numerical_rank")
    (matrix,) = as_arrays(layers, "numerical_rank")
    if rtol is None:
        # entries off by a share of themselves move singular values by that share of the whole norm
        rtol = max(SMALL_RANK, 2 * precision_of(layers) * min(matrix.shape) ** 0.5)
    values = np.linalg.svd(matrix, compute_uv=False)
    return int(np.sum(values > rtol * values[0])) if values[0] > 0 else 0


def factorize(target: T, widths: Sequence[int], *, rtol: float | None = None) -> tuple[T, ...]:
    """Split a matrix into balanced layers whose product restores it.

    Parameters
    ----------
    target : array or tensor of shape (p, d)
        The end-to-end map. Not modified.
    widths : sequence of int
        All layer widths d_0, ..., d_L, input first; d_0 = d and d_L = p.
    rtol : float or None
        Singular values below rtol times the largest count as zero, as in `numerical_rank`.

    Returns
    -------
    tuple of arrays or tensors
        W_1, ..., W_L with W_i of shape (d_i, d_{i-1}), W_L @ ... @ W_1 = target and
        W_{i+1}.T @ W_{i+1} = W_i @ W_i.T, up to rounding.

    Raises
    ------
    CapacityError
        If rank(target) exceeds the smallest width: no such layers exist (homework 2a).

    Examples
    --------
    >>> w1, w2 = factorize(np.diag([4.0, 9.0, 0.0]), [3, 2, 3])
    >>> w1.shape, w2.shape, np.round(w2 @ w1, 9).diagonal()
    ((2, 3), (3, 2), array([4., 9., 0.]))
    """
    (matrix,) = as_weights([target], "factorize")
    widths = check_widths(widths, "factorize")
    _check_ends(matrix, widths, "factorize")
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    rank = numerical_rank(target, rtol)
    narrowest = int(np.argmin(widths))
    if rank > widths[narrowest]:
        raise CapacityError(
            f"factorize: rank(target) is {rank} but the narrowest width is {widths[narrowest]} "
            f"(widths[{narrowest}]). Widen it, or call nearest_representable first."
        )
    n_layers = len(widths) - 1
    if n_layers == 1:
        return (_like(matrix.copy(), target),)
    share = values[:rank] ** (1.0 / n_layers)
    layers = []
    for i in range(1, n_layers + 1):
        layer = np.zeros((widths[i], widths[i - 1]))
        if i == 1:
            layer[:rank] = share[:, None] * right[:rank]
        elif i == n_layers:
            layer[:, :rank] = left[:, :rank] * share
        else:
            layer[range(rank), range(rank)] = share
        layers.append(layer)
    return tuple(_like(layer, target) for layer in layers)


def nearest_representable(
    target: T, widths: Sequence[int], moments: SecondMoments | None = None
) -> T:
    """Project a map on the maps that a network of these widths can represent.

    Parameters
    ----------
    target : array or tensor of shape (p, d)
        Any map.
    widths : sequence of int
        d_0, ..., d_L.
    moments : SecondMoments or None
        None measures distance in the Frobenius norm (Eckart and Young). Given, it is the data's:
        the sum over the rows of ‖(W − target)x‖², centred if the moments are.

    Returns
    -------
    array or tensor of shape (p, d)
        A nearest map of rank at most min(widths). In the data's metric it is the one of least norm.
    """
    (matrix,) = as_weights([target], "nearest_representable")
    widths = check_widths(widths, "nearest_representable")
    _check_ends(matrix, widths, "nearest_representable")
    if moments is None:
        left, values, right = np.linalg.svd(matrix, full_matrices=False)
        r = min(widths)
        return _like((left[:, :r] * values[:r]) @ right[:r], target)
    if moments.n_features != matrix.shape[1]:
        raise InputError(
            f"nearest_representable: the target takes {matrix.shape[1]} features, the moments have "
            f"{moments.n_features}."
        )
    metric = SquaredRisk(
        SecondMoments(
            n=moments.n,
            mean_x=moments.mean_x,
            mean_y=matrix @ moments.mean_x,
            scatter_xx=moments.scatter_xx,
            scatter_yx=matrix @ moments.scatter_xx,
            scatter_yy=matrix @ moments.scatter_xx @ matrix.T,
            center=moments.center,
        )
    )
    return _like(metric.minimum(min(widths)).map, target)


def _check_ends(matrix: Matrix, widths: tuple[int, ...], who: str) -> None:
    if (widths[-1], widths[0]) != matrix.shape:
        raise InputError(
            f"{who}: the target of shape {matrix.shape} asks for widths from {matrix.shape[1]} to "
            f"{matrix.shape[0]}. Got widths {widths}."
        )


def _like(values: Matrix, template: T) -> T:
    """Return values in the template's kind; whole numbers cannot hold them and get float64."""
    if isinstance(template, Tensor):
        dtype = template.dtype if template.is_floating_point() else float64
        return as_tensor(values, dtype=dtype, device=template.device)
    return values
