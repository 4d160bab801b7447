"""The squared risk R = ½‖W̄X' − Y'‖² from second moments: value, derivatives, constrained minimum.

All of R depends on the data only through S_xx, S_yx and tr S_yy (homework 2b), so every function here
costs the same for a thousand rows and a billion.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.integers import require_integer
from pitfalls.linear.derivatives import gradients, hessian_product
from pitfalls.linear.margins import product_rounding
from pitfalls.linear.modes import DataModes, find_modes
from pitfalls.linear.network import (
    Matrix,
    Weights,
    as_arrays,
    as_weights,
    layers_of,
    multiply,
    require_shapes,
)
from pitfalls.moments import (
    EPS,
    SecondMoments,
    pivot_rounding,
    value_rounding,
    whiten_inputs,
)

__all__ = ["Minimum", "SquaredRisk"]


@dataclass(frozen=True, eq=False, repr=False)
class Minimum(Displayed):
    """The least risk under a bound on the rank.

    Parameters
    ----------
    map : ndarray of shape (p, d)
        A minimiser; the one of least norm where X leaves directions free.
    value : float
        R there; never negative.
    rounding : float
        How far the value may be off. Where the fit is exact the value is of this size or zero, and
        none of its digits count.
    unique : bool
        Whether all minimisers agree on the data. Modes that rounding cannot tell apart are equal.
    max_rank : int
        The bound it was found under.
    """

    map: Float64[np.ndarray, "p d"]
    value: float
    rounding: float
    unique: bool
    max_rank: int


class SquaredRisk:
    """R(W_1, ..., W_L) = ½ Σ ‖W_L...W_1 x − y‖² over the rows of a data set.

    Weights are arrays, tensors or a `DeepLinearNetwork`. Results come back in kind: tensors for
    tensors, on their device and in their dtype, and differentiable; the arithmetic is float64.

    Parameters
    ----------
    moments : SecondMoments
        By default about zero: the model has no intercept, as in the homework. With `center=True` it
        is the risk of the model with an intercept, at the best one.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, w = rng.standard_normal((100, 4)), rng.standard_normal((3, 4))
    >>> risk = SquaredRisk(SecondMoments.from_arrays(x, x @ w.T))
    >>> bool(abs(risk.value([w])) < 1e-10), bool(np.allclose(risk.minimum().map, w))
    (True, True)
    """

    def __init__(self, moments: SecondMoments) -> None:
        self.moments = moments
        self._tensors: dict[torch.device, tuple[Tensor, Tensor]] = {}
        self._white_tensors: dict[torch.device, tuple[Tensor, Tensor]] = {}

    @property
    def n_features(self) -> int:
        """Input width d."""
        return self.moments.n_features

    @property
    def n_outputs(self) -> int:
        """Output width p."""
        return self.moments.n_outputs

    def value(self, weights: Weights) -> Any:
        """Return R, a float (for tensors a scalar tensor).

        As ½‖W̄E − K‖² + floor in white coordinates, so that nothing cancels: R is never negative, and
        `rounding` says how far off it may be.

        Parameters
        ----------
        weights : network, or sequence of arrays or tensors
            W_1, ..., W_L; a single matrix in a list is the convex Q of homework 2b.
        """
        layers, like = self._layers(weights, "value")
        colour, correlation = self._white(layers[0])
        product = layers[0] @ colour
        for layer in layers[1:]:
            product = layer @ product
        value = 0.5 * ((product - correlation) ** 2).sum() + self.modes.floor
        return _back(value, like) if isinstance(like, Tensor) else float(value)

    def rounding(self, weights: Weights) -> float:
        """Return how far `value` and `excess` may be off at these weights.

        The floor's own rounding, that of the product of the layers, whatever they cancel to, that of
        the sums over the data, whatever the product cancels in them, and what the value of tensors
        loses in their dtype: all of it, infinity, where it is larger than that holds.

        Parameters
        ----------
        weights : network, or sequence of arrays or tensors
        """
        given = layers_of(weights, "rounding")
        layers = as_arrays(given, "rounding")
        self.check(layers, "rounding")
        colour, modes = self.modes.colour, self.modes
        product, made_of = layers[0] @ colour, np.linalg.norm(np.abs(layers[0]) @ np.abs(colour))
        for layer in layers[1:]:
            product, made_of = layer @ product, np.linalg.norm(layer) * made_of
        width = max(max(w.shape) for w in layers)
        terms = float(made_of) + float(np.linalg.norm(modes.values))
        error = product_rounding(len(layers), width) * terms
        error += modes.dropped
        distance = float(np.linalg.norm(product - modes.correlation))
        computed = distance * error + 0.5 * error**2 + 0.5 * EPS * distance**2
        value = 0.5 * distance**2 + modes.floor
        computed += _cast_rounding(value, given) + _missed(self.moments, modes, layers, value)
        return modes.floor_rounding + computed + _sums_rounding(self.moments, modes, layers)

    def digits(self, weights: Weights) -> float:
        """Return how many decimal digits of `value` rounding leaves, from 0 to 16.

        Parameters
        ----------
        weights : network, or sequence of arrays or tensors
        """
        value, rounding = float(self.value(weights)), self.rounding(weights)
        if rounding == 0.0:
            return 16.0
        if not np.isfinite(rounding):
            return 0.0
        return float(np.clip(np.log10(max(value, rounding) / rounding), 0.0, 16.0))

    def end_to_end_gradient(self, weights: Weights) -> Any:
        """Return ∂Q/∂W̄ = W̄ S_xx − S_yx of shape (p, d) (homework 2c)."""
        layers, like = self._layers(weights, "end_to_end_gradient")
        sxx, syx = self._sums(layers[0])
        product = layers[0]
        for layer in layers[1:]:
            product = layer @ product
        return _back(product @ sxx - syx, like)

    def layer_gradients(self, weights: Weights) -> tuple[Any, ...]:
        """Return ∂R/∂W_i = (W_L...W_{i+1})' G (W_{i-1}...W_1)' for every layer (homework 2e).

        O(L) products: one sweep forward, one backward.

        Returns
        -------
        tuple of matrices
            Shaped as the layers.
        """
        layers, like = self._layers(weights, "layer_gradients")
        sxx, syx = self._sums(layers[0])
        return tuple(_back(g, like) for g in gradients(layers, sxx, syx))

    def hessian_vector_product(self, weights: Weights, direction: Weights) -> tuple[Any, ...]:
        """Multiply the Hessian of R at the weights with a direction, without forming it.

        Parameters
        ----------
        weights, direction : network, or sequence of arrays or tensors
            Of the same shapes.

        Returns
        -------
        tuple of matrices
            Shaped as the layers.
        """
        layers, like = self._layers(weights, "hessian_vector_product")
        steps, _ = self._layers(direction, "hessian_vector_product", direction=True)
        if like is not None:
            steps = [torch.as_tensor(v, device=like.device) for v in steps]
        elif isinstance(steps[0], Tensor):
            steps = list(as_arrays(steps, "hessian_vector_product"))
        require_shapes(steps, layers, "hessian_vector_product")
        sxx, syx = self._sums(layers[0])
        products = hessian_product(layers, steps, sxx, syx)
        return tuple(_back(h, like) for h in products)

    @cached_property
    def modes(self) -> DataModes:
        """The singular modes of the whitened data, computed once."""
        return find_modes(self.moments)

    def minimum(self, max_rank: int | None = None) -> Minimum:
        """Minimise R over maps of bounded rank: reduced-rank regression, for any rank of X.

        Parameters
        ----------
        max_rank : int or None
            The narrowest width of a network, at least 0, or None for no bound.

        Returns
        -------
        Minimum

        Raises
        ------
        InputError
            If max_rank is not that.

        References
        ----------
        A. J. Izenman, Reduced-rank regression for the multivariate linear model, Journal of
        Multivariate Analysis 5 (1975).
        """
        modes = self.modes
        if max_rank is not None:
            max_rank = require_integer("minimum", "max_rank", max_rank, 0)
        full = min(self.n_features, self.n_outputs)
        r = len(modes.values) if max_rank is None else min(max_rank, len(modes.values))
        u, s = modes.left[:, :r], modes.values
        best = (u @ (u.T @ modes.correlation)) @ modes.whiten.T
        tied = 0 < r < modes.rank and s[r - 1] - s[r] <= modes.errors[r - 1] + modes.errors[r]
        value = modes.floor + 0.5 * float(np.sum(s[r:] ** 2))
        errors = modes.errors[r:]  # of modes that count as zero, too
        rounding = modes.floor_rounding + EPS * value
        rounding += float(s[r:] @ errors) + 0.5 * float(errors @ errors)
        return Minimum(best, value, rounding, not tied, full if max_rank is None else max_rank)

    def excess(self, weights: Weights, max_rank: int | None = None) -> float:
        """Return R minus its minimum under the rank bound, without cancellation between large sums.

        Neither the floor nor the sizes of S_xx and S_yy enter. At a minimum it may come out negative
        by rounding; `rounding` says how far off it may be. It is negative too where the weights' rank
        exceeds ``max_rank``.

        Parameters
        ----------
        weights : network, or sequence of arrays or tensors
        max_rank : int or None
            None takes the narrowest width of the weights.
        """
        layers = as_weights(weights, "excess")
        product = layers[0] @ self.modes.colour
        for layer in layers[1:]:
            product = layer @ product
        if max_rank is None:
            max_rank = min(min(w.shape) for w in layers)
        return self.modes.excess(product, require_integer("excess", "max_rank", max_rank, 0))

    def whitened(self) -> "SquaredRisk":
        """Return the same problem in its canonical inputs: S_xx = I, one input a mode of the data.

        A first layer V_1 there is W_1 = V_1 @ modes.lift.T here, with the same risk, gradient
        descent apart: it no longer feels the conditioning of X. Directions of the input on which
        the output does not depend are left out; weights that ignore them do so for ever.
        """
        modes = self.modes
        m, p = len(modes.values), self.n_outputs
        moments = SecondMoments(
            n=self.moments.n,
            mean_x=np.zeros(m),
            mean_y=np.zeros(p),
            scatter_xx=np.eye(m),
            scatter_yx=modes.left * modes.values,
            scatter_yy=self.moments.syy,
            center=True,
        )
        white = SquaredRisk(moments)
        # as they are: found again from the moments, the floor would have the digits of S_yy only
        white.modes = replace(
            modes,
            right=np.eye(m),
            correlation=moments.scatter_yx,
            inputs=whiten_inputs(moments),
        )
        return white

    def check(self, layers: Sequence[Any], who: str) -> None:
        """Refuse weights whose input or output width is not the data's."""
        d, p = layers[0].shape[1], layers[-1].shape[0]
        if (d, p) != (self.n_features, self.n_outputs):
            raise InputError(
                f"{who}: the weights map {d} inputs to {p} outputs, the data have "
                f"{self.n_features} features and {self.n_outputs} outputs."
            )

    def _layers(
        self, weights: Weights, who: str, *, direction: bool = False
    ) -> tuple[list[Any], Any]:
        """Layers as float64 arrays, or as float64 tensors where tensors came; and one of those."""
        layers = layers_of(weights, who)
        if all(isinstance(w, Tensor) for w in layers):
            native: list[Any] = [w.double() for w in layers]
            like = layers[0]
        else:
            native = list(as_arrays(layers, who))
            like = None
        if not direction:
            self.check(native, who)
        return native, like

    def _white(self, like: Any) -> tuple[Any, Any]:
        """E and K, as tensors on the device where tensors came."""
        if not isinstance(like, Tensor):
            return self.modes.colour, self.modes.correlation
        if like.device not in self._white_tensors:
            self._white_tensors[like.device] = (
                torch.tensor(self.modes.colour, device=like.device),
                torch.tensor(self.modes.correlation, device=like.device),
            )
        return self._white_tensors[like.device]

    def _sums(self, like: Any) -> tuple[Any, Any]:
        if not isinstance(like, Tensor):
            return self.moments.sxx, self.moments.syx
        if like.device not in self._tensors:
            self._tensors[like.device] = (
                torch.tensor(self.moments.sxx, device=like.device),
                torch.tensor(self.moments.syx, device=like.device),
            )
        return self._tensors[like.device]


