"""When a critical point must be a global minimum: homework 2d and 2f, in their sharp forms."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pitfalls.errors import InputError
from pitfalls.linear.derivatives import gradients
from pitfalls.linear.margins import SINGULAR
from pitfalls.linear.network import Matrix, Weights, as_weights, check_widths, multiply
from pitfalls.linear.risk import SquaredRisk

__all__ = [
    "LayerCondition",
    "NormalEquationCondition",
    "OptimalityCertificate",
    "normal_equation_condition",
    "optimality_certificate",
]


@dataclass(frozen=True)
class LayerCondition:
    """How invertible the network is on both sides of one layer.

    Parameters
    ----------
    layer : int
        i, counted from 1.
    sigma_after : float
        Smallest singular value of (W_L...W_{i+1})'; 0 if its rank is below p.
    sigma_before : float
        Smallest singular value of W_{i-1}...W_1 on the row space of X; 0 if it collapses a part.
    gradient_norm : float
        Frobenius norm of ∂R/∂W_i.
    """

    layer: int
    sigma_after: float
    sigma_before: float
    gradient_norm: float

    @property
    def constant(self) -> float:
        """The product of the two: ‖∂R/∂W_i‖ >= constant * ‖G‖."""
        return self.sigma_after * self.sigma_before


@dataclass(frozen=True)
class OptimalityCertificate:
    """The inequality that forces a critical point to be a global minimum (homework 2f).

    For every layer ‖∂R/∂W_i‖_F >= σ_min(A_i') σ_min(B_i on the row space of X) ‖G‖_F. One layer with a
    positive constant is enough: there a zero gradient means G = 0. The homework's own condition, all
    W_i invertible, makes all constants positive; one layer may be singular and it still holds.

    Parameters
    ----------
    conditions : tuple of LayerCondition
        One a layer.
    layer : int
        The layer with the largest ratio of constant to gradient norm.
    residual_norm : float
        ‖G‖_F, G = W̄ S_xx − S_yx.
    excess : float
        R minus its minimum over all linear maps, as it is.
    excess_bound : float
        What the certificate says of it: at most ½ (‖∂R/∂W_i‖ / constant)² / λ_min(S_xx on its range).
        Infinite where no layer has a positive constant.
    all_invertible : bool
        Whether the homework's stronger condition holds: all layers square and invertible.
    """

    conditions: tuple[LayerCondition, ...]
    layer: int
    residual_norm: float
    excess: float
    excess_bound: float
    all_invertible: bool

    @property
    def holds(self) -> bool:
        """Whether the sufficient condition holds: some layer's constant is positive."""
        return self.excess_bound < np.inf

    @property
    def best(self) -> LayerCondition:
        """The condition at `layer`."""
        return self.conditions[self.layer - 1]


@dataclass(frozen=True)
class NormalEquationCondition:
    """When 'global minimum iff W̄X'X = Y'X' holds (homework 2d).

    Parameters
    ----------
    capacity : int
        The narrowest width d*.
    rank : int
        Rank of Y'X.
    printed : bool
        The homework's condition: d* = min(p, d).
    exact : bool
        The exact one: d* >= rank(Y'X). Below it no map of allowed rank solves the equations.
    """

    capacity: int
    rank: int
    printed: bool
    exact: bool


def optimality_certificate(risk: SquaredRisk, weights: Weights) -> OptimalityCertificate:
    """Measure the sufficient condition of homework 2f at a point, and what it implies there.

    Parameters
    ----------
    risk : SquaredRisk
    weights : network, or sequence of arrays or tensors
        Any point; at a critical one `excess_bound` is zero to rounding when the condition holds.

    Returns
    -------
    OptimalityCertificate

    Examples
    --------
    >>> from pitfalls.moments import SecondMoments
    >>> x = np.random.default_rng(0).standard_normal((50, 2))
    >>> risk = SquaredRisk(SecondMoments.from_arrays(x, x))
    >>> optimality_certificate(risk, [np.eye(2), np.eye(2)]).holds
    True
    >>> optimality_certificate(risk, [np.zeros((2, 2)), np.zeros((2, 2))]).holds
    False
    """
    layers = as_weights(weights, "optimality_certificate")
    risk.check(layers, "optimality_certificate")
    return certify(risk, layers)


def certify(risk: SquaredRisk, layers: Sequence[Matrix]) -> OptimalityCertificate:
    """Do what `optimality_certificate` does at layers that have been checked."""
    modes = risk.modes
    full = modes.rank_x == risk.n_features
    basis = np.eye(risk.n_features) if full else np.linalg.qr(modes.colour)[0]
    sxx, syx = risk.moments.sxx, risk.moments.syx
    found = gradients(layers, sxx, syx)
    # beside each product the product of its factors' norms: what cancels leaves rounding of that size
    before: list[tuple[Matrix, float]] = [(basis, 1.0)]  # W_{i-1}...W_1 on the row space of X
    for layer in layers[:-1]:
        before.append((layer @ before[-1][0], float(np.linalg.norm(layer, 2)) * before[-1][1]))
    after: list[tuple[Matrix, float]] = [(np.eye(risk.n_outputs), 1.0)]
    for layer in layers[:0:-1]:
        after.append((after[-1][0] @ layer, float(np.linalg.norm(layer, 2)) * after[-1][1]))
    product = multiply(layers)
    conditions = tuple(
        LayerCondition(
            layer=i,
            sigma_after=_smallest(*a, risk.n_outputs),
            sigma_before=1.0 if i == 1 else _smallest(*b, modes.rank_x),  # B_1 = I
            gradient_norm=float(np.linalg.norm(g)),
        )
        for i, (a, b, g) in enumerate(zip(after[::-1], before, found, strict=True), start=1)
    )
    bounds = [c.gradient_norm / c.constant if c.constant > 0 else np.inf for c in conditions]
    best = int(np.argmin(bounds))
    return OptimalityCertificate(
        conditions=conditions,
        layer=best + 1,
        residual_norm=float(np.linalg.norm(product @ sxx - syx)),
        excess=modes.excess(product @ modes.colour, min(risk.n_features, risk.n_outputs)),
        excess_bound=0.5 * (bounds[best] / modes.smallest_x) ** 2,
        all_invertible=all(
            w.shape[0] == w.shape[1] and _smallest(w, 0.0, len(w)) > 0 for w in layers
        ),
    )


def normal_equation_condition(risk: SquaredRisk, widths: Sequence[int]) -> NormalEquationCondition:
    """Decide whether the normal equations characterise the global minima of a network (homework 2d).

    Parameters
    ----------
    risk : SquaredRisk
    widths : sequence of int
        d_0, ..., d_L, from the data's number of features to its number of outputs.

    Returns
    -------
    NormalEquationCondition

    Raises
    ------
    InputError
        If the widths are not that.
    """
    widths = check_widths(widths, "normal_equation_condition")
    if (widths[0], widths[-1]) != (risk.n_features, risk.n_outputs):
        raise InputError(
            f"normal_equation_condition: widths must go from {risk.n_features} to {risk.n_outputs}, as "
            f"the data do. Got {widths}."
        )
    capacity, rank = min(widths), risk.modes.rank
    printed = capacity == min(widths[0], widths[-1])
    return NormalEquationCondition(capacity, rank, printed, capacity >= rank)


def _smallest(matrix: Matrix, scale: float, rank: int) -> float:
    """Return the rank-th singular value, 0 where there is none or where it is rounding.

    Rounding is judged against the largest singular value and against ``scale``, the size of what was
    multiplied: a product that cancels has no large value of its own to compare with.
    """
    if min(matrix.shape) < rank:
        return 0.0
    if rank == 0:
        return 1.0
    values = np.linalg.svd(matrix, compute_uv=False)
    return float(values[rank - 1]) if values[rank - 1] > SINGULAR * max(values[0], scale) else 0.0
