"""A gauge in which ranks can be read off: all layers but the last as partial isometries.

The network's map and the verdict on a critical point do not change under
W_i -> D_i W_i D_{i-1}^{-1} with invertible D_i. The numbers do: with ill-conditioned D a product of
layers spreads its singular values until rounding and rank look alike. So ranks are decided after the
layers have been brought, from the input on, to singular values 0 and 1; what cannot be so brought, the
scale of the map itself, gathers in the last layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pitfalls.linear.network import Matrix

__all__ = ["Gauge", "isometric_gauge"]

ZERO = 1e-11  # a singular value below this share of the largest is rounding
NONZERO = 1e-8  # above this share it counts; between the two nobody can say


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
        The largest condition number among the D_i.
    """

    layers: tuple[Matrix, ...]
    scales: tuple[Matrix, ...]
    inverses: tuple[Matrix, ...]
    doubtful: bool
    condition: float

    def pull_back(self, direction: Sequence[Matrix]) -> list[Matrix]:
        """Carry a direction in this gauge's layers back to the original layers."""
        moved = [step.copy() for step in direction]
        for i, (scale, inverse) in enumerate(zip(self.scales, self.inverses, strict=True)):
            moved[i] = inverse @ moved[i]
            moved[i + 1] = moved[i + 1] @ scale
        return moved


def isometric_gauge(layers: Sequence[Matrix], first_scale: float | None = None) -> Gauge:
    """Bring all layers but the last to singular values 0 and 1, from the input on.

    Parameters
    ----------
    layers : sequence of ndarray
        W_1, ..., W_L.
    first_scale : float or None
        The size of what W_1 was computed from: below rounding of it, W_1 is zero. None takes its norm.

    Returns
    -------
    Gauge
    """
    layers = [np.array(w) for w in layers]
    scales, inverses, doubtful, condition = [], [], False, 1.0
    for h in range(len(layers) - 1):
        left, values, right = _full_left_svd(layers[h])
        rank, doubt = count(values, first_scale if h == 0 else None)
        doubtful |= doubt
        # nodes that this layer reaches: undo its singular values, the next layer takes them over
        reached, rest = left[:, :rank], left[:, rank:]
        onward = layers[h + 1] @ (reached * values[:rank])
        size = float(np.linalg.norm(onward, 2)) if rank else 0.0
        full = float(np.linalg.norm(layers[h + 1], 2))
        if size <= ZERO * full * (values[0] if rank else 0.0):
            onward, size = np.zeros_like(onward), 1.0
        # nodes that it does not reach: a basis in which the next layer is isometric there
        out, spread, basis = np.linalg.svd(layers[h + 1] @ rest, full_matrices=True)
        inner, doubt = count(spread, full)
        doubtful |= doubt
        stretch = np.ones(rest.shape[1])
        stretch[:inner] = spread[:inner] / size
        onto = np.zeros((layers[h + 1].shape[0], rest.shape[1]))
        onto[:, :inner] = out[:, :inner] * size
        rest = rest @ basis.T
        inverse = np.hstack([reached * values[:rank], rest / stretch])
        scale = np.vstack([(reached / values[:rank]).T, (rest * stretch).T])
        layers[h] = np.vstack([right[:rank], np.zeros((len(left) - rank, right.shape[1]))])
        layers[h + 1] = np.hstack([onward, onto])
        scales.append(scale)
        inverses.append(inverse)
        sizes = np.concatenate([values[:rank], 1.0 / stretch])
        condition = max(condition, float(sizes.max() / sizes.min()))
    return Gauge(tuple(layers), tuple(scales), tuple(inverses), doubtful, condition)


def count(
    values: Matrix, scale: float | None = None, zero: float = ZERO, nonzero: float = NONZERO
) -> tuple[int, bool]:
    """Count the singular values that are not zero; and say whether one of them is in doubt.

    Parameters
    ----------
    values : ndarray
        Singular values.
    scale : float or None
        What they are relative to; None takes the largest of them.
    zero, nonzero : float
        Shares of the scale: below the first is rounding, above the second is rank.
    """
    if not len(values):
        return 0, False
    scale = float(values.max()) if scale is None else scale
    surely = int(np.count_nonzero(values > nonzero * scale))
    perhaps = int(np.count_nonzero(values > zero * scale))
    return perhaps, surely != perhaps


def _full_left_svd(matrix: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """SVD with a square left factor and a thin right one, whatever the shape."""
    rows, columns = matrix.shape
    left, values, right = np.linalg.svd(matrix, full_matrices=rows > columns)
    return left, values, right[: len(values)]
