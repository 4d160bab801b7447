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

from pitfalls.linear.network import Layer, check_widths
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
    return factorize(strength * modes.left[:, :r] @ (modes.whiten @ modes.right[:, :r]).T, widths)


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
    largest positive terms.
    """
    modes = risk.modes
    strengths = np.einsum("pk,pd,dk->k", modes.left, white_map, modes.right, optimize=True)
    gain = (2 * strengths - modes.values) * modes.values
    order = [int(k) for k in np.argsort(-gain)[:max_rank] if gain[k] > 0]
    chosen = modes.left[:, order] @ (modes.values[order, None] * modes.right[:, order].T)
    return NearestSaddle(
        tuple(sorted(k + 1 for k in order)), float(np.linalg.norm(white_map - chosen))
    )
