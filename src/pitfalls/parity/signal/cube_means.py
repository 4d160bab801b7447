"""The means over {0, 1}^d that the signal is made of: streamed, enumerated or sampled."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray

from pitfalls.errors import InputError, ResourceError
from pitfalls.parity.loss import HingeLoss, LogisticLoss, Loss, SquareLoss
from pitfalls.parity.network import TwoLayerReLU
from pitfalls.parity.scalar_network import ScalarNetwork
from pitfalls.parity.signal.cube_pass import HINGE, LOGISTIC, SQUARE, stream_sums
from pitfalls.parity.signal.device_pass import stream_on_device
from pitfalls.parity.signal.gradient_norm import draw_by_gradient_norm, gradient_norm_total
from pitfalls.parity.signal.per_sample import batch_gradients, batch_size
from pitfalls.parity.signal.rounding import output_rounding
from pitfalls.parity.signal.stratified import sample_moments

__all__ = [
    "CubeMeans",
    "IntervalKind",
    "enumerate_means",
    "near_one",
    "sample_means",
    "stream_means",
    "usual_slope",
]

OnProgress = Callable[[int, int], None]
IntervalKind = Literal["exact", "binomial", "normal"]

_KINDS: dict[type[Loss], int] = {HingeLoss: HINGE, SquareLoss: SQUARE, LogisticLoss: LOGISTIC}
_MOST_STREAMED = 44
_MOST_ENUMERATED = 24
_HINGE_SPAN = 0.75  # G^2 is 1/4 beyond 1 and 1 before
# lists of 2^(d/2) numbers: about 400 MB a thread at this d
_MOST_TOTALLED = 44


@dataclass(frozen=True, eq=False)
class CubeMeans:
    """Means over inputs of a loss with slope A(f) + y G(f); see ``pitfalls.parity.loss``.

    Attributes
    ----------
    odd_square : float
        E[G^2 |grad f|^2].
    interval : tuple of two floats
        For ``odd_square``; of the kind ``interval_kind``.
    even_square : float
        E[A^2 |grad f|^2].
    even_gradient : array of shape (P,)
        E[A grad f], with the root mean squared error ``even_gradient_error``.
    active : float
        Share of inputs with |f| < 1.
    n_inputs, n_evaluated : int
    heaviest : float
        Largest share of one input in the variance that a ``normal`` interval rests on.
    sided : float
        How far ``odd_square`` may be off where rounding decides on which side of 1 |f| is.
    """

    odd_square: float
    interval: tuple[float, float]
    even_square: float
    even_gradient: Float64[np.ndarray, " P"]
    active: float
    n_inputs: int
    n_evaluated: int
    interval_kind: IntervalKind = "exact"
    even_gradient_error: float = 0.0
    heaviest: float = 0.0
    sided: float = 0.0


def usual_slope(loss: Loss) -> float | None:
    """Return |G(f)| where |f| < 1 for the losses that have it constant there, else None.

    Square and logistic loss have it everywhere; the hinge loss has less beyond. A subclass may weigh
    otherwise than its parent, so it counts as any other loss.
    """
    kind = _KINDS.get(type(loss))
    return None if kind is None else 0.5 if kind == LOGISTIC else 1.0


def _described(loss: Loss) -> str:
    return loss.name if usual_slope(loss) is not None else f"{loss.name} ({type(loss).__name__})"


def _arrays(
    network: TwoLayerReLU,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    w, b, alpha, beta = (p.detach().double().cpu().numpy() for p in network.parameters())
    return w, b, alpha[0], float(beta[0])


def stream_means(
    network: ScalarNetwork,
    loss: Loss,
    device: torch.device | str | None,
    on_progress: OnProgress | None,
) -> CubeMeans:
    """Pass over all inputs of a ``TwoLayerReLU`` in bounded memory."""
    two_layer, usual, d = network.two_layer, usual_slope(loss), network.n_features
    if two_layer is None or usual is None:
        raise InputError(
            "gradient_signal: method 'stream' takes a TwoLayerReLU itself, without hooks or parts "
            "left out, with hinge, square or logistic loss themselves. "
            f"Got {network.kind} with {_described(loss)}; use 'enumerate' or 'sample'."
        )
    if d > _MOST_STREAMED:
        raise ResourceError(
            f"gradient_signal: 2^{d} inputs are too many to stream (the limit is d = "
            f"{_MOST_STREAMED}, and d = 36 already takes hours unless bounds settle most of it). "
            "Use method='sample': its confidence interval does not widen with d."
        )
    w, b, alpha, beta = _arrays(two_layer)
    if device is None:
        kind, at_kink = _KINDS[type(loss)], loss.at_kink if type(loss) is HingeLoss else 0.0
        sums = stream_sums(w, b, alpha, beta, kind=kind, at_kink=at_kink, on_progress=on_progress)
    else:
        sums = stream_on_device(two_layer, loss, device, on_progress=on_progress)
    scale = float(np.ldexp(1.0, -d))
    odd_square = usual**2 * (gradient_norm_total(w, b, alpha) - scale * sums.odd_deficit)
    return CubeMeans(
        odd_square=odd_square,
        interval=(odd_square, odd_square),
        even_square=scale * sums.even_square,
        even_gradient=scale * sums.even_gradient,
        active=scale * sums.n_active,
        n_inputs=1 << d,
        n_evaluated=sums.n_evaluated,
        sided=_HINGE_SPAN * scale * sums.near_square,
    )


def enumerate_means(
    network: ScalarNetwork, loss: Loss, on_progress: OnProgress | None
) -> CubeMeans:
    """Take the gradient at every input of any module."""
    d = network.n_features
    if d > _MOST_ENUMERATED:
        raise ResourceError(
            f"gradient_signal: 2^{d} per-sample gradients are too many (the limit is d = "
            f"{_MOST_ENUMERATED}). Use method='sample', or 'stream' for a TwoLayerReLU."
        )
    odd_square = even_square = active = near_square = 0.0
    near = near_one(network, loss)
    even_gradient = torch.zeros(network.n_parameters, dtype=torch.float64, device=network.device)
    step, total = batch_size(network), 1 << d
    for start in range(0, total, step):
        stop = min(total, start + step)
        batch = batch_gradients(network, loss, network.inputs(start, stop))
        odd_square += float((batch.odd.square() * batch.squared_norm).sum())
        even_square += float((batch.even.square() * batch.squared_norm).sum())
        even_gradient += batch.even_sum
        active += float((batch.outputs.abs() < 1).sum())
        near_square += float(batch.squared_norm[(batch.outputs.abs() - 1).abs() < near].sum())
        if on_progress is not None:
            on_progress(stop, total)
    return CubeMeans(
        odd_square=odd_square / total,
        interval=(odd_square / total, odd_square / total),
        even_square=even_square / total,
        even_gradient=even_gradient.cpu().numpy() / total,
        active=active / total,
        n_inputs=total,
        n_evaluated=total,
        sided=_HINGE_SPAN * near_square / total,
    )


def near_one(network: ScalarNetwork, loss: Loss) -> float:
    """Return how near to 1 rounding decides on which side |f| is; 0 where it cannot, or is not known."""
    if network.two_layer is None or type(loss) is not HingeLoss:
        return 0.0
    return output_rounding(*_arrays(network.two_layer))


def sample_means(
    network: ScalarNetwork,
    loss: Loss,
    *,
    n_samples: int,
    confidence: float,
    seed: int,
    on_progress: OnProgress | None,
) -> CubeMeans:
    """Estimate the means from sampled inputs, with E|g|^2 exact or guarded where that is possible."""
    from scipy import stats  # nearly half a second, which the exact ways do not need

    sampled = sample_moments(network, loss, n_samples=n_samples, seed=seed, on_progress=on_progress)
    margin = float(stats.norm.ppf((1 + confidence) / 2)) * sampled.odd_square_error
    means = CubeMeans(
        odd_square=sampled.odd_square,
        interval=(max(0.0, sampled.odd_square - margin), sampled.odd_square + margin),
        even_square=sampled.even_square,
        even_gradient=sampled.even_gradient,
        active=sampled.active,
        n_inputs=sampled.n_inputs,
        n_evaluated=sampled.n_inputs,
        interval_kind="normal",
        even_gradient_error=sampled.even_gradient_error,
        heaviest=sampled.heaviest,
    )
    two_layer, usual = network.two_layer, usual_slope(loss)
    if two_layer is None or usual is None or network.n_features > _MOST_TOTALLED:
        return means
    if type(loss) is not HingeLoss:
        w, b, alpha, _ = _arrays(two_layer)
        exact = usual**2 * gradient_norm_total(w, b, alpha)
        return replace(
            means, odd_square=exact, interval=(exact, exact), interval_kind="exact", heaviest=0.0
        )
    return _hinge_by_importance(two_layer, loss, means, n_samples, confidence, seed)


@torch.no_grad()
def _hinge_by_importance(
    network: TwoLayerReLU, loss: HingeLoss, means: CubeMeans, n: int, confidence: float, seed: int
) -> CubeMeans:
    """Estimate E|g|^2 = T E_q[G^2] from inputs drawn by q(x) = 2^-d |grad f(x)|^2 / T.

    G^2 lies in [1/4, 1] whatever the network, so (G^2 - 1/4) / (3/4) rounded at random to 0 or 1
    is a coin, and the exact binomial interval of its mean holds for every network.
    """
    from scipy import stats

    w, b, alpha, beta = _arrays(network)
    generator = np.random.default_rng(seed)
    numbers, total = draw_by_gradient_norm(w, b, alpha, n, generator)
    shares, near = np.empty(n), np.empty(n, bool)
    close = output_rounding(w, b, alpha, beta)
    places = np.arange(network.n_features)
    for start in range(0, n, 1 << 10):
        part = slice(start, start + (1 << 10))
        x = torch.from_numpy((numbers[part, None] >> places & 1).astype(np.float64))
        outputs = network(x.to(network.hidden.weight.device))
        shares[part] = (loss.weights(outputs)[1].cpu().numpy() ** 2 - 0.25) / 0.75
        near[part] = ((outputs.abs() - 1).abs() < close).cpu().numpy()
    thrown = generator.random(n)
    # where rounding decides a share, the lower end takes none of it and the upper end all
    ends = (int((thrown < np.where(near, side, shares)).sum()) for side in (0.0, 1.0))
    low, high = (
        stats.binomtest(n_heads, n).proportion_ci(confidence, method="exact") for n_heads in ends
    )
    odd_square, least, most = (
        total * (0.25 + 0.75 * share) for share in (float(shares.mean()), low.low, high.high)
    )
    return replace(
        means,
        odd_square=odd_square,
        interval=(min(least, odd_square), max(most, odd_square)),
        interval_kind="binomial",
        heaviest=0.0,
    )
