"""How much the gradient of the risk says about the target: exactly, over all 2^d targets.

For the target chi_v the gradient of the risk is grad R_v = a + E_x[chi_v(x) g(x)], with a the same
for every target (homework 3c(ii)). The 2^d parities are an orthonormal basis, so by Parseval

    E_v |grad R_v - a|^2 = 2^-d E_x |g(x)|^2,

with equality: one mean over inputs replaces the mean over targets.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor, nn

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.integers import require_integer
from pitfalls.parity.checks import require_finite
from pitfalls.parity.loss import Loss, as_loss
from pitfalls.parity.scalar_network import ScalarNetwork, scalar_network
from pitfalls.parity.signal.bounds import GradientBounds, gradient_bounds
from pitfalls.parity.signal.cube_means import (
    CubeMeans,
    IntervalKind,
    enumerate_means,
    sample_means,
    stream_means,
    usual_slope,
)
from pitfalls.parity.signal.gates import warn_of_rounded_gates, warn_of_rounded_sides
from pitfalls.parity.signal.per_sample import gradient_at

__all__ = ["GradientSignal", "Method", "gradient_signal"]

Method = Literal["auto", "stream", "enumerate", "sample"]
OnProgress = Callable[[int, int], None]

_AUTO_STREAM = 30
_AUTO_ENUMERATE = 12
# One input with a larger share of the variance than this: the normal law of the mean is no guide.
_HEAVY = 0.1


@dataclass(frozen=True, repr=False)
class GradientSignal(Displayed):
    """What the gradient of one network's risk says about the target of a parity.

    The loss has slope A(f) + y G(f) in f; g = G(f) grad f and a = E[A(f) grad f].

    Attributes
    ----------
    n_features, n_parameters : int
        d and P.
    loss : str
        Name of the loss.
    method : str
        ``stream`` and ``enumerate`` are exact up to rounding, ``sample`` is an estimate.
    n_inputs : int
        Inputs the means run over: 2^d, or the size of the sample.
    n_evaluated : int
        Inputs at which f was evaluated in full precision; the rest was settled by a proven bound on f,
        of whole subcubes or of single inputs.
    mean_square : float
        E_x|g(x)|^2.
    interval : tuple of two floats
        Of ``mean_square``; (0, inf), no claim, where the sample is visibly too small.
    interval_kind : {"exact", "binomial", "normal"}
        ``exact``: both ends equal ``mean_square``, which is exact up to rounding, whatever the
        method; where rounding decides gates of a ``TwoLayerReLU``, or on which side of 1 its |f| is,
        they are apart as far as that can move it. ``binomial``: a confidence interval that holds at
        its level for every network. ``normal``: mean and standard error of the sample; it covers at
        its level where tails are light, and a sample cannot show that they are: rare inputs that
        carry the mean are missed.
    shared : array of shape (P,)
        a, the part of the gradient that is the same for all targets.
    shared_error : float
        Root mean squared error of ``shared`` in Euclidean norm; 0 where exact.
    at_zero : array of shape (P,)
        g(0). The mean of grad R_v over all targets is a + 2^-d g(0).
    active : float
        Share of inputs with |f| < 1.
    noise : float
        Variance of the gradient of one sample about grad R_v, averaged over targets.
    bounds : GradientBounds or None
        Bounds on E_x|g|^2 from the parameters of a ``TwoLayerReLU``, for this loss.
    """

    n_features: int
    n_parameters: int
    loss: str
    method: str
    n_inputs: int
    n_evaluated: int
    mean_square: float
    interval: tuple[float, float]
    interval_kind: IntervalKind
    shared: Float64[np.ndarray, " P"]
    shared_error: float
    at_zero: Float64[np.ndarray, " P"]
    active: float
    noise: float
    bounds: GradientBounds | None

    @property
    def signal(self) -> float:
        """E_v|grad R_v - a|^2 = 2^-d E|g|^2 (0 where 2^-d underflows; see ``log2_signal``)."""
        return float(np.ldexp(self.mean_square, -self.n_features))

    @property
    def log2_signal(self) -> float:
        """Logarithm of the signal to base 2, for any d; -inf where the signal is 0."""
        if self.mean_square == 0:
            return float("-inf")
        return float(np.log2(self.mean_square)) - self.n_features

    @property
    def variance(self) -> float:
        """E_v|grad R_v - mean|^2 about the true mean: 2^-d E|g|^2 - 4^-d |g(0)|^2."""
        about_zero = float(self.at_zero @ self.at_zero)
        return self.signal - float(np.ldexp(about_zero, -2 * self.n_features))

    @property
    def looseness(self) -> dict[str, float]:
        """Each bound over E|g|^2: C_p, C' and C'' (empty where there are no bounds)."""
        if self.bounds is None:
            return {}
        return {
            "C_p": self.bounds.homework / self.mean_square,
            "C'": self.bounds.by_unit / self.mean_square,
            "C''": self.bounds.by_moments / self.mean_square,
        }

    def signal_to_noise(self, batch_size: int) -> float:
        """Signal over the noise of a batch's mean gradient.

        Where |f| < 1 everywhere the hinge loss gives B / (2^d - 1): about 2^d samples for one.
        """
        require_integer("signal_to_noise", "batch_size", batch_size, 1)
        if self.noise > 0:
            return float(batch_size * self.signal / self.noise)
        return float("inf") if self.mean_square > 0 else 0.0

    def subset_bound(self, n_targets: int) -> float:
        """Bound the mean of |grad R_v - a|^2 over any family of that many targets."""
        return self.mean_square / require_integer("subset_bound", "n_targets", n_targets, 1)


