"""Bounds on the gradient of the two-layer network over {0, 1}^d, loosest first (homework 3c)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pitfalls.parity.network import TwoLayerReLU
from pitfalls.parity.scalar_network import plain_two_layer

__all__ = ["GradientBounds", "gradient_bounds"]


@dataclass(frozen=True)
class GradientBounds:
    """Upper bounds on parts of grad f, each by parameters alone.

    With h_i = max(0, b_i + sum_j max(0, w_ij)), the largest activation of unit i:

    Attributes
    ----------
    element : float
        c_p = max(1, |alpha_i| where h_i > 0, h_i): no entry of grad f(x) is larger, and for some
        x one is equal.
    homework : float
        C_p = (dk + 2k + 1) c_p^2 bounds |grad f(x)|^2.
    by_unit : float
        C' = 1 + sum_i [(d + 1) alpha_i^2 1{h_i > 0} + h_i^2] bounds |grad f(x)|^2.
    by_moments : float
        C'' = 1 + sum_i [alpha_i^2 (1 + d/2) + (b_i + sum_j w_ij / 2)^2 + sum_j w_ij^2 / 4] bounds
        the mean of |grad f(x)|^2: it drops the gates and keeps the second moments of z_i.
    """

    element: float
    homework: float
    by_unit: float
    by_moments: float

    def scaled(self, slope: float) -> "GradientBounds":
        """Return the bounds for slope * grad f in place of grad f."""
        square = slope**2
        return GradientBounds(
            abs(slope) * self.element,
            square * self.homework,
            square * self.by_unit,
            square * self.by_moments,
        )


def gradient_bounds(network: TwoLayerReLU) -> GradientBounds:
    """Bound the gradient of the network in O(dk).

    Raises
    ------
    InputError
        If the network is not a ``TwoLayerReLU`` itself (subclasses and hooks compute another f),
        or its parameters are not finite.

    Examples
    --------
    >>> bounds = gradient_bounds(TwoLayerReLU(10, 100, seed=0))
    >>> bounds.homework > bounds.by_unit > bounds.by_moments
    True
    """
    network = plain_two_layer(network, "gradient_bounds")
    with torch.no_grad():
        w, b = network.hidden.weight.double(), network.hidden.bias.double()
        alpha_square = network.output.weight[0].double().square()
        largest = torch.relu(_most(w, b))
        reachable = torch.where(largest > 0, alpha_square, 0.0)
        element = max(1.0, float(reachable.max().sqrt()), float(largest.max()))
        d = network.n_features
        by_unit = 1 + float(((d + 1) * reachable + largest.square()).sum())
        moments = (b + w.sum(1) / 2).square() + w.square().sum(1) / 4
        by_moments = 1 + float((alpha_square * (1 + d / 2) + moments).sum())
    return GradientBounds(element, network.n_parameters * element**2, by_unit, by_moments)


def _most(w: Tensor, b: Tensor) -> Tensor:
    """Largest w_i . x + b_i over the cube; its sign, which opens the gate, is never rounding's."""
    most = b + torch.relu(w).sum(1)
    rounding = 4 * w.shape[1] * torch.finfo(w.dtype).eps * (b.abs() + w.abs().sum(1))
    for unit in torch.nonzero((most.abs() <= rounding) & (rounding > 0)).flatten().tolist():
        most[unit] = math.fsum([float(b[unit]), *torch.relu(w[unit]).tolist()])
    return most
