"""Estimate the signal from sampled inputs, stratified by Hamming weight."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from pitfalls.parity.loss import Loss
from pitfalls.parity.scalar_network import ScalarNetwork
from pitfalls.parity.signal.per_sample import batch_gradients, batch_size

__all__ = ["SampledMoments", "hamming_strata", "sample_moments"]

# Strata need a variance each, so not too many: with proportional allocation most of what
# stratification can win is won by a few tens.
_SHARE = 1 / 32


@dataclass(frozen=True)
class SampledMoments:
    """Estimates of means over the cube, each with its standard error where one is needed.

    ``heaviest`` is the largest share of one input in the variance of ``odd_square``; 1 where all
    inputs gave the same, which says nothing about the spread.
    """

    odd_square: float
    odd_square_error: float
    heaviest: float
    even_square: float
    even_gradient: Float64[np.ndarray, " P"]
    even_gradient_error: float
    active: float
    n_inputs: int


def hamming_strata(n_features: int) -> list[tuple[range, float]]:
    """Group Hamming weights 0..d into ranges of probability about 1/32 or more.

    Returns
    -------
    list of (range of weights, probability)
        The probabilities sum to 1.
    """
    from scipy import stats  # nearly half a second, which the exact ways do not need

    pmf = stats.binom.pmf(np.arange(n_features + 1), n_features, 0.5)
    strata: list[tuple[range, float]] = []
    first, total = 0, 0.0
    for weight, share in enumerate(pmf.tolist()):
        total += share
        if total >= _SHARE:
            strata.append((range(first, weight + 1), total))
            first, total = weight + 1, 0.0
    if first <= n_features:  # what is left joins the last stratum
        weights, p = strata.pop()
        strata.append((range(weights.start, n_features + 1), p + total))
    return strata


def _draw(weights: range, d: int, n: int, generator: torch.Generator) -> Float[Tensor, "{n} {d}"]:
    """Draw n inputs uniformly among those whose Hamming weight lies in the range."""
    from scipy import stats

    log_p = torch.from_numpy(stats.binom.logpmf(np.asarray(weights), d, 0.5))
    p = torch.softmax(log_p, 0)
    picked = torch.multinomial(p, n, replacement=True, generator=generator) + weights.start
    # the w smallest of d random keys are a uniform subset of size w
    ranks = torch.rand(n, d, generator=generator, dtype=torch.float64).argsort(1).argsort(1)
    return (ranks < picked[:, None]).double()


def sample_moments(
    network: ScalarNetwork,
    loss: Loss,
    *,
    n_samples: int,
    seed: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> SampledMoments:
    """Estimate E|g|^2, E[A^2 |grad f|^2] and a from inputs drawn stratum by stratum.

    Each stratum gets its share of the samples (at least two), so the variance is never above that
    of plain sampling but for rounding.
    """
    step, d = batch_size(network), network.n_features
    generator = torch.Generator().manual_seed(seed)
    strata = hamming_strata(d)
    counts = [max(2, round(n_samples * p)) for _, p in strata]
    total, done = sum(counts), 0
    odd_square = even_square = active = variance = largest = spread = 0.0
    even_gradient = torch.zeros(network.n_parameters, dtype=torch.float64, device=network.device)
    for (weights, p), n in zip(strata, counts, strict=True):
        odd_parts: list[Tensor] = []
        stratum_sum = torch.zeros_like(even_gradient)
        stratum_square = 0.0
        for start in range(0, n, step):
            m = min(step, n - start)
            x = _draw(weights, d, m, generator).to(network.device)
            batch = batch_gradients(network, loss, x)
            odd_parts.append((batch.odd.square() * batch.squared_norm).cpu())
            stratum_square += float((batch.even.square() * batch.squared_norm).sum())
            stratum_sum += batch.even_sum
            active += p / n * float((batch.outputs.abs() < 1).sum())
            done += m
            if on_progress is not None:
                on_progress(done, total)
        odd = torch.cat(odd_parts)
        mean = stratum_sum / n
        odd_square += p * float(odd.mean())
        parts = p**2 * (odd - odd.mean()).square() / (n * (n - 1))
        variance += float(parts.sum())
        largest = max(largest, float(parts.max()))
        even_square += p * stratum_square / n
        spread += p**2 * max(0.0, stratum_square / n - float(mean.square().sum())) / (n - 1)
        even_gradient += p * mean
    return SampledMoments(
        odd_square=odd_square,
        odd_square_error=variance**0.5,
        heaviest=largest / variance if variance > 0 else 1.0,
        even_square=even_square,
        even_gradient=even_gradient.cpu().numpy(),
        even_gradient_error=spread**0.5,
        active=active,
        n_inputs=total,
    )