def gradient_signal(
    network: nn.Module,
    loss: str | Loss | Callable[[Tensor, Tensor], Tensor] = "hinge",
    *,
    n_features: int | None = None,
    method: Method = "auto",
    n_samples: int = 20_000,
    confidence: float = 0.95,
    seed: int = 0,
    trainable_only: bool = False,
    device: torch.device | str | None = None,
    on_progress: OnProgress | None = None,
) -> GradientSignal:
    """Measure how much the gradient of the risk depends on the target.

    Parameters
    ----------
    network : nn.Module
        A ``TwoLayerReLU``, or any module from (n, d) to (n,) or (n, 1) whose output is a function
        of its input alone. Not modified; evaluated in float64.
    loss : str, Loss or callable
        ``"hinge"``, ``"square"``, ``"logistic"``, a :class:`Loss` (``HingeLoss("clamp")`` takes
        another subgradient at the kink), or any differentiable function of (outputs, labels).
    n_features : int, optional
        d; may be left out for modules with an integer attribute ``n_features``.
    method : {"auto", "stream", "enumerate", "sample"}
        ``stream`` passes over all 2^d inputs of a ``TwoLayerReLU`` in float64 and bounded memory;
        ``enumerate`` does it by per-sample gradients for any module; ``sample`` estimates.
        Streaming takes the three losses with names and no subclass of them, which may have other
        slopes. ``auto`` streams to d = 30, enumerates to d = 12 and samples beyond.
    n_samples : int
        Inputs to draw when sampling. For a ``TwoLayerReLU`` to d = 44 E|grad f|^2 is summed
        exactly all the same: with square and logistic loss that settles ``mean_square``, with the
        hinge loss inputs are drawn by their share of it.
    confidence : float
        Level of ``interval``, between 0 and 1.
    seed : int
        Of the sampled inputs.
    trainable_only : bool
        Leave parameters with ``requires_grad=False`` out of the gradient.
    device : torch.device or str, optional
        Where ``stream`` works: by default the compiled CPU pass; any device given takes the torch
        one. The other two work where the network is.
    on_progress : callable, optional
        Called with (inputs done, inputs in all). An exception it raises ends the work.

    Returns
    -------
    GradientSignal

    Raises
    ------
    InputError
        If parameters are not finite, an output depends on more than its input (dropout or batch
        norm in training mode, say), or network, loss and method do not go together.
    ResourceError
        If d is too large for an exact method.
    DivergenceError
        If a result is not finite.

    Warns
    -----
    RuntimeWarning
        If one sampled input carries so much that there is no interval of the kind ``normal``, or
        if rounding decides gates of a ``TwoLayerReLU`` (looked for to d = 36), or on which side of 1
        its |f| is.

    Examples
    --------
    >>> from pitfalls.parity import TwoLayerReLU
    >>> network = TwoLayerReLU(10, 100, seed=0)
    >>> result = gradient_signal(network)
    >>> result.method, result.n_inputs
    ('stream', 1024)
    >>> abs(result.signal_to_noise(1) * (2**10 - 1) - 1) < 1e-9
    True

    At a fixed width the signal falls about by half with every feature:

    .. plot::
       :include-source:

       import matplotlib.pyplot as plt
       from pitfalls.parity import TwoLayerReLU, gradient_signal

       d = range(4, 15)
       signals = [gradient_signal(TwoLayerReLU(n, 100, seed=0)).log2_signal for n in d]
       plt.plot(d, signals, "o-", label="measured")
       plt.plot(d, [signals[0] - (n - d[0]) for n in d], "--", label="slope of $2^{-d}$")
       plt.xlabel("number of features d")
       plt.ylabel("log2 of the signal")
       plt.legend()

    References
    ----------
    S. Shalev-Shwartz, O. Shamir, S. Shammah, "Failures of Gradient-Based Deep Learning", ICML
    2017, Theorem 1 (there as an upper bound).
    """
    measure = as_loss(loss)
    n_samples = require_integer("gradient_signal", "n_samples", n_samples, 2)
    seed = require_integer("gradient_signal", "seed", seed, 0)
    if not 0 < confidence < 1:
        raise InputError(
            f"gradient_signal: confidence must lie between 0 and 1. Got {confidence} instead."
        )
    entered = scalar_network(
        network, n_features, "gradient_signal", gradient=True, trainable_only=trainable_only
    )
    if method == "auto":
        streams = entered.two_layer is not None and usual_slope(measure) is not None
        if streams and entered.n_features <= _AUTO_STREAM:
            method = "stream"
        else:
            method = "enumerate" if entered.n_features <= _AUTO_ENUMERATE else "sample"
    if method == "stream":
        means = stream_means(entered, measure, device, on_progress)
    elif method == "enumerate":
        means = enumerate_means(entered, measure, on_progress)
    elif method == "sample":
        means = sample_means(
            entered,
            measure,
            n_samples=n_samples,
            confidence=confidence,
            seed=seed,
            on_progress=on_progress,
        )
    else:
        raise InputError(
            "gradient_signal: method must be 'auto', 'stream', 'enumerate' or 'sample'. "
            f"Got {method!r} instead."
        )
    off, (low, high) = warn_of_rounded_gates("gradient_signal", entered, measure), means.interval
    off += means.sided
    means = replace(means, interval=(max(0.0, low - off), high + off))
    found = _result(entered, measure, method, means)
    if means.sided > 0:
        warn_of_rounded_sides("gradient_signal", means.sided)
    return found


