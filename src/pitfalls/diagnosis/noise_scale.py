"""The gradient's noise scale: the batch at which noise and signal of the gradient are alike.

References
----------
S. McCandlish, J. Kaplan, D. Amodei, An empirical model of large-batch training, 2018: B = tr(S)/|G|^2
with S the covariance of the gradient of one example and G its mean.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pitfalls.diagnosis.evidence.schedule import NoiseScale

__all__ = ["noise_scale"]


def noise_scale(gram: NDArray[np.float64], batch_size: int) -> NoiseScale:
    """Estimate from the Gram matrix of independent batches' gradients.

    Parameters
    ----------
    gram : ndarray of shape (m, m)
        Inner products of the gradients of m batches of distinct examples.
    batch_size : int
        Examples in each.

    Notes
    -----
    Off-diagonal entries average to |G|^2, diagonal ones to |G|^2 + tr(S)/b: both unbiased. The
    reciprocal of the noise scale is what is bounded: it crosses zero where the noise scale passes
    through infinity.
    """
    m = len(gram)

    def reciprocal(table: NDArray[np.float64]) -> float:
        size = len(table)
        signal = (table.sum() - np.trace(table)) / (size * (size - 1))
        noise = batch_size * (np.trace(table) / size - signal)
        return float(signal / noise) if noise > 0 else float("inf")

    whole = reciprocal(gram)
    if not np.isfinite(whole):
        return NoiseScale(0.0, (0.0, 0.0), batch_size, m)
    left_out = np.array([reciprocal(np.delete(np.delete(gram, i, 0), i, 1)) for i in range(m)])
    margin = float("inf")  # where all but one batch have the same gradient
    if np.isfinite(left_out).all():
        spread = float(np.sqrt((m - 1) / m * ((left_out - left_out.mean()) ** 2).sum()))
        margin = float(stats.t.ppf(0.975, m - 1)) * spread
    low, high = whole - margin, whole + margin

    def turned(value: float) -> float:
        return 1 / value if value > 0 else float("inf")

    return NoiseScale(turned(whole), (turned(high), turned(low)), batch_size, m)
