"""Gradient descent, momentum and gradient flow on the exact risk, with what the theory watches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from pitfalls.display import Displayed
from pitfalls.errors import DivergenceError, InputError
from pitfalls.integers import require_integer
from pitfalls.linear.classification import classify
from pitfalls.linear.curvature import flatten, unflatten
from pitfalls.linear.derivatives import gradients as gradients_of
from pitfalls.linear.flow import follow_flow
from pitfalls.linear.growth import learning_time
from pitfalls.linear.margins import DEAD, STATIONARY, TOLERANCE
from pitfalls.linear.network import Layer, Matrix, Weights, as_weights, multiply
from pitfalls.linear.risk import SquaredRisk
from pitfalls.linear.trajectory import Trajectory, Watch
from pitfalls.linear.verdict import EscapeDirection, Verdict

if TYPE_CHECKING:
    from pitfalls.plots import Axes

__all__ = ["Descent", "Escape", "Method", "descend"]

Method = Literal["gradient", "momentum", "flow"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Escape:
    """A saddle that descent came to rest on and was pushed off.

    Parameters
    ----------
    step : int
    verdict : str
        'strict saddle', left along its witness, or 'non-strict saddle', left in a random direction.
    modes : tuple of int
        The modes that it holds.
    curvature : float
        Along the direction taken; 0 at a non-strict saddle.
    radius : float
        Length of the push.
    risk_before, risk_after : float
    """

    step: int
    verdict: Verdict
    modes: tuple[int, ...]
    curvature: float
    radius: float
    risk_before: float
    risk_after: float


@dataclass(frozen=True, eq=False, repr=False)
class Descent(Displayed):
    """The end of a descent and the way to it.

    Parameters
    ----------
    weights : tuple of ndarray
        The last point.
    trajectory : Trajectory
    escapes : tuple of Escape
    stopped : str
        'stationary' (the gradient fell below the tolerance) or 'steps' (they, or the time, ran out).
    steps : int
        Steps made; evaluations of the gradient for the flow.
    learning_rate : float
        The one used; 0 for the flow.
    """

    weights: tuple[Layer, ...]
    trajectory: Trajectory
    escapes: tuple[Escape, ...]
    stopped: Literal["stationary", "steps"]
    steps: int
    learning_rate: float

    TABLE = "trajectory"

    def plot(self, ax: "Axes | None" = None) -> "list[Axes]":
        """Draw the strength of each mode over time and return the axes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw (default: a new figure).
        """
        return self.trajectory.plot(ax)


def descend(
    risk: SquaredRisk,
    weights: Weights,
    *,
    method: Method = "gradient",
    learning_rate: float | None = None,
    momentum: float = 0.9,
    steps: int = 10_000,
    duration: float | None = None,
    tol: float = STATIONARY,
    leave_saddles: bool = False,
    records: int = 200,
    random_state: int = 0,
    on_progress: Progress | None = None,
) -> Descent:
    """Go down from the given weights.

    Parameters
    ----------
    risk : SquaredRisk
    weights : network, or sequence of arrays or tensors
        Where to start; not modified.
    method : "gradient", "momentum" or "flow"
        Plain gradient descent, heavy-ball momentum, or the flow dW_i/dt = -∂R/∂W_i, integrated
        with local errors of 1e-10; stiff data are no hindrance up to 2,000 weights.
    learning_rate : float or None
        None takes 1 / (a bound of the curvature between here and a balanced minimum, but for what a
        residual larger than the data's makes of it), times 1 - momentum.
    momentum : float
        For "momentum", in [0, 1).
    steps : int
        At most so many; not for the flow.
    duration : float or None
        The flow's time; None takes three times what the weakest mode needs from its strength now on
        white inputs, where its rate does not depend on their units (`SquaredRisk.whitened`).
    tol : float
        Gradients below this share of the scale of their terms count as zero and end the descent; the
        flow always takes its time.
    leave_saddles : bool
        At a zero gradient, ask `classify`: leave a strict saddle along its witness and a non-strict
        one in a random direction that goes down, and go on. Not for the flow.
    records : int
        Entries of the trajectory, evenly spaced.
    random_state : int
        Seeds the random directions.
    on_progress : callable or None
        Called with (done, total) now and then; what it raises ends the work.

    Returns
    -------
    Descent

    Raises
    ------
    DivergenceError
        If the risk leaves the finite numbers or a hundred times its first value; `last` holds the
        last good weights.

    Examples
    --------
    >>> from pitfalls.linear import critical_point
    >>> from pitfalls.moments import SecondMoments
    >>> x = np.random.default_rng(0).standard_normal((60, 3))
    >>> risk = SquaredRisk(SecondMoments.from_arrays(x, x[:, :2]))
    >>> saddle = critical_point(risk, [3, 3, 2], modes=[2])
    >>> descend(risk, saddle).stopped, len(descend(risk, saddle, leave_saddles=True).escapes)
    ('stationary', 1)

    One mode after the other is learned, the strongest first:

    .. plot::
       :include-source:

       import numpy as np
       from pitfalls.linear import SquaredRisk, descend, small_start
       from pitfalls.moments import SecondMoments

       x = np.random.default_rng(0).standard_normal((60, 3))
       risk = SquaredRisk(SecondMoments.from_arrays(x, x * [3.0, 2.0, 1.0]))
       descend(risk, small_start([3, 3, 3], 0.01), records=10_000).plot()
    """
    layers = [w.copy() for w in as_weights(weights, "descend")]
    risk.check(layers, "descend")
    steps = require_integer("descend", "steps", steps, 1)
    records = require_integer("descend", "records", records, 1)
    _check(method, learning_rate, momentum, leave_saddles=leave_saddles)
    _check_start(risk, layers)
    watch = Watch(risk, layers)
    if method == "flow":
        return _flow(risk, layers, watch, duration, records, on_progress)
    beta = momentum if method == "momentum" else 0.0
    # momentum runs 1/(1 - beta) times as fast once it rolls, and off a plateau it rolls
    rate = _safe_rate(risk, layers) * (1 - beta) if learning_rate is None else learning_rate
    pace = rate / (1 - beta)  # the flow's time that one step makes
    rng = np.random.default_rng(random_state)
    every = max(1, steps // records)
    velocity = [np.zeros_like(w) for w in layers]
    good = [w.copy() for w in layers]
    escapes: list[Escape] = []
    ceiling = 100 * max(watch.record(layers, 0.0, 0), risk.modes.floor, 1e-300)
    stopped: Literal["stationary", "steps"] = "steps"
    sxx, syx = risk.moments.sxx, risk.moments.syx
    limit = 1e4 * (sum(float(np.abs(w).max()) for w in layers) + _natural_size(risk, layers))
    step = 0
    while step < steps:
        gradients = gradients_of(layers, sxx, syx)
        if step % 20 == 0 and is_stationary(risk, layers, gradients, tol):
            push = _push(risk, layers, step, rng) if leave_saddles else None
            if push is None:
                stopped = "stationary"
                break
            escapes.append(push[0])
            layers, velocity = push[1], [np.zeros_like(w) for w in layers]
            watch.record(layers, step * pace, step)
            gradients = gradients_of(layers, sxx, syx)
        for i, gradient in enumerate(gradients):
            velocity[i] = beta * velocity[i] - rate * gradient
            layers[i] = layers[i] + velocity[i]
        step += 1
        # far beyond every minimum, products of layers soon overflow: a NaN is beyond, too
        beyond = not all(float(np.abs(w).max()) <= limit for w in layers)
        if beyond or step % every == 0 or step == steps:
            value = np.inf if beyond else watch.record(layers, step * pace, step)
            if not value <= ceiling:
                raise DivergenceError(
                    f"descend: the risk grew past {ceiling:.3g} by step {step}. Take a learning rate "
                    f"below {rate:.3g}; the last good weights are in the error's 'last'.",
                    tuple(good),
                )
            good = [w.copy() for w in layers]
            if on_progress is not None:
                on_progress(step, steps)
    if stopped == "stationary":
        watch.record(layers, step * pace, step)
        if on_progress is not None:
            on_progress(steps, steps)
    return Descent(tuple(layers), watch.trajectory(), tuple(escapes), stopped, step, rate)


def _check(
    method: str, learning_rate: float | None, momentum: float, *, leave_saddles: bool
) -> None:
    if not 0 <= momentum < 1:
        raise InputError(f"descend: expected a momentum in [0, 1). Got {momentum}.")
    if method == "flow" and leave_saddles:
        raise InputError(
            "descend: the flow leaves no saddles. Take method 'gradient' or 'momentum', or do without "
            "leave_saddles."
        )
    if learning_rate is not None and not learning_rate > 0:
        raise InputError(f"descend: learning_rate must be positive. Got {learning_rate}.")
    if method not in ("gradient", "momentum", "flow"):
        raise InputError(
            f"descend: method must be 'gradient', 'momentum' or 'flow'. Got {method!r}."
        )


def _check_start(risk: SquaredRisk, layers: list[Matrix]) -> None:
    """Refuse a start from which no step is a number; a solver would wait at it for ever."""
    with np.errstate(all="ignore"):
        gradients = gradients_of(layers, risk.moments.sxx, risk.moments.syx)
        size = sum(float(np.sum(np.square(part))) for part in (*layers, *gradients))
    if not np.isfinite(size):
        raise InputError(
            "descend: at the start the weights or the gradient are beyond what can be computed with. "
            "Start smaller."
        )


def is_stationary(
    risk: SquaredRisk, layers: list[Matrix], gradients: Sequence[Matrix], tol: float
) -> bool:
    """Whether every layer's gradient is below tol times the size of the terms it is made of."""
    norms = [float(np.linalg.norm(w)) for w in layers]
    size = float(np.linalg.norm(risk.moments.syx))
    return all(
        float(np.linalg.norm(g)) <= tol * size * float(np.prod(norms[:i] + norms[i + 1 :]))
        for i, g in enumerate(gradients)
    )


def _flow(
    risk: SquaredRisk,
    layers: list[Matrix],
    watch: Watch,
    duration: float | None,
    records: int,
    on_progress: Progress | None,
) -> Descent:
    if duration is None:
        duration = _natural_duration(risk, layers)
    if not (duration > 0 and np.isfinite(duration)):
        raise InputError(f"descend: the flow's duration must be positive. Got {duration}.")
    sxx, syx = risk.moments.sxx, risk.moments.syx
    path = follow_flow(layers, sxx, syx, np.linspace(0.0, duration, records + 1), on_progress)
    for number, (time, point) in enumerate(zip(path.times, path.points, strict=True)):
        watch.record(point, float(time), number)
    end = path.points[-1]
    still = is_stationary(risk, end, gradients_of(end, sxx, syx), TOLERANCE)
    return Descent(
        tuple(end),
        watch.trajectory(),
        (),
        "stationary" if still else "steps",
        path.evaluations,
        0.0,
    )


def _push(
    risk: SquaredRisk, layers: list[Matrix], step: int, rng: np.random.Generator
) -> tuple[Escape, list[Matrix]] | None:
    """Leave a saddle downwards; None where there is no reason or no way to."""
    point = classify(risk, layers, confirm=False)
    size = max(float(np.linalg.norm(flatten(layers))), _natural_size(risk, layers))
    capacity = min(min(w.shape) for w in layers)

    def excess(at: Sequence[Matrix]) -> float:
        return risk.modes.excess(multiply(at) @ risk.modes.colour, capacity)

    before = excess(layers)
    if isinstance(point.witness, EscapeDirection):
        ways, curvature = [flatten(point.witness.direction)], point.witness.curvature
    elif point.verdict == "non-strict saddle":
        ways = [rng.standard_normal(sum(w.size for w in layers)) for _ in range(50)]
        ways, curvature = [way / np.linalg.norm(way) for way in ways], 0.0
    else:
        return None
    here, best_value, push = flatten(layers), before, None
    for radius in size * 0.5 ** np.arange(12):
        for way in ways:
            for sign in (1.0, -1.0):
                trial = unflatten(here + sign * radius * way, layers)
                value = excess(trial)
                if value < best_value:
                    best_value, push = value, (float(radius), trial)
    if push is None:
        return None
    floor = risk.minimum(capacity).value
    escape = Escape(
        step=step,
        verdict=point.verdict,
        modes=point.modes,
        curvature=curvature,
        radius=push[0],
        risk_before=before + floor,
        risk_after=best_value + floor,
    )
    return escape, push[1]


def _safe_rate(risk: SquaredRisk, layers: list[Matrix]) -> float:
    """1 over the largest curvature to be met: λ(S_xx) Σ_i Π_{k≠i} ‖W_k‖², here and at a minimum."""
    top = risk.modes.largest_x**2
    share = _natural_size(risk, layers)
    norms = [max(float(np.linalg.norm(w, 2)), share) for w in layers]
    bound = top * sum(float(np.prod(norms[:i] + norms[i + 1 :])) ** 2 for i in range(len(layers)))
    return 1.0 / bound if bound > 0 else 1.0


def _natural_size(risk: SquaredRisk, layers: Sequence[Matrix]) -> float:
    """Spectral norm of every layer of a balanced minimum."""
    best = risk.minimum(min(min(w.shape) for w in layers)).map
    return float(max(float(np.linalg.norm(best, 2)), 1e-12) ** (1.0 / len(layers)))


def _natural_duration(risk: SquaredRisk, layers: list[Matrix]) -> float:
    modes = risk.modes
    white = layers[0] @ modes.colour
    for layer in layers[1:]:
        white = layer @ white
    reach = min(modes.rank, *(min(w.shape) for w in layers))
    held = np.einsum("pk,pd,dk->k", modes.left, white, modes.right, optimize=True)[:reach]
    if reach == 0 or float(np.abs(held).min()) <= DEAD * float(modes.values[0]):
        raise InputError(
            "descend: no natural duration, a mode starts at zero. Give duration, or start elsewhere."
        )
    return 3.0 * max(
        learning_time(float(s), float(abs(c)), len(layers)) + 1.0 / float(s)
        for s, c in zip(modes.values, held, strict=False)
    )
