"""Gates that rounding decides: units whose w . x + b is nearer to zero than float64 sums it.

f is continuous there, but its gradient jumps: it has the unit's share, or not. Every way of summing
rounds otherwise, so each may give the gradient of another network, as near as that is. So does the hinge
loss's slope where |f| is as near to 1.
"""

import warnings

import numpy as np
import numpy.typing as npt
import torch

from pitfalls.parity.loss import Loss
from pitfalls.parity.network import TwoLayerReLU
from pitfalls.parity.scalar_network import ScalarNetwork
from pitfalls.parity.signal.cube_means import usual_slope
from pitfalls.parity.signal.cube_pass import subset_sums
from pitfalls.parity.signal.rounding import unit_of

__all__ = ["rounded_gates", "warn_of_rounded_gates", "warn_of_rounded_sides"]

_MOST_HALVED = 36
_EPS = float(np.finfo(np.float64).eps)

Array = npt.NDArray[np.float64]


@torch.no_grad()
@np.errstate(over="ignore", invalid="ignore")  # results that are not finite are errors elsewhere
def rounded_gates(network: TwoLayerReLU) -> tuple[int, float]:
    """Count the gates (a unit at an input) that rounding decides, and bound what they decide.

    Returns
    -------
    count : int
        Of the k 2^d gates; 0 beyond d = 36, where nobody looks.
    off : float
        How far they may move E|grad f|^2 over all inputs: 2^-d (d + 1) alpha_i^2 for each.
    """
    d = network.n_features
    count, off = 0, 0.0
    if d > _MOST_HALVED:
        return count, off
    w, b, alpha, _ = (p.detach().double().cpu().numpy() for p in network.parameters())
    for line, bias, share in zip(w, b, alpha[0], strict=True):
        own = np.append(line, bias)
        terms = float(np.abs(own).sum())
        # sums of multiples of one power of two that fit 53 bits are exact: a zero is a zero
        if share == 0 or terms < unit_of(own) * 2.0**53:
            continue
        reach = 2 * (d + 1) * _EPS * terms
        first, second = (np.sort(subset_sums(half[None])[0]) for half in np.split(line, [d // 2]))
        ends = (np.searchsorted(first, -bias - second + side * reach) for side in (1, -1))
        found = int(np.subtract(*(end.sum() for end in ends)))
        count += found
        off += float(np.ldexp((d + 1) * np.square(share) * found, -d))
    return count, off


def warn_of_rounded_gates(who: str, network: ScalarNetwork, loss: Loss) -> float:
    """Warn if rounding decides gates; return how far E|g|^2 may be off for it.

    Parameters
    ----------
    who : str
        The function to name.
    network : ScalarNetwork
        One that is no ``TwoLayerReLU`` has no gates to be looked at: 0.
    loss : Loss
        One without a largest |G(f)| that is known: 0.
    """
    slope = usual_slope(loss)
    if network.two_layer is None or slope is None:
        return 0.0
    count, off = rounded_gates(network.two_layer)
    if count:
        warnings.warn(
            f"{who}: rounding decides {count:,} of the units' gates at the 2^{network.n_features} "
            "inputs, where w . x + b is too near to zero for float64: E|g|^2 may be off by up to "
            f"{slope**2 * off:.3g}, and other means over the inputs likewise. Parameters that are "
            "multiples of one power of two, float32 say, are summed exactly.",
            RuntimeWarning,
            stacklevel=3,
        )
    return slope**2 * off


def warn_of_rounded_sides(who: str, off: float | None = None) -> None:
    """Warn that rounding decides whether |f| < 1; ``off`` is how far E|g|^2 may be off for it."""
    what = "" if off is None else f": E|g|^2 may be off by up to {off:.3g}"
    warnings.warn(
        f"{who}: rounding decides on which side of 1 |f| is at some inputs, and with it the hinge loss's "
        f"slope{what}. Weights and slopes that are multiples of powers of two are summed exactly.",
        RuntimeWarning,
        stacklevel=3,
    )
