"""How one mode grows: du/dt = L u^(2 - 2/L) (s - u), solved.

With w = u/s the time is an incomplete beta function, L s^(2 - 2/L) t = ∫ w^(2/L - 2)/(1 - w) dw, and w as a
function of time its inverse. All of it in y = log(w/(1 - w)), in which neither end loses digits.

References
----------
A. M. Saxe, J. L. McClelland, S. Ganguli, Exact solutions to the nonlinear dynamics of learning in deep
linear neural networks, ICLR 2014.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64
from scipy.special import expit, logit, psi

from pitfalls.errors import InputError
from pitfalls.linear.margins import EPS
from pitfalls.linear.network import Matrix

__all__ = ["learning_time", "mode_strength"]

_TERMS = np.arange(60)  # of a series in powers of at most 1/2: the last is below rounding
_NEWTON = 200  # far more than the forty or so that a start of 1e-300 takes


def mode_strength(
    times: Float64[np.ndarray, " t"], target: float, start: float, n_layers: int
) -> Float64[np.ndarray, " t"]:
    """Solve du/dt = L u^(2 - 2/L) (s - u) from u(0) = start.

    Parameters
    ----------
    times : ndarray of shape (t,)
        From 0 on.
    target : float
        s, the mode's strength in the data.
    start : float
        u(0) > 0.
    n_layers : int
        L.

    Returns
    -------
    ndarray of shape (t,)
        To ten digits, from starts of 1e-8 of the target on; to thirteen from 1e-4 on.

    Examples
    --------
    >>> mode_strength(np.array([0.0, 1e3]), target=2.0, start=0.01, n_layers=2)
    array([0.01, 2.  ])

    The deeper the network, the longer the plateau before a mode is learned:

    .. plot::
       :include-source:

       import matplotlib.pyplot as plt
       import numpy as np
       from pitfalls.linear import mode_strength

       times = np.linspace(0, 8, 400)
       for n_layers in (1, 2, 3):
           strength = mode_strength(times, target=1.0, start=0.01, n_layers=n_layers)
           plt.plot(times, strength, label=f"L = {n_layers}")
       plt.xlabel("time (steps times learning rate)")
       plt.ylabel("strength u of the mode")
       plt.legend()
    """
    if not (0 < start < np.inf and 0 <= target < np.inf and n_layers >= 1):
        raise InputError(
            "mode_strength: start must be positive, target not negative, n_layers at least 1. Got "
            f"{start}, {target}, {n_layers}."
        )
    t = np.asarray(times, dtype=np.float64)
    if not (t >= 0).all():
        raise InputError(f"mode_strength: times must not be negative. Got {float(t.min())}.")
    power = 2.0 - 2.0 / n_layers
    solved: Matrix
    if target == 0 and n_layers == 1:
        solved = start * np.exp(-t)
    elif target == 0:
        solved = start * (1.0 + n_layers * power * t * start**power) ** (-1.0 / power)
    elif start == target or n_layers == 1:
        solved = target + (start - target) * np.exp(-t)
    else:
        rise = n_layers * target**power * t
        share = min(start / target, target / start)
        # from above, s/u grows to 1 by the same law with exponent 1 - 2/L in place of 2/L - 2
        exponent = -power if start < target else power - 1.0
        grown = _grow(share, exponent, rise)
        solved = target * grown if start < target else target / grown
    return np.where(t == 0, start, solved)


def learning_time(target: float, start: float, n_layers: int, share: float = 0.99) -> float:
    """Return the time in which a mode grows from `start` to a share of its target.

    Parameters
    ----------
    target, start : float
        s and u(0); 0 where the mode is there already.
    n_layers : int
        L.
    share : float
        Of the target, in (0, 1).
    """
    if not 0 < start < share * target:
        return 0.0
    power = 2.0 - 2.0 / n_layers
    area = _area(-power)
    before, after = area(logit(np.array([start / target, share])))
    return float((after - before) / (n_layers * target**power))


def _grow(share: float, exponent: float, rise: Matrix) -> Matrix:
    """Find w with ∫ v^exponent/(1 - v) dv = rise from `share` to w, by Newton's method in y."""
    area = _area(exponent)
    first = logit(np.array([share]))
    wanted = area(first) + rise
    # past 1/2 the area grows like y: a root lies at most this far to the right
    y = np.broadcast_to(first, rise.shape).copy()
    low, high = y.copy(), y + rise * max(1.0, share ** -(exponent + 1.0)) + 1.0
    for _ in range(_NEWTON):
        error = area(y) - wanted
        low, high = np.where(error < 0, y, low), np.where(error > 0, y, high)
        # d area/dy = w^(exponent + 1)
        step = error * expit(y) ** -(exponent + 1.0)
        after = y - step
        after = np.where((after < low) | (after > high), 0.5 * (low + high), after)
        if np.all(np.abs(after - y) <= 4 * EPS * np.maximum(1.0, np.abs(y))):
            break
        y = after
    return np.asarray(expit(y))


def _area(exponent: float) -> Callable[[Matrix], Matrix]:
    """∫ w^exponent/(1 - w) dw as a function of y: an incomplete beta function with second argument 0.

    Up to w = 1/2 by its series in w, beyond by that in 1 - w.
    """
    b = exponent + 1.0  # w^(b-1)
    lifted = b if b > 0 else b + 1.0
    weights = 1.0 / (_TERMS + lifted)
    ratio = np.concatenate([[1.0], np.cumprod((_TERMS[1:] - lifted) / _TERMS[1:])])
    tail = ratio[1:] / _TERMS[1:]
    constant = -float(psi(lifted)) - float(np.euler_gamma)

    def area(y: Matrix) -> Matrix:
        w, rest = expit(y), expit(-y)
        log_w, minus_log_rest = -np.logaddexp(0.0, -y), np.logaddexp(0.0, y)
        small = np.minimum(w, 0.5)[:, None] ** _TERMS @ weights * np.exp(lifted * log_w)
        near = np.minimum(rest, 0.5)[:, None] ** _TERMS[1:] @ tail
        found = np.where(w <= 0.5, small, minus_log_rest + constant - near)
        if b > 0:
            return np.asarray(found)
        # w^(b-1)/(1-w) = w^(b-1) + w^b/(1-w)
        return np.asarray(found + (np.exp(b * log_w) / b if b < 0 else log_w))

    return area
