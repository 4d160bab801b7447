"""Gradient flow dW_i/dt = −∂R/∂W_i, stiff or not.

Modes of 768 and .8 make rates a million to one. An explicit method would take its steps by the fastest
all the time; LSODA changes to an implicit one where that pays, with the Jacobian −H formed by Hessian
products. Where H is too large to be formed the explicit method is all there is.

References
----------
L. Petzold, Automatic selection of methods for solving stiff and nonstiff systems of ordinary differential
equations, SIAM J. Sci. Stat. Comput. 4 (1983).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scipy.integrate import solve_ivp

from pitfalls.display import Displayed
from pitfalls.errors import DivergenceError
from pitfalls.linear.curvature import flatten, hessian_matrix, unflatten
from pitfalls.linear.derivatives import gradients
from pitfalls.linear.network import Matrix

__all__ = ["FlowPath", "follow_flow"]

Progress = Callable[[int, int], None]
_DENSE = 2_000  # weights up to which the Jacobian is formed: 32 MB, and a second to factor it
_MOST = 100_000  # gradients; a start 1e20 times too strong takes 14,000
_MOST_EXPLICIT = 10_000_000  # the explicit method has no other way through stiff data
_RTOL, _ATOL = 1e-10, 1e-13  # local errors; over a whole path they add up to some 1e-8


@dataclass(frozen=True, eq=False, repr=False)
class FlowPath(Displayed):
    """Where the flow was.

    Parameters
    ----------
    times : ndarray of shape (t,)
    points : list of list of ndarray
        The layers at those times.
    evaluations : int
        Of the gradient.
    """

    times: Matrix
    points: list[list[Matrix]]
    evaluations: int


def follow_flow(
    layers: Sequence[Matrix],
    sxx: Matrix,
    syx: Matrix,
    times: Matrix,
    on_progress: Progress | None = None,
) -> FlowPath:
    """Follow the flow from some layers.

    Parameters
    ----------
    layers : sequence of ndarray
        Where to start, checked.
    sxx, syx : ndarray
        The data's second moments.
    times : ndarray of shape (t,)
        Increasing, from 0 to the end.
    on_progress : callable or None
        Called with (done, 1000) now and then.

    Raises
    ------
    DivergenceError
        If the integrator gives up, or its steps become so short that the end is out of reach.
    """
    evaluations, end = 0, float(times[-1])
    dense = sum(w.size for w in layers) <= _DENSE
    most = _MOST if dense else _MOST_EXPLICIT

    def field(time: float, vector: Matrix) -> Matrix:
        nonlocal evaluations
        evaluations += 1
        if evaluations > most:
            raise DivergenceError(
                f"descend: the flow's steps are too short: after {most:,} gradients it is at time "
                f"{time:.3g} of {end:.3g}. Start nearer to the strengths of the data's modes, or with a "
                "shorter duration; the last weights are in the error's 'last'.",
                tuple(unflatten(vector, layers)),
            )
        if on_progress is not None and evaluations % 200 == 0:
            on_progress(int(1000 * time / end), 1000)
        return -flatten(gradients(unflatten(vector, layers), sxx, syx))

    def jacobian(time: float, vector: Matrix) -> Matrix:
        return -hessian_matrix(unflatten(vector, layers), sxx, syx)

    solution = solve_ivp(
        field,
        (0.0, end),
        flatten(layers),
        t_eval=times,
        rtol=_RTOL,
        atol=_ATOL,
        **({"method": "LSODA", "jac": jacobian} if dense else {"method": "DOP853"}),
    )
    points = [unflatten(vector, layers) for vector in solution.y.T]
    if not solution.success:
        raise DivergenceError(
            f"descend: the flow stopped at time {solution.t[-1]:.4g} ({solution.message}). "
            "The last good weights are in the error's 'last'.",
            tuple(points[-1] if points else layers),
        )
    if on_progress is not None:
        on_progress(1000, 1000)
    return FlowPath(solution.t, points, evaluations)