@torch.no_grad()
@np.errstate(over="ignore", invalid="ignore")  # results that are not finite are errors below
def _result(network: ScalarNetwork, loss: Loss, method: str, means: CubeMeans) -> GradientSignal:
    zero = network.inputs(0, 1)
    at_zero = gradient_at(network, zero)[0].cpu().numpy()
    even_zero, odd_zero = (float(half) for half in loss.weights(network.outputs(zero)))
    g_zero = odd_zero * at_zero
    # E_v E_x|(A + chi_v G) grad f|^2 - E_v|grad R_v|^2; chi_v averages to 0 except at x = 0
    tiny = float(np.ldexp(1.0, -network.n_features))
    shared = means.even_gradient
    power = means.even_square + means.odd_square
    power += 2 * tiny * even_zero * odd_zero * float(at_zero @ at_zero)
    squared_mean = float(shared @ shared) - means.even_gradient_error**2
    squared_mean += tiny * (2 * float(shared @ g_zero) + means.odd_square)
    require_finite(
        "gradient_signal",
        mean_square=means.odd_square,
        shared=shared,
        at_zero=g_zero,
        noise=power - squared_mean,
    )
    interval = means.interval
    if means.interval_kind == "normal" and means.heaviest > _HEAVY:
        interval = (0.0, float("inf"))
        warnings.warn(
            f"gradient_signal: one of {means.n_inputs} sampled inputs makes "
            f"{means.heaviest:.0%} of the estimate's variance, so there is no interval. Raise "
            "n_samples; with heavy tails even many samples can miss what carries the mean.",
            RuntimeWarning,
            stacklevel=3,
        )
    usual, bounds = usual_slope(loss), None
    if network.two_layer is not None and usual is not None:
        bounds = gradient_bounds(network.two_layer).scaled(usual)
    return GradientSignal(
        n_features=network.n_features,
        n_parameters=at_zero.size,
        loss=loss.name,
        method=method,
        n_inputs=means.n_inputs,
        n_evaluated=means.n_evaluated,
        mean_square=means.odd_square,
        interval=interval,
        interval_kind=means.interval_kind,
        shared=shared,
        shared_error=means.even_gradient_error,
        at_zero=g_zero,
        active=means.active,
        noise=max(0.0, power - squared_mean),
        bounds=bounds,
    )
