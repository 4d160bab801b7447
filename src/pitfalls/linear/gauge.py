"""Hidden coordinates in which ranks can be read off.

The network's map and the verdict on a critical point do not change under
W_i -> D_i W_i D_{i-1}^{-1} with invertible D_i. The numbers do: with ill-conditioned D a product of
layers spreads its singular values until rounding and rank look alike. So ranks are decided in other
coordinates. First, hidden nodes are scaled by powers of two, which costs no digit (`even_gauge`). Then
all layers but the last are brought, from the input on, to singular values 0 and 1; what cannot be so
brought, the scale of the map itself, gathers in the last layer (`isometric_gauge`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pitfalls.linear.derivatives import prefixes
from pitfalls.linear.margins import CLEAR, ROOM
from pitfalls.linear.network import Matrix

__all__ = ["Gauge", "count", "even_gauge", "isometric_gauge"]

Nodes: TypeAlias = npt.NDArray[np.bool_]
_SWEEPS = 6  # a node's scale depends on its neighbours': so many rounds more than layers settle it


@dataclass(frozen=True, eq=False)
class Gauge:
    """Layers D_i W_i D_{i-1}^{-1}, and the D_i that made them.

    Parameters
    ----------
    layers : tuple of ndarray
        W_1, ..., W_{L-1} with singular values 0 or 1, and W_L.
    scales : tuple of ndarray
        D_1, ..., D_{L-1}.
    inverses : tuple of ndarray
        Their inverses.
    doubtful : bool
        Whether a singular value fell between rounding and rank, so that ranks may be wrong.
    condition : float
        The most by which a layer's noise grew, as a share of the layer.
    cut : float
        The largest singular value that was taken for zero, as a share of the layer.
    """

    layers: tuple[Matrix, ...]
    scales: tuple[Matrix, ...]
    inverses: tuple[Matrix, ...]
    doubtful: bool
    condition: float
    cut: float

    def carry(self, direction: Sequence[Matrix]) -> list[Matrix]:
        """Carry a direction in the original layers to this gauge."""
        moved = list(direction)
        for i, (scale, inverse) in enumerate(zip(self.scales, self.inverses, strict=True)):
            moved[i] = scale @ moved[i]
            moved[i + 1] = moved[i + 1] @ inverse
        return moved

    def pull_back(self, direction: Sequence[Matrix]) -> list[Matrix]:
        """Carry a direction in this gauge's layers back to the original layers."""
        moved = list(direction)
        for i, (scale, inverse) in enumerate(zip(self.scales, self.inverses, strict=True)):
            moved[i] = inverse @ moved[i]
            moved[i + 1] = moved[i + 1] @ scale
        return moved


def even_gauge(layers: Sequence[Matrix], *, exact: bool) -> tuple[list[Matrix], list[Matrix]]:
    """Scale every hidden node by a power of two so that what comes in and goes out is of size 1.

    Exact: networks whose nodes differ by many orders of magnitude lose no digit.

    Parameters
    ----------
    layers : sequence of ndarray
        W_1, ..., W_L.
    exact : bool
        Whether the layers are what is meant, to the last bit. Then what reaches a node, or what it
        sends on, is brought to size 1, however faint. Else faint may be noise: what one side gains
        the other loses, so the one is taken that takes less, and none where both are small.

    Returns
    -------
    layers : list of ndarray
        diag(t_i) W_i diag(1/t_{i-1}).
    scales : list of ndarray
        t_1, ..., t_{L-1}.
    """
    layers = [np.array(w) for w in layers]
    scales = [np.ones(len(w)) for w in layers[:-1]]
    reached = [p.any(axis=1) for p in prefixes([(w != 0.0) for w in layers])[1:-1]]
    for _ in range(len(layers) + _SWEEPS):
        moved = False
        for h, total in enumerate(scales):
            coming, going = _lengths(layers[h], 1), _lengths(layers[h + 1], 0)
            power = _even_powers(coming, going, reached[h] if exact else None)
            scale = np.exp2(power)
            layers[h] *= scale[:, None]
            layers[h + 1] /= scale
            total *= scale
            moved |= bool(np.any(np.abs(power) > 1))
        if not moved:
            break
    return layers, scales


