"""What gradient flow does, mode by mode, where it can be solved: white inputs, aligned balanced start.

The layers then stay aligned with the data's singular modes and every mode grows by itself,
du/dt = L u^(2 - 2/L) (s - u): slowly from a small start, the stronger the sooner.

References
----------
A. M. Saxe, J. L. McClelland, S. Ganguli, Exact solutions to the nonlinear dynamics of learning in deep
linear neural networks, ICLR 2014.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from pitfalls.integers import require_integer
from pitfalls.linear.modes import DataModes
from pitfalls.linear.network import Layer, Matrix, check_widths
from pitfalls.linear.risk import SquaredRisk

__all__ = [
    "NearestSaddle",
    "aligned_start",
    "nearest_saddle",
    "small_start",
]


def aligned_start(risk: SquaredRisk, widths: Sequence[int], strength: float) -> tuple[Layer, ...]:
    """Balanced layers aligned with the data's modes, every mode at the same small strength.

    Parameters
    ----------
    risk : SquaredRisk
    widths : sequence of int
        d_0, ..., d_L.
    strength : float
        u(0) of as many modes as fit.
    """
    from pitfalls.linear.capacity import factorize

    widths = check_widths(widths, "aligned_start")
    modes = risk.modes
    r = min(modes.rank, *widths)
    target = strength * modes.left[:, :r] @ modes.lift[:, :r].T
    # of inputs in units far apart a small singular value is no rounding: all r are kept
    values = np.linalg.svd(target, compute_uv=False)
    rtol = 0.5 * float(values[r - 1] / values[0]) if r and values[0] > 0 else None
    return factorize(target, widths, rtol=rtol)


def small_start(widths: Sequence[int], size: float, random_state: int = 0) -> tuple[Layer, ...]:
    """Random Gaussian layers, each of spectral norm `size`."""
    widths = check_widths(widths, "small_start")
    rng = np.random.default_rng(random_state)
    layers = []
    for fan_in, fan_out in itertools.pairwise(widths):
        layer = rng.standard_normal((fan_out, fan_in))
        layers.append(size * layer / np.linalg.norm(layer, 2))
    return tuple(layers)


@dataclass(frozen=True)
class NearestSaddle:
    """The critical map nearest to a map.

    Parameters
    ----------
    modes : tuple of int
        S, the modes it holds, counted from 1.
    distance : float
        In the data's metric: ‖M - M_S‖_F.
    """

    modes: tuple[int, ...]
    distance: float


def nearest_saddle(
    risk: SquaredRisk, white_map: Float64[np.ndarray, "p rank"], max_rank: int
) -> NearestSaddle:
    """Find the critical map (any set of at most max_rank modes) nearest to M = W̄E.

    ‖M - M_S‖² = ‖M‖² - Σ_S (2 c_k - s_k) s_k with c_k = u_k' M z_k: S are the modes with the
    largest positive terms. Of equal modes every turn is as good a set of modes: the nearest is the one
    whose c_k are the eigenvalues of the symmetric part of U' M Z on them.

    Parameters
    ----------
    risk : SquaredRisk
    white_map : ndarray of shape (p, rank X)
        M.
    max_rank : int
        At least 0.
    """
    max_rank = require_integer("nearest_saddle", "max_rank", max_rank, 0)
    modes = risk.modes
    left, right = _turned(modes, white_map)
    strengths = np.einsum("pk,pd,dk->k", left, white_map, right, optimize=True)
    gain = (2 * strengths - modes.values) * modes.values
    order = [int(k) for k in np.argsort(-gain, kind="stable")[:max_rank] if gain[k] > 0]
    chosen = left[:, order] @ (modes.values[order, None] * right[:, order].T)
    return NearestSaddle(
        tuple(sorted(k + 1 for k in order)), float(np.linalg.norm(white_map - chosen))
    )


def _turned(modes: DataModes, white_map: Matrix) -> tuple[Matrix, Matrix]:
    """U and Z with equal modes turned so that the map holds the first of them most."""
    left, right, values = modes.left.copy(), modes.right.copy(), modes.values
    apart = np.flatnonzero(-np.diff(values) > modes.errors[:-1] + modes.errors[1:]) + 1
    for group in np.split(np.arange(len(values)), apart):
        if len(group) > 1 and values[group[0]] > 0:
            block = left[:, group].T @ white_map @ right[:, group]
            _, turn = np.linalg.eigh(-(block + block.T))  # the largest first
            left[:, group], right[:, group] = left[:, group] @ turn, right[:, group] @ turn
    return left, right
