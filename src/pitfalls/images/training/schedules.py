"""Learning-rate schedules: each is a function ``rate(previous, epoch, batch, n_batches)``.

The trainer asks before every step, with the rate of the step before (0.01 before the first), the
epoch and the batch counted from 0. A schedule sees nothing else, so a resumed run goes on with the
rate it would have had. Schedules are pure and can be pickled.
"""

import math
from functools import partial
from numbers import Real
from typing import Protocol

from pitfalls.errors import InputError
from pitfalls.named import is_named, load_named, own_code

__all__ = [
    "SCHEMES",
    "Schedule",
    "annealed_schedule",
    "ask_rate",
    "constant_schedule",
    "cosine_schedule",
    "linear_schedule",
    "never_moves",
    "one_cycle_schedule",
    "schedule",
    "special_schedule",
    "warmup_factor",
]

SCHEMES = ("constant", "annealed", "special", "one_cycle", "linear", "cosine")
INITIAL_RATE = 0.01  # the rate "before the first step" of the homework


class Schedule(Protocol):
    """What the trainer calls before each step."""

    def __call__(self, previous: float, epoch: int, batch: int, n_batches: int) -> float:
        """Return the learning rate of this step."""


def constant_schedule(rate: float = 0.001) -> Schedule:
    """Keep one rate (homework 4e).

    Parameters
    ----------
    rate : float, default=0.001
        Positive.

    Examples
    --------
    >>> constant_schedule(0.5)(0.01, epoch=3, batch=7, n_batches=100)
    0.5
    """
    _need_positive("constant_schedule", rate=rate)
    return partial(_constant, rate)


def _constant(rate: float, previous: float, epoch: int, batch: int, n_batches: int) -> float:
    return rate


def annealed_schedule(factor: float = 0.99) -> Schedule:
    """Multiply the previous rate by a factor at every step (homework 4e): exponential decay.

    At 0.99 and from 0.01 the rate falls by e⁻¹ in a hundred steps: 391 steps, one epoch of CIFAR-10
    at batch 128, leave 2 % of it. PyTorch knows it as ``ExponentialLR``, stepped once a batch.

    Parameters
    ----------
    factor : float, default=0.99
        Positive; above 1 the rate grows.

    Examples
    --------
    >>> annealed_schedule(0.5)(0.01, epoch=0, batch=0, n_batches=100)
    0.005
    """
    _need_positive("annealed_schedule", factor=factor)
    return partial(_annealed, factor)


def _annealed(factor: float, previous: float, epoch: int, batch: int, n_batches: int) -> float:
    return previous * factor


