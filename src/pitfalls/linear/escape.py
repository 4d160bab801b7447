"""Ways down from a strict saddle, constructed rather than searched for."""

from collections.abc import Iterator, Sequence

import numpy as np

from pitfalls.linear.curvature import flatten, unflatten
from pitfalls.linear.derivatives import hessian_product
from pitfalls.linear.network import Matrix
from pitfalls.linear.pivots import Pivot
from pitfalls.linear.risk import SquaredRisk
from pitfalls.linear.white import WhitePoint

__all__ = ["pivot_directions", "steepest_in_span", "swap_directions"]


def swap_directions(point: WhitePoint, layers: Sequence[Matrix], rank: int) -> list[list[Matrix]]:
    """Turn the weakest mode kept towards the strongest left over, at the output and at the input.

    With V_L = u_l u_k' W_L and V_1 = W_1 z_k z_l' the second derivative along V_L + V_1 is
    2 s_k (s_k - s_l) < 0: the map turns within the plane of modes k and l.

    Returns
    -------
    list of two directions
        V_L and V_1, each with zeros for the other layers.
    """
    u, _, z = point.map_svd
    u_left, _, z_left = point.residual_svd
    k = rank - 1
    output, first = _zeros(layers), _zeros(layers)
    output[-1] = np.outer(u_left[:, 0], u[:, k] @ layers[-1])
    first[0] = np.outer(layers[0] @ (point.modes.colour @ z[k]), point.modes.whiten @ z_left[0])
    return [output, first]


def pivot_directions(point: WhitePoint, pivot: Pivot) -> Iterator[list[list[Matrix]]]:
    """Move the two layers of a loose pivot by matrices of rank one so that the risk bends down.

    V_i = a b' and V_j = c e' change the risk to second order by (b' W_{i-1}...W_{j+1} c)(e' B_j G' A_i a).
    If the map itself does not feel one of the two (b' B_i = 0 or A_j c = 0) that term decides, and
    its sign is free.

    Yields
    ------
    list of two directions
        V_i and V_j, each with zeros for the other layers, in the original coordinates.
    """
    i, j = pivot.after, pivot.before
    between, around = point.between(i, j), point.around(i, j)
    left, _, right = np.linalg.svd(around, full_matrices=False)
    e, a = left[:, 0], right[0]
    free_b = _null_space(point.before[i - 2].T, point.zero)
    free_c = _null_space(point.after[j - 1], point.zero)
    for b_basis, c_basis in ((free_b, free_c), (free_b, None), (None, free_c)):
        block = between if c_basis is None else between @ c_basis
        block = block if b_basis is None else b_basis.T @ block
        if 0 in block.shape:
            continue
        out, values, into = np.linalg.svd(block, full_matrices=False)
        if values[0] <= point.zero:
            continue
        b = out[:, 0] if b_basis is None else b_basis @ out[:, 0]
        c = into[0] if c_basis is None else c_basis @ into[0]
        directions = []
        for layer, matrix in ((i, np.outer(a, b)), (j, np.outer(c, e))):
            step = _zeros(point.layers)
            step[layer - 1] = matrix
            directions.append(point.original(step))
        yield directions


def steepest_in_span(
    risk: SquaredRisk, layers: Sequence[Matrix], directions: Sequence[Sequence[Matrix]]
) -> list[list[Matrix]]:
    """Find the directions of lowest curvature in the span of a few that move different layers.

    Returns
    -------
    list of directions
        Of Frobenius norm 1: the steepest for steps of the same length, then the steepest for steps as
        long as they were given. Where layers differ by many orders of magnitude the first may be all
        but flat in natural coordinates. Empty if the directions are all zero.
    """
    vectors = np.stack([flatten(d) for d in directions], axis=1)
    lengths = np.linalg.norm(vectors, axis=0)
    vectors, lengths = vectors[:, lengths > 0], lengths[lengths > 0]
    if not len(lengths):
        return []
    sxx, syx = risk.moments.sxx, risk.moments.syx
    images = [flatten(hessian_product(layers, unflatten(v, layers), sxx, syx)) for v in vectors.T]
    found = []
    for units in (lengths, np.ones_like(lengths)):
        small = (vectors / units).T @ np.stack(images, axis=1) / units
        _, mix = np.linalg.eigh(0.5 * (small + small.T))
        way = (vectors / units) @ mix[:, 0]
        found.append(unflatten(way / np.linalg.norm(way), layers))
    return found


def _zeros(layers: Sequence[Matrix]) -> list[Matrix]:
    return [np.zeros_like(w) for w in layers]


def _null_space(matrix: Matrix, zero: float) -> Matrix:
    """Orthonormal columns that the matrix maps to zero."""
    rows, columns = matrix.shape
    _, values, right = np.linalg.svd(matrix, full_matrices=rows < columns)
    rank = int(np.sum(values > zero * max(1.0, float(values.max(initial=0.0)))))
    return np.asarray(right[rank:].T)
