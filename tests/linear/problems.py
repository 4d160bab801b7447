"""Small regression problems of every kind, and weights for them."""

import itertools

import numpy as np

from pitfalls.linear import SquaredRisk, dense_hessian
from pitfalls.moments import SecondMoments


def data(n=40, d=5, p=3, rank=None, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d)) * rng.uniform(0.5, 2.0, d)
    if rank is not None:
        x = x @ rng.standard_normal((d, rank)) @ rng.standard_normal((rank, d)) / d
    return x, x @ rng.standard_normal((d, p)) + rng.standard_normal((n, p))


def make_risk(*, center=False, **kwargs):
    return SquaredRisk(SecondMoments.from_arrays(*data(**kwargs), center=center))


def risk_with_modes(values, d=5, n=40, seed=0):
    """Return a risk whose singular modes are the given ones."""
    x, y = data(n=n, d=d, p=len(values), seed=seed)
    q, _ = np.linalg.qr(x)
    u, _, v = np.linalg.svd(q.T @ y, full_matrices=False)
    m = min(len(values), d)
    planted = (u[:, :m] * np.asarray(values)[:m]) @ v[:m]
    return SquaredRisk(SecondMoments.from_arrays(x, y - q @ (q.T @ y) + q @ planted))


def random_weights(widths, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]


def mixing(size, condition, rng):
    u, _ = np.linalg.qr(rng.standard_normal((size, size)))
    v, _ = np.linalg.qr(rng.standard_normal((size, size)))
    return (u * condition ** rng.uniform(-0.5, 0.5, size)) @ v


def remix(weights, condition, seed):
    """W_i -> D_i W_i D_{i-1}^{-1}: the same map through other hidden coordinates."""
    rng = np.random.default_rng(seed)
    weights = [w.copy() for w in weights]
    for i in range(len(weights) - 1):
        change = mixing(weights[i].shape[0], condition, rng)
        weights[i] = change @ weights[i]
        weights[i + 1] = weights[i + 1] @ np.linalg.inv(change)
    return weights


def spectrum_verdict(weights, risk):
    """Judge by value and by the dense Hessian's spectrum alone."""
    if risk.excess(weights) < 1e-9 * 0.5 * np.sum(risk.modes.values**2):
        return "global minimum"
    spectrum = np.linalg.eigvalsh(dense_hessian(risk, weights))
    # a Hessian that is zero but for rounding has no spectrum of its own
    size = np.linalg.norm(risk.moments.syx) * max(map(np.linalg.norm, weights)) ** (
        len(weights) - 2
    )
    lowest = spectrum[0] / max(spectrum[-1], 1e-4 * size, 1e-300)
    return "strict saddle" if lowest < -1e-9 else "non-strict saddle"