def special_schedule(
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
        E − epochs, not negative, and the length of the tail, in epochs.

    Examples
    --------
    >>> rate = special_schedule(epochs=7)
    >>> [round(rate(0.0, epoch, 0, 100), 4) for epoch in (0, 5, 10, 12)]
    [0.0, 0.1, 0.005, 0.003]
    """
    _need_positive("special_schedule", epochs=epochs, peak=peak, extra=extra)
    _need_not_negative("special_schedule", final=final, ramp=ramp)
    return partial(_special, epochs + ramp, peak, final, extra)


def _special(
    end: float,
    peak: float,
    final: float,
    extra: float,
    previous: float,
    epoch: int,
    batch: int,
    n_batches: int,
) -> float:
    t = epoch + batch / n_batches
    if t < end / 2:
        return 2 * peak * (1 - (end - t) / end)
    if t <= end:
        return final + 2 * (peak - final) * (end - t) / end
    if t <= end + extra:
        return final * (extra - (t - end)) / extra
    return final / 10


def one_cycle_schedule(
    epochs: float, peak: float = 0.1, warmup: float = 0.25, final: float = 0.0
) -> Schedule:
    """Rise linearly from 0 for a share of the run, then fall linearly to ``final`` at its last step.

    As in PyTorch's ``OneCycleLR`` (``anneal_strategy="linear"``) the last step has the final rate;
    with a final rate of 0 it changes nothing.

    Parameters
    ----------
    epochs : float
        Length of the run.
    peak : float
        The highest rate.
    warmup : float in [0, 1), default=0.25
        Share of the run that rises; 0 starts at the peak.
    final : float, default=0.0
        The rate of the last step.

    References
    ----------
    Smith, Topin. Super-convergence: very fast training of neural networks using large learning
    rates. 2018.

    Examples
    --------
    >>> rate = one_cycle_schedule(epochs=4, peak=0.4, final=0.01)
    >>> [round(rate(0.0, epoch, batch, 100), 3) for epoch, batch in ((0, 0), (1, 0), (3, 99))]
    [0.0, 0.4, 0.01]
    """
    _need_positive("one_cycle_schedule", epochs=epochs, peak=peak)
    _need_not_negative("one_cycle_schedule", final=final, warmup=warmup)
    if warmup >= 1:
        raise InputError(f"one_cycle_schedule: warmup must be in [0, 1). Got {warmup} instead.")
    return partial(_one_cycle, epochs, peak, warmup, final)


def _one_cycle(
    epochs: float,
    peak: float,
    warmup: float,
    final: float,
    previous: float,
    epoch: int,
    batch: int,
    n_batches: int,
) -> float:
    t, top, last = epoch + batch / n_batches, warmup * epochs, epochs - 1 / n_batches
    # counted in steps: in epochs the last one can miss its own time by a rounding
    if epoch * n_batches + batch >= epochs * n_batches - 1:
        return final
    if t < top:
        return peak * t / top
    return final + (peak - final) * (last - t) / (last - top)


def linear_schedule(epochs: float, peak: float = 0.1, final: float = 0.0) -> Schedule:
    """Fall linearly from ``peak`` at the first step to ``final`` after the last one.

    As in PyTorch's ``LinearLR`` and optax's ``linear_schedule`` the final rate belongs to the step
    that would follow the run, so that no step is wasted on a rate of 0.

    Examples
    --------
    >>> rate = linear_schedule(epochs=2, peak=0.1)
    >>> [round(rate(0.0, epoch, 0, 100), 3) for epoch in (0, 1, 2)]
    [0.1, 0.05, 0.0]
    """
    _need_positive("linear_schedule", epochs=epochs, peak=peak)
    _need_not_negative("linear_schedule", final=final)
    return partial(_linear, epochs, peak, final)


def _linear(
    epochs: float,
    peak: float,
    final: float,
    previous: float,
    epoch: int,
    batch: int,
    n_batches: int,
) -> float:
    share = min((epoch + batch / n_batches) / epochs, 1.0)
    return final + (peak - final) * (1 - share)


def cosine_schedule(epochs: float, peak: float = 0.1, final: float = 0.0) -> Schedule:
    """Fall from ``peak`` at the first step to ``final`` after the last one along half a cosine.

    As in PyTorch's ``CosineAnnealingLR`` with T_max steps in the run.

    References
    ----------
    Loshchilov, Hutter. SGDR: stochastic gradient descent with warm restarts. ICLR 2017.

    Examples
    --------
    >>> rate = cosine_schedule(epochs=2, peak=0.1)
    >>> [round(rate(0.0, epoch, 0, 100), 3) for epoch in (0, 1, 2)]
    [0.1, 0.05, 0.0]
    """
    _need_positive("cosine_schedule", epochs=epochs, peak=peak)
    _need_not_negative("cosine_schedule", final=final)
    return partial(_cosine, epochs, peak, final)


def _cosine(
    epochs: float,
    peak: float,
    final: float,
    previous: float,
    epoch: int,
    batch: int,
    n_batches: int,
) -> float:
    share = min((epoch + batch / n_batches) / epochs, 1.0)
    return final + (peak - final) * (1 + math.cos(math.pi * share)) / 2


def schedule(name: str, epochs: int, rate: float | None = None) -> Schedule:
    """Build a schedule by the name of its scheme.

    Parameters
    ----------
    name : str
        constant, annealed, special, one_cycle, linear or cosine, which ``NAME_schedule`` builds; or a
        function of your own as ``file.py:name`` or ``module:name``, which runs its code.
    epochs : int
        Length of the run.
    rate : float, optional
        The constant rate, the annealing factor or the peak; each scheme's own default if not given.

    Examples
    --------
    >>> schedule("annealed", epochs=1, rate=0.5)(0.01, 0, 0, 10)
    0.005

    Every scheme over ten epochs, with its own defaults:

    .. plot::
       :include-source:

       import matplotlib.pyplot as plt
       from pitfalls.images import SCHEMES, schedule

       n_batches = 20
       for name in SCHEMES:
           rate, rates = schedule(name, epochs=10), [0.01]
           for step in range(10 * n_batches):
               rates.append(rate(rates[-1], *divmod(step, n_batches), n_batches))
           plt.plot([k / n_batches for k in range(10 * n_batches)], rates[1:], label=name)
       plt.xlabel("epoch")
       plt.ylabel("learning rate")
       plt.legend()
    """
    peak = 0.1 if rate is None else rate
    if is_named(name):
        own = load_named("scheme", name)
        if not callable(own):
            raise InputError(f"scheme {name!r} must be a function, got a {type(own).__name__}.")

        def found(previous: float, epoch: int, batch: int, n_batches: int) -> float:
            with own_code("scheme", name):
                return float(own(previous, epoch, batch, n_batches))

        return found
    match name:
        case "constant":
            return constant_schedule() if rate is None else constant_schedule(rate)
        case "annealed":
            return annealed_schedule() if rate is None else annealed_schedule(rate)
        case "special":
            return special_schedule(epochs, peak)
        case "one_cycle":
            return one_cycle_schedule(epochs, peak)
        case "linear":
            return linear_schedule(epochs, peak)
        case "cosine":
            return cosine_schedule(epochs, peak)
    raise InputError(
        f"schedule: name must be one of {', '.join(SCHEMES)}, or your own file.py:name or "
        f"module:name. Got {name!r} instead."
    )


def ask_rate(
    rate: Schedule, warmup: float, previous: float, epoch: int, batch: int, n_batches: int
) -> tuple[float, float]:
    """Ask a schedule; return its rate, which the next step is told, and the one warmed up.

    Raises
    ------
    InputError
        Unless the rate is finite and not negative.
    """
    found = rate(previous, epoch, batch, n_batches)
    if not 0 <= found < math.inf:
        raise InputError(
            "train: the schedule must give rates that are finite and not negative. Got "
            f"{found} at epoch {epoch}, batch {batch} (counted from 0)."
        )
    return found, found * warmup_factor(warmup, epoch, batch, n_batches)


def warmup_factor(warmup: float, epoch: int, batch: int, n_batches: int) -> float:
    """Return what a warm-up of so many epochs multiplies the rate of a step by: t/T, 1 from T on.

    Examples
    --------
    >>> [warmup_factor(0.5, 0, batch, n_batches=8) for batch in (0, 1, 3, 4)]
    [0.25, 0.5, 1.0, 1.0]
    """
    steps = warmup * n_batches
    done = epoch * n_batches + batch + 1
    return 1.0 if done >= steps else done / steps


def never_moves(rate: Schedule, epochs: int, n_batches: int) -> bool:
    """Tell whether a schedule's rate is 0 at every step of a run, so that nothing is learned.

    ``special`` and ``one_cycle`` begin at 0: a run of one step is such a run.

    Parameters
    ----------
    rate : callable
        The schedule.
    epochs, n_batches : int
        Length of the run, and steps an epoch.

    Examples
    --------
    >>> never_moves(special_schedule(epochs=1), epochs=1, n_batches=1)
    True
    >>> never_moves(special_schedule(epochs=1), epochs=1, n_batches=2)
    False
    """
    previous = INITIAL_RATE
    for step in range(epochs * n_batches):
        previous = rate(previous, *divmod(step, n_batches), n_batches)
        if previous != 0:
            return False
    return True


def _need_positive(who: str, **values: object) -> None:
    for name, value in values.items():
        if not (isinstance(value, Real) and 0 < float(value) < math.inf):
            raise InputError(f"{who}: {name} must be positive and finite. Got {value!r} instead.")


def _need_not_negative(who: str, **values: object) -> None:
    for name, value in values.items():
        if not (isinstance(value, Real) and 0 <= float(value) < math.inf):
            raise InputError(
                f"{who}: {name} must be finite and not negative. Got {value!r} instead."
            )
