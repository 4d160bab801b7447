"""One number that makes a network's confidence fit its accuracy: the temperature of its logits."""

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import softmax

from pitfalls.errors import InputError

__all__ = ["TEMPERATURES", "fit_temperature"]

TEMPERATURES = (0.05, 20.0)
"""Between these it is sought: where every answer is right, no temperature is too low."""


def fit_temperature(logits: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Return the T > 0 for which softmax(logits / T) makes the labels most likely.

    The mean cross-entropy is convex in β = 1/T, and its derivative, the mean of E[z] under
    softmax(βz) less the label's own logit, rises through 0 where it is least.

    Parameters
    ----------
    logits : array of shape (n, n_classes)
        Of images that the network was not fitted to.
    labels : array of shape (n,), int

    Returns
    -------
    float
        Within `TEMPERATURES`, at an end where the cross-entropy falls on beyond it.

    Raises
    ------
    InputError
        If there is no row, a logit is not finite, or a label is none of the columns.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger. On calibration of modern neural networks. ICML 2017.

    Examples
    --------
    >>> round(fit_temperature([[2.0, 0.0]] * 4, [0, 0, 0, 1]), 3)  # 3 of 4: logit 2/T = log 3
    1.82
    """
    z, given = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    if z.ndim != 2 or len(z) == 0 or given.shape != z.shape[:1] or not np.isfinite(z).all():
        raise InputError(
            "fit_temperature: logits must be finite, of shape (n, n_classes), and labels of shape (n,), "
            f"n ≥ 1. Got shapes {z.shape} and {given.shape}."
        )
    if not np.isin(given, np.arange(z.shape[1])).all():
        raise InputError(
            f"fit_temperature: labels must be whole numbers from 0 to {z.shape[1] - 1}, columns of the "
            f"logits. Got some from {given.min()} to {given.max()}."
        )
    y = given.astype(np.int64)
    z = z - z[np.arange(len(z)), y][:, None]  # of the label: 0

    def slope(log_beta: float) -> float:
        return float((softmax(math.exp(log_beta) * z, axis=1) * z).sum(axis=1).mean())

    low, high = (-math.log(end) for end in reversed(TEMPERATURES))
    if slope(low) >= 0:
        return TEMPERATURES[1]
    if slope(high) <= 0:
        return TEMPERATURES[0]
    return math.exp(-float(brentq(slope, low, high, xtol=1e-12)))
