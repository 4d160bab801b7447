"""How one mode grows: du/dt = L u^(2 - 2/L) (s - u), solved.

With w = u/s the time is an incomplete beta function, L s^(2 - 2/L) t = ∫ w^(2/L - 2)/(1 - w) dw, and w as a
function of time its inverse. All of it in y = log(w/(1 - w)), in which neither end loses digits.

References
----------
A. M. Saxe, J. L. McClelland, S. Ganguli, Exact solutions to the nonlinear dynamics of learning in deep
linear neural networks, ICLR 2014.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy.special import expit, logit, psi

from pitfalls.errors import InputError
from pitfalls.linear.margins import EPS
from pitfalls.linear.network import Matrix

__all__ = ["learning_time", "mode_strength"]

_TERMS = np.arange(60)  # of a series in powers of at most 1/2: the last is below rounding
_NEWTON = 200  # far more than the forty or so that a start of 1e-300 takes
_FAR = 1e-300  # of start to target, or the other way: beyond, their powers leave float64
_AT_REST = 40.0  # in y: w is 1 in float64
_FALLING = 1e-40  # of the area: w is below rounding, so that the target counts as zero


def mode_strength(
    times: Float64[np.ndarray, " t"] | Sequence[float] | float,
    target: float,
    start: float,
    n_layers: int,
) -> Float64[np.ndarray, " t"] | Float64[np.ndarray, ""]:
    """Solve du/dt = L u^(2 - 2/L) (s - u) from u(0) = start.

    Parameters
    ----------
    times : ndarray of shape (t,), or float
        From 0 on, infinity included.
    target : float
        s, the mode's strength in the data.
    start : float
        u(0) > 0.
    n_layers : int
        L.

    Returns
    -------
    ndarray of shape (t,), or () for a single time
        To ten digits, from starts of 1e-8 of the target on; to thirteen from 1e-4 on.

    Raises
    ------
    InputError
        If times, target, start or n_layers are out of their range, or one of start and a target that
        is not zero is less than 1e-300 of the other (of several layers).

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
    _check_mode("mode_strength", target, start, n_layers)
    t = _as_times(times)
    power = 2.0 - 2.0 / n_layers
    solved: Matrix
    if start == target:
        solved = np.full_like(t, target)
    elif n_layers == 1:  # two parts of one sign: a start far below the target is not lost
        solved = start * np.exp(-t) - target * np.expm1(-t)
    elif target == 0:
        solved = _fall(t, start, n_layers)
    else:
        _check_ratio("mode_strength", target, start)
        rise = np.atleast_1d(t)
        with np.errstate(over="ignore", under="ignore"):
            for factor in _speed(target, n_layers):
                rise = rise * factor
        if start < target:
            solved = target * _grow(start / target, -power, rise)
        else:
            # s/u grows to 1 by the same law with exponent 1 - 2/L in place of 2/L - 2
            share = target / start
            falling = rise + share**power / power < _FALLING
            grown = _grow(share, power - 1.0, np.where(falling, 0.0, rise))
            solved = np.where(falling, _fall(np.atleast_1d(t), start, n_layers), target / grown)
    return np.where(t == 0, start, solved.reshape(t.shape))


def learning_time(target: float, start: float, n_layers: int, share: float = 0.99) -> float:
    """Return the time in which a mode grows from `start` to a share of its target.

    Parameters
    ----------
    target, start : float
        s and u(0).
    n_layers : int
        L.
    share : float
        Of the target, in (0, 1).

    Returns
    -------
    float
        0 where the mode is there already, and where the time is below the least number of float64.

    Raises
    ------
    InputError
        If an argument is out of its range, start is less than 1e-300 of the target (of several
        layers), or the time is beyond the largest number of float64.
    """
    _check_mode("learning_time", target, start, n_layers)
    if not 0 < share < 1:
        raise InputError(f"learning_time: share must lie between 0 and 1. Got {share}.")
    if start >= share * target:
        return 0.0
    if n_layers > 1:
        _check_ratio("learning_time", target, start)
    area = _area(2.0 / n_layers - 2.0)
    before, after = area(logit(np.array([start / target, share])))
    time = after - before
    with np.errstate(over="ignore", under="ignore"):
        for factor in _speed(target, n_layers):
            time = time / factor
    if time == np.inf:
        raise InputError(
            f"learning_time: the time for a target of {target} is beyond the largest float64. Scale "
            "target and start up by c, which divides it by c ** (2 - 2 / n_layers)."
        )
    return float(time)


def _check_mode(who: str, target: float, start: float, n_layers: int) -> None:
    if not (0 < start < np.inf and 0 <= target < np.inf and 1 <= n_layers < np.inf):
        raise InputError(
            f"{who}: start must be positive, target not negative, both finite, n_layers at least 1. "
            f"Got {start}, {target}, {n_layers}."
        )


def _check_ratio(who: str, target: float, start: float) -> None:
    if not min(start, target) >= _FAR * max(start, target):
        raise InputError(
            f"{who}: start and target must be within a factor of {1 / _FAR:.0e} of each other. "
            f"Got {start}, {target}."
        )


def _as_times(times: Any) -> Matrix:
    try:
        t = np.asarray(times, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:  # the last from tensors with a gradient
        raise InputError(f"mode_strength: times must be numbers ({error}).") from None
    if t.ndim > 1:
        raise InputError(f"mode_strength: times must be of shape (t,). Got shape {t.shape}.")
    if not (t >= 0).all():
        raise InputError(f"mode_strength: times must not be negative. Got {float(t.min())}.")
    return t


def _speed(target: float, n_layers: int) -> tuple[float, ...]:
    """Split L s^(2 - 2/L) into factors: one, or several where float64 does not hold it."""
    power = 2.0 - 2.0 / n_layers
    with np.errstate(over="ignore", under="ignore"):
        whole = float(n_layers * np.float64(target) ** power)
    if _FAR < whole < np.inf:
        return (whole,)
    half = target ** (power / 2)
    return float(n_layers), half, half


def _fall(t: Matrix, start: float, n_layers: int) -> Matrix:
    """Solve the equation without its target: u^(2/L - 2) grows evenly."""
    power = 2.0 - 2.0 / n_layers
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        gone = n_layers * power * t * np.float64(start) ** power
        # beyond float64 nothing of the start is left to see
        late = (n_layers * power * t) ** (-1.0 / power)
        return np.where(gone < np.inf, start * (1.0 + gone) ** (-1.0 / power), late)


def _grow(share: float, exponent: float, rise: Matrix) -> Matrix:
    """Find w with ∫ v^exponent/(1 - v) dv = rise from `share` to w, by Newton's method in y."""
    area = _area(exponent)
    first = logit(np.array([share]))
    start = area(first)
    at_rest = rise >= area(np.array([_AT_REST])) - start
    wanted = start + np.where(at_rest, 0.0, rise)
    y = np.broadcast_to(first, rise.shape).copy()
    low, high = y.copy(), np.full_like(y, _AT_REST)
    for _ in range(_NEWTON):
        error = area(y) - wanted
        low, high = np.where(error < 0, y, low), np.where(error > 0, y, high)
        # d area/dy = w^(exponent + 1)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            slope = expit(y) ** (exponent + 1.0)
            step = np.where(error == 0, 0.0, error / slope)
        after = y - step
        after = np.where((after >= low) & (after <= high), after, 0.5 * (low + high))
        if np.all(np.abs(after - y) <= 4 * EPS * np.maximum(1.0, np.abs(y))):
            break
        y = after
    return np.where(at_rest, 1.0, expit(y))


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
