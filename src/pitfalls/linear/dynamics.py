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
from scipy.integrate import quad, solve_ivp

from pitfalls.errors import InputError
from pitfalls.linear.network import Matrix, check_widths
from pitfalls.linear.risk import SquaredRisk

__all__ = [
    "NearestSaddle",
    "aligned_start",
    "learning_time",
    "mode_strength",
    "nearest_saddle",
    "small_start",
]


def mode_strength(times: Matrix, target: float, start: float, n_layers: int) -> Matrix:
    """Solve du/dt = L u^(2 - 2/L) (s - u) from u(0) = start.

    Parameters
    ----------
    times : ndarray of shape (t,)
        Increasing, from 0 on.
    target : float
        s, the mode's strength in the data.
    start : float
        u(0) > 0.
    n_layers : int
        L. Closed form for one and two layers; for more the scalar equation is integrated, with local
        errors of 1e-10.

    Returns
    -------
    ndarray of shape (t,)

    Examples
    --------
    >>> mode_strength(np.array([0.0, 1e3]), target=2.0, start=0.01, n_layers=2)
    array([0.01, 2.  ])
    """
    if start <= 0 or target < 0 or n_layers < 1:
        raise InputError(
            "mode_strength: start must be positive, target not negative, n_layers at least 1. Got "
            f"{start}, {target}, {n_layers}."
        )
    t = np.asarray(times, dtype=np.float64)
    solved: Matrix
    if n_layers == 1:
        solved = target + (start - target) * np.exp(-t)
    elif n_layers == 2 and target > 0:
        solved = target / (1.0 + (target / start - 1.0) * np.exp(-2.0 * target * t))
    elif n_layers == 2:
        solved = start / (1.0 + 2.0 * start * t)
    else:
        power = 1.0 - 2.0 / n_layers  # log u is easier to follow than u
        solution = solve_ivp(
            lambda _, v: n_layers * np.exp(power * v) * (target - np.exp(v)),
            (0.0, float(t[-1]) or 1.0),
            [np.log(start)],
            method="LSODA",
            t_eval=t if t[-1] > 0 else [0.0],
            rtol=1e-10,
            atol=1e-12,
        )
        solved = np.exp(solution.y[0])
    return solved


def learning_time(target: float, start: float, n_layers: int, share: float = 0.99) -> float:
    """Return the time in which a mode grows from `start` to a share of its target."""
    end = share * target
    if not 0 < start < end:
        return 0.0
    time, _ = quad(
        lambda v: np.exp(v * (2.0 / n_layers - 1.0)) / (n_layers * (target - np.exp(v))),
        np.log(start),
        np.log(end),
        limit=200,
    )
    return float(time)


def aligned_start(risk: SquaredRisk, widths: Sequence[int], strength: float) -> tuple[Matrix, ...]:
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


def small_start(widths: Sequence[int], size: float, random_state: int = 0) -> tuple[Matrix, ...]:
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


def nearest_saddle(risk: SquaredRisk, white_map: Matrix, max_rank: int) -> NearestSaddle:
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
