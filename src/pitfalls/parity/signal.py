"""How much the gradient of the risk says about the target: exactly, over all 2^d targets.

For the target chi_v the gradient of the risk is grad R_v = a + E_x[chi_v(x) g(x)], with a the same
for every target (homework 3c(ii)). The 2^d parities are an orthonormal basis, so by Parseval

    E_v |grad R_v - a|^2 = 2^-d E_x |g(x)|^2,

with equality: one mean over inputs replaces the mean over targets.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor, nn

from pitfalls.errors import InputError, ResourceError
from pitfalls.parity.bounds import GradientBounds, gradient_bounds
from pitfalls.parity.device_streaming import stream_on_device
from pitfalls.parity.gradients import batch_gradients, gradient_at, network_outputs
from pitfalls.parity.loss import HingeLoss, LogisticLoss, Loss, SquareLoss, as_loss
from pitfalls.parity.network import TwoLayerReLU
from pitfalls.parity.sampling import sample_moments
from pitfalls.parity.streaming import HINGE, LOGISTIC, SQUARE, StreamedSums, stream_sums
from pitfalls.parity.totals import gradient_norm_total

__all__ = ["GradientSignal", "Method", "gradient_signal"]

Method = Literal["auto", "stream", "enumerate", "sample"]
OnProgress = Callable[[int, int], None]

_AUTO_STREAM = 30
_MOST_STREAMED = 44
_AUTO_ENUMERATE = 12
_MOST_ENUMERATED = 24
# numbers in one batch of per-sample gradients: 128 MB in float64
_BATCH_ELEMENTS = 1 << 24


@dataclass(frozen=True)
class GradientSignal:
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
        Inputs at which f was evaluated; the rest was settled by a proven bound on |f|.
    mean_square : float
        E_x|g(x)|^2.
    interval : tuple of two floats
        Confidence interval of ``mean_square``; both ends equal it where it is exact.
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
    shared: NDArray[np.float64]
    shared_error: float
    at_zero: NDArray[np.float64]
    active: float
    noise: float
    bounds: GradientBounds | None

    @property
    def signal(self) -> float:
        """E_v|grad R_v - a|^2 = 2^-d E|g|^2 (0 where 2^-d underflows; see ``log2_signal``)."""
        return float(np.ldexp(self.mean_square, -self.n_features))

    @property
    def log2_signal(self) -> float:
        """Logarithm of the signal to base 2, for any d."""
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
        return float(batch_size * self.signal / self.noise) if self.noise > 0 else float("inf")

    def subset_bound(self, n_targets: int) -> float:
        """Bound the mean of |grad R_v - a|^2 over any family of that many targets."""
        if n_targets < 1:
            raise InputError(f"subset_bound: n_targets must be at least 1. Got {n_targets}.")
        return self.mean_square / n_targets


@dataclass(frozen=True)
class _Means:
    odd_square: float
    even_square: float
    even_gradient: NDArray[np.float64]
    active: float
    n_inputs: int
    n_evaluated: int
    odd_square_error: float = 0.0
    even_gradient_error: float = 0.0


def gradient_signal(
    network: nn.Module,
    loss: str | Loss | Callable[[Tensor, Tensor], Tensor] = "hinge",
    *,
    n_features: int | None = None,
    method: Method = "auto",
    n_samples: int = 20_000,
    confidence: float = 0.95,
    seed: int = 0,
    device: torch.device | str | None = None,
    on_progress: OnProgress | None = None,
) -> GradientSignal:
    """Measure how much the gradient of the risk depends on the target.

    Parameters
    ----------
    network : nn.Module
        A ``TwoLayerReLU``, or any module from (n, d) to one number an input.
    loss : str, Loss or callable
        ``"hinge"``, ``"square"``, ``"logistic"``, a :class:`Loss` (``HingeLoss("clamp")`` takes
        another subgradient at the kink), or any differentiable function of (outputs, labels).
    n_features : int, optional
        d; needed for modules that do not say it themselves.
    method : {"auto", "stream", "enumerate", "sample"}
        ``stream`` passes over all 2^d inputs of a ``TwoLayerReLU`` in float64 and bounded memory;
        ``enumerate`` does it by per-sample gradients for any module; ``sample`` estimates.
        ``auto`` streams to d = 30, enumerates to d = 12 and samples beyond.
    n_samples : int
        Inputs to draw when sampling.
    confidence : float
        Level of ``interval``.
    seed : int
        Of the sampled inputs.
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
        If parameters are not finite, or network, loss and method do not go together.
    ResourceError
        If d is too large for an exact method.

    Examples
    --------
    >>> network = TwoLayerReLU(10, 100, seed=0)
    >>> result = gradient_signal(network)
    >>> result.method, result.n_inputs
    ('stream', 1024)
    >>> abs(result.signal_to_noise(1) * (2**10 - 1) - 1) < 1e-9
    True

    References
    ----------
    S. Shalev-Shwartz, O. Shamir, S. Shammah, "Failures of Gradient-Based Deep Learning", ICML
    2017, Theorem 1 (there as an upper bound).
    """
    measure = as_loss(loss)
    d = _number_of_features(network, n_features)
    _check_parameters(network)
    streams = isinstance(network, TwoLayerReLU) and isinstance(
        measure, HingeLoss | SquareLoss | LogisticLoss
    )
    if method == "auto":
        if streams and d <= _AUTO_STREAM:
            method = "stream"
        else:
            method = "enumerate" if d <= _AUTO_ENUMERATE else "sample"
    first = next(network.parameters())
    zero = torch.zeros(1, d, dtype=first.dtype, device=first.device)
    network_outputs(network, zero)

    if method == "stream":
        if not isinstance(network, TwoLayerReLU) or not streams:
            raise InputError(
                "gradient_signal: method 'stream' takes a TwoLayerReLU with hinge, square or "
                f"logistic loss. Got {type(network).__name__} with {measure.name}; use 'enumerate' "
                "or 'sample'."
            )
        means = _stream(network, measure, device, on_progress)
    elif method == "enumerate":
        means = _enumerate(network, measure, d, on_progress)
    elif method == "sample":
        if n_samples < 2:
            raise InputError(f"gradient_signal: n_samples must be at least 2. Got {n_samples}.")
        sampled = sample_moments(
            network,
            measure,
            d,
            n_samples=n_samples,
            seed=seed,
            batch_size=_batch_size(network),
            on_progress=on_progress,
        )
        means = _Means(
            sampled.odd_square,
            sampled.even_square,
            sampled.even_gradient,
            sampled.active,
            sampled.n_inputs,
            sampled.n_inputs,
            sampled.odd_square_error,
            sampled.even_gradient_error,
        )
    else:
        raise InputError(
            "gradient_signal: method must be 'auto', 'stream', 'enumerate' or 'sample'. "
            f"Got {method!r} instead."
        )
    return _result(network, measure, d, method, means, zero, confidence)


def _result(
    network: nn.Module,
    loss: Loss,
    d: int,
    method: str,
    means: _Means,
    zero: Tensor,
    confidence: float,
) -> GradientSignal:
    at_zero = gradient_at(network, zero)[0].double().cpu().numpy()
    even_zero, odd_zero = (
        float(half) for half in loss.weights(network_outputs(network, zero).detach().double())
    )
    g_zero = odd_zero * at_zero
    # E_v E_x|(A + chi_v G) grad f|^2 - E_v|grad R_v|^2; chi_v averages to 0 except at x = 0
    tiny = float(np.ldexp(1.0, -d))
    shared = means.even_gradient
    power = means.even_square + means.odd_square
    power += 2 * tiny * even_zero * odd_zero * float(at_zero @ at_zero)
    squared_mean = float(shared @ shared) - means.even_gradient_error**2
    squared_mean += tiny * (2 * float(shared @ g_zero) + means.odd_square)
    margin = float(stats.norm.ppf((1 + confidence) / 2)) * means.odd_square_error
    bounds = None
    if isinstance(network, TwoLayerReLU) and isinstance(
        loss, HingeLoss | SquareLoss | LogisticLoss
    ):
        plain = gradient_bounds(network)
        # the logistic loss has |G| = 1/2 everywhere, the others |G| <= 1
        scale = 0.25 if isinstance(loss, LogisticLoss) else 1.0
        bounds = GradientBounds(
            plain.element * scale**0.5,
            plain.homework * scale,
            plain.by_unit * scale,
            plain.by_moments * scale,
        )
    return GradientSignal(
        n_features=d,
        n_parameters=at_zero.size,
        loss=loss.name,
        method=method,
        n_inputs=means.n_inputs,
        n_evaluated=means.n_evaluated,
        mean_square=means.odd_square,
        interval=(max(0.0, means.odd_square - margin), means.odd_square + margin),
        shared=shared,
        shared_error=means.even_gradient_error,
        at_zero=g_zero,
        active=means.active,
        noise=max(0.0, power - squared_mean),
        bounds=bounds,
    )


def _stream(
    network: TwoLayerReLU,
    loss: Loss,
    device: torch.device | str | None,
    on_progress: OnProgress | None,
) -> _Means:
    d = network.n_features
    if d > _MOST_STREAMED:
        raise ResourceError(
            f"gradient_signal: 2^{d} inputs are too many to stream (the limit is d = "
            f"{_MOST_STREAMED}, and d = 36 already takes hours unless bounds settle most of it). "
            "Use method='sample': its confidence interval does not widen with d."
        )
    with torch.no_grad():
        w, b, alpha, beta = (p.detach().double().cpu().numpy() for p in network.parameters())
    alpha = alpha[0]
    if device is None:
        kind = {HingeLoss: HINGE, SquareLoss: SQUARE, LogisticLoss: LOGISTIC}[type(loss)]
        at_kink = loss.at_kink if isinstance(loss, HingeLoss) else 0.0
        sums: StreamedSums = stream_sums(
            w, b, alpha, float(beta[0]), kind=kind, at_kink=at_kink, on_progress=on_progress
        )
    else:
        sums = stream_on_device(network, loss, device, on_progress=on_progress)
    scale = float(np.ldexp(1.0, -d))
    usual = float(loss.weights(torch.zeros(1))[1]) ** 2
    return _Means(
        odd_square=usual * (gradient_norm_total(w, b, alpha) - scale * sums.odd_deficit),
        even_square=scale * sums.even_square,
        even_gradient=scale * sums.even_gradient,
        active=scale * sums.n_active,
        n_inputs=1 << d,
        n_evaluated=sums.n_evaluated,
    )


def _enumerate(network: nn.Module, loss: Loss, d: int, on_progress: OnProgress | None) -> _Means:
    if d > _MOST_ENUMERATED:
        raise ResourceError(
            f"gradient_signal: 2^{d} per-sample gradients are too many (the limit is d = "
            f"{_MOST_ENUMERATED}). Use method='sample', or 'stream' for a TwoLayerReLU."
        )
    parameter = next(network.parameters())
    shifts = torch.arange(d, device=parameter.device)
    odd_square = even_square = active = 0.0
    even_gradient = torch.zeros(
        sum(p.numel() for p in network.parameters()), dtype=torch.float64, device=parameter.device
    )
    step = _batch_size(network)
    for start in range(0, 1 << d, step):
        stop = min(1 << d, start + step)
        numbers = torch.arange(start, stop, device=parameter.device)
        x = (numbers[:, None] >> shifts & 1).to(parameter.dtype)
        batch = batch_gradients(network, loss, x)
        norm = batch.squared_norm.double()
        odd_square += float((batch.odd.double().square() * norm).sum())
        even_square += float((batch.even.double().square() * norm).sum())
        even_gradient += batch.even_sum
        active += float((batch.outputs.abs() < 1).sum())
        if on_progress is not None:
            on_progress(stop, 1 << d)
    scale = float(np.ldexp(1.0, -d))
    return _Means(
        odd_square * scale,
        even_square * scale,
        even_gradient.cpu().numpy() * scale,
        active * scale,
        1 << d,
        1 << d,
    )


def _batch_size(network: nn.Module) -> int:
    wide = network.n_hidden if isinstance(network, TwoLayerReLU) else 0
    return max(1, _BATCH_ELEMENTS // (wide or sum(p.numel() for p in network.parameters())))


def _number_of_features(network: nn.Module, n_features: int | None) -> int:
    own = getattr(network, "n_features", None)
    if own is None:
        linear = next((m for m in network.modules() if isinstance(m, nn.Linear)), None)
        own = linear.in_features if linear is not None else None
    if n_features is None and not isinstance(own, int):
        raise InputError(
            f"gradient_signal: {type(network).__name__} does not say how many features it takes. "
            "Give n_features."
        )
    d = n_features if n_features is not None else own
    assert isinstance(d, int)
    if d < 1 or (isinstance(network, TwoLayerReLU) and d != own):
        raise InputError(f"gradient_signal: the network takes {own} features. Got n_features={d}.")
    return d


def _check_parameters(network: nn.Module) -> None:
    for name, parameter in network.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            raise InputError(
                f"gradient_signal: parameter {name} holds NaN or infinity, so there is no signal "
                "to measure. Load the last finite parameters."
            )