def _even_powers(coming: Matrix, going: Matrix, reached: Nodes | None) -> Matrix:
    """Powers of two by which nodes are scaled up, from the lengths of what comes in and goes out.

    Of exact layers, the nodes that the input reaches go by what comes in, the others by what goes out:
    so what is faint ends where nothing follows.
    """
    both = (coming > 0) & (going > 0)
    to_input = -np.log2(np.where(coming > 0, coming, 1.0))
    to_output = np.log2(np.where(going > 0, going, 1.0))
    less = np.where(np.abs(to_input) <= np.abs(to_output), to_input, to_output)
    careful = np.where(to_input * to_output >= 0, less, 0.0)
    bold = careful if reached is None else np.where(reached, to_input, to_output)
    power = np.where(both, bold, 0.0)
    # a node with one side only follows the others on that side
    most_in = -float((to_input - power)[both].min(initial=np.inf)) if both.any() else 0.0
    most_out = float((to_output - power)[both].max(initial=-np.inf)) if both.any() else 0.0
    power = np.where((coming > 0) & ~both, to_input + most_in, power)
    power = np.where((going > 0) & ~both, to_output - most_out, power)
    return np.asarray(np.round(power))


def isometric_gauge(layers: Sequence[Matrix], noise: float, made_of: float | None = None) -> Gauge:
    """Bring all layers but the last to singular values 0 and 1, from the input on.

    Parameters
    ----------
    layers : sequence of ndarray
        W_1, ..., W_L.
    noise : float
        How well every layer is known, as a share of its norm.
    made_of : float or None
        The size of what W_1 was computed from, to which its noise is relative; None takes its norm.

    Returns
    -------
    Gauge
    """
    layers = [np.array(w) for w in layers]
    scales, inverses, doubtful, condition, cut = [], [], False, 1.0, 0.0
    zero = ROOM * noise
    made = float(np.linalg.norm(layers[0], 2)) if made_of is None else made_of
    for h in range(len(layers) - 1):
        left, values, right = _full_left_svd(layers[h])
        _, doubt = count(values, made, zero, CLEAR * zero)
        rank = int(np.sum(values > CLEAR * zero * made))
        cut = max(cut, float(values[rank:].max(initial=0.0)) / (made or 1.0))
        doubtful |= doubt
        growth = made / float(values[rank - 1]) if rank else 1.0
        condition = max(condition, growth)
        # nodes that this layer reaches: undo its singular values, the next layer takes them over
        reached, rest = left[:, :rank], left[:, rank:]
        onward = layers[h + 1] @ (reached * values[:rank])
        size = float(np.linalg.norm(onward, 2)) if rank else 0.0
        full = float(np.linalg.norm(layers[h + 1], 2))
        made = full * float(values[0]) if rank else 0.0  # what `onward` was computed from
        if size <= zero * made:
            onward, size = np.zeros_like(onward), 1.0
        # nodes that it does not reach: a basis in which the next layer is isometric there
        out, spread, basis = np.linalg.svd(layers[h + 1] @ rest, full_matrices=True)
        _, doubt = count(spread, full, zero, CLEAR * zero)
        inner = int(np.sum(spread > CLEAR * zero * full))
        cut = max(cut, float(spread[inner:].max(initial=0.0)) / (full or 1.0))
        doubtful |= doubt
        stretch = np.ones(rest.shape[1])
        stretch[:inner] = spread[:inner] / size
        onto = np.zeros((layers[h + 1].shape[0], rest.shape[1]))
        onto[:, :inner] = out[:, :inner] * size
        if inner:
            condition = max(condition, full / float(spread[inner - 1]))
        made = max(made, size if inner else 0.0)
        rest = rest @ basis.T
        inverses.append(np.hstack([reached * values[:rank], rest / stretch]))
        scales.append(np.vstack([(reached / values[:rank]).T, (rest * stretch).T]))
        layers[h] = np.vstack([right[:rank], np.zeros((len(left) - rank, right.shape[1]))])
        layers[h + 1] = np.hstack([onward, onto])
    return Gauge(tuple(layers), tuple(scales), tuple(inverses), doubtful, condition, cut)


def count(values: Matrix, scale: float, zero: float, nonzero: float) -> tuple[int, bool]:
    """Count the singular values that are not zero; and say whether one of them is in doubt.

    Parameters
    ----------
    values : ndarray
        Singular values.
    scale : float
        What they are relative to.
    zero, nonzero : float
        Shares of the scale: up to the first a value is rounding, above the second it is rank.
    """
    surely = int(np.count_nonzero(values > nonzero * scale))
    perhaps = int(np.count_nonzero(values > zero * scale))
    return perhaps, surely != perhaps


def _lengths(matrix: Matrix, axis: int) -> Matrix:
    return np.asarray(np.linalg.norm(matrix, axis=axis))


def _full_left_svd(matrix: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """SVD with a square left factor and a thin right one, whatever the shape."""
    rows, columns = matrix.shape
    left, values, right = np.linalg.svd(matrix, full_matrices=rows > columns)
    return left, values, right[: len(values)]