def _back(value: Any, like: Any) -> Any:
    """Return a tensor in the dtype of the weights; whole numbers cannot hold it and get float64."""
    return value.to(like.dtype) if isinstance(like, Tensor) and like.is_floating_point() else value


def _cast_rounding(value: float, given: Sequence[Any]) -> float:
    """Return what a value loses as `value` gives it back: in the dtype of tensors."""
    if not all(isinstance(w, Tensor) for w in given):
        return 0.0
    return abs(float(_back(torch.tensor(value, dtype=torch.float64), given[0]).double()) - value)


def _sums_rounding(moments: SecondMoments, modes: DataModes, layers: Sequence[Matrix]) -> float:
    """Bound what rounding of the sums over the data makes of the excess at these weights.

    The excess is linear in the sums: of D = W̄ - W* and the best map W* it is ½ D δS_xx D' +
    D (δS_xx W*' - δS_xy), about the means, and without an intercept what the means are missed by too.
    """
    n, product = moments.n, multiply(layers)
    best = modes.correlation @ modes.whiten.T
    step, about = np.abs(product - best), moments.centered()
    spread, lengths = np.sqrt(np.diagonal(moments.scatter_xx)), moments.lengths_x
    summed, valued = pivot_rounding(n, moments.n_features), value_rounding(n)
    reach, own = step @ spread, np.abs(best) @ spread
    far, own_far = step @ lengths, np.abs(best) @ lengths
    lost = summed * (0.5 * reach**2 + reach * own)
    lost += valued * (reach * far + reach * own_far + far * own)
    total = float(np.sum(lost) + np.sum(step * about.syx_rounding))
    if moments.center:
        return total
    unit = 16 * EPS / np.sqrt(n)
    moved = unit * (moments.lengths_y + np.abs(product) @ lengths)
    missed = np.abs(moments.mean_y - best @ moments.mean_x)
    passed = np.abs((product - best) @ moments.mean_x)
    return total + n * float(passed @ moved + missed @ (unit * far))


def _missed(
    moments: SecondMoments, modes: DataModes, layers: Sequence[Matrix], value: float
) -> float:
    """Bound what weights see of dropped columns beyond those kept: the sums themselves know it."""
    n, product, spread = moments.n, multiply(layers), np.sqrt(np.diagonal(moments.scatter_xx))
    if not spread[modes.inputs.dropped].any():
        return 0.0
    direct = 0.5 * np.sum((product @ moments.scatter_xx - 2 * moments.scatter_yx) * product)
    direct += 0.5 * np.trace(moments.scatter_yy)
    if not moments.center:
        direct += 0.5 * n * np.sum((product @ moments.mean_x - moments.mean_y) ** 2)
    terms = np.abs(product) @ spread + np.sqrt(np.diagonal(moments.scatter_yy))
    return float(abs(direct - value) + EPS * np.sum(terms**2))
