"""Learning-rate schemes: each is a function ``rate(previous, epoch, batch, n_batches)``.

The trainer asks before every step, with the rate of the step before (0.01 before the first), the
epoch and the batch counted from 0. A scheme sees nothing else, so a resumed run goes on with the
rate it would have had.
"""

import math
from typing import Protocol

from pitfalls.errors import InputError

__all__ = [
    "SCHEMES",
    "Schedule",
    "annealed",
    "constant",
    "cosine",
    "one_cycle",
    "schedule",
    "special",
]

SCHEMES = ("constant", "annealed", "special", "one_cycle", "linear", "cosine")
INITIAL_RATE = 0.01  # the rate "before the first step" of the homework


class Schedule(Protocol):
    """What the trainer calls before each step."""

    def __call__(self, previous: float, epoch: int, batch: int, n_batches: int) -> float:
        """Return the learning rate of this step."""


def constant(rate: float = 0.001) -> Schedule:
    """Keep one rate (homework 4e).

    Examples
    --------
    >>> constant(0.5)(0.01, epoch=3, batch=7, n_batches=100)
    0.5
    """
    _need("constant", rate=rate)

    def same(previous: float, epoch: int, batch: int, n_batches: int) -> float:
        return rate

    return same


def annealed(factor: float = 0.99) -> Schedule:
    """Multiply the previous rate by a factor at every step (homework 4e).

    At 0.99 and from 0.01 the rate falls by e⁻¹ in a hundred steps: 391 steps, one epoch of CIFAR-10
    at batch 128, leave 2 % of it.

    Examples
    --------
    >>> annealed(0.5)(0.01, epoch=0, batch=0, n_batches=100)
    0.005
    """
    _need("annealed", factor=factor)

    def smaller(previous: float, epoch: int, batch: int, n_batches: int) -> float:
        return previous * factor

    return smaller


def special(
    epochs: int, peak: float = 0.1, final: float = 0.005, ramp: int = 3, extra: int = 5
) -> Schedule:
    """Rise linearly to a peak, fall linearly, end in a tail (homework 4e).

    With t = epoch + batch/n_batches and E = epochs + ramp the rate is 2·peak·t/E up to E/2, falls to
    ``final`` at E, falls to 0 over ``extra`` more epochs, and is final/10 after that.

    Parameters
    ----------
    epochs : int
        Epochs of the run. One epoch sees only the first half of the rise: E is 4 then.
    peak, final : float
        The highest rate, and the rate at E.
    ramp, extra : int
        E − epochs, and the length of the tail, in epochs.

    Examples
    --------
    >>> rate = special(epochs=7)
    >>> [round(rate(0.0, epoch, 0, 100), 4) for epoch in (0, 5, 10, 12)]
    [0.0, 0.1, 0.005, 0.003]
    """
    _need("special", epochs=epochs, peak=peak, final=final, extra=extra)
    end = epochs + ramp

    def triangle(previous: float, epoch: int, batch: int, n_batches: int) -> float:
        t = epoch + batch / n_batches
        if t < end / 2:
            return 2 * peak * (1 - (end - t) / end)
        if t <= end:
            return final + 2 * (peak - final) * (end - t) / end
        if t <= end + extra:
            return final * (extra - (t - end)) / extra
        return final / 10

    return triangle


def one_cycle(
    epochs: float, peak: float = 0.1, warmup: float = 0.25, final: float = 0.0
) -> Schedule:
    """Rise linearly for a share of the run, then fall linearly to ``final`` at its end.

    Parameters
    ----------
    epochs : float
        Length of the run.
    peak : float
        The highest rate.
    warmup : float in [0, 1), default=0.25
        Share of the run that rises; 0 starts at the peak.
    final : float
        The rate at the end.

    References
    ----------
    Smith, Topin. Super-convergence: very fast training of neural networks using large learning
    rates. 2018.

    Examples
    --------
    >>> rate = one_cycle(epochs=4, peak=0.4)
    >>> [round(rate(0.0, epoch, 0, 100), 3) for epoch in (0, 1, 4)]
    [0.0, 0.4, 0.0]
    """
    _need("one_cycle", epochs=epochs, peak=peak)
    if not 0 <= warmup < 1:
        raise InputError(f"one_cycle: warmup must be in [0, 1). Got {warmup} instead.")

    def triangle(previous: float, epoch: int, batch: int, n_batches: int) -> float:
        share = min((epoch + batch / n_batches) / epochs, 1.0)
        if share < warmup:
            return peak * share / warmup
        return final + (peak - final) * (1 - share) / (1 - warmup)

    return triangle


def cosine(epochs: float, peak: float = 0.1, final: float = 0.0) -> Schedule:
    """Fall from ``peak`` to ``final`` along half a cosine.

    References
    ----------
    Loshchilov, Hutter. SGDR: stochastic gradient descent with warm restarts. ICLR 2017.

    Examples
    --------
    >>> rate = cosine(epochs=2, peak=0.1)
    >>> [round(rate(0.0, epoch, 0, 100), 3) for epoch in (0, 1, 2)]
    [0.1, 0.05, 0.0]
    """
    _need("cosine", epochs=epochs, peak=peak)

    def wave(previous: float, epoch: int, batch: int, n_batches: int) -> float:
        share = min((epoch + batch / n_batches) / epochs, 1.0)
        return final + (peak - final) * (1 + math.cos(math.pi * share)) / 2

    return wave


def schedule(name: str, epochs: int, rate: float | None = None) -> Schedule:
    """Build a scheme by name.

    Parameters
    ----------
    name : {"constant", "annealed", "special", "one_cycle", "linear", "cosine"}
        Which scheme; ``linear`` is ``one_cycle`` without the rise.
    epochs : int
        Length of the run.
    rate : float, optional
        The constant rate, the annealing factor or the peak; each scheme's own default if not given.

    Examples
    --------
    >>> schedule("annealed", epochs=1, rate=0.5)(0.01, 0, 0, 10)
    0.005
    """
    peak = 0.1 if rate is None else rate
    match name:
        case "constant":
            return constant() if rate is None else constant(rate)
        case "annealed":
            return annealed() if rate is None else annealed(rate)
        case "special":
            return special(epochs, peak)
        case "one_cycle":
            return one_cycle(epochs, peak)
        case "linear":
            return one_cycle(epochs, peak, warmup=0.0)
        case "cosine":
            return cosine(epochs, peak)
    raise InputError(f"schedule: name must be one of {', '.join(SCHEMES)}. Got {name!r} instead.")


def _need(who: str, **positive: float) -> None:
    for name, value in positive.items():
        if not (value > 0 and math.isfinite(value)):
            raise InputError(f"{who}: {name} must be positive and finite. Got {value} instead.")
