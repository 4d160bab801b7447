"""What the theory watches on the way down."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float64

from pitfalls.display import Displayed
from pitfalls.linear.dynamics import nearest_saddle
from pitfalls.linear.network import Matrix, balancedness
from pitfalls.linear.risk import SquaredRisk

if TYPE_CHECKING:
    from pitfalls.plots import Axes

__all__ = ["Trajectory", "Watch"]


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory(Displayed):
    """What was seen on the way, one entry a record.

    Parameters
    ----------
    time : ndarray of shape (t,)
        The flow's time, or what steps make of it: step number times learning rate, over 1 - momentum
        where there is some. So all methods can be compared.
    step : ndarray of shape (t,)
        Step number; for the flow the record's number.
    risk, excess : ndarray of shape (t,)
        R, and R minus the global minimum of networks of these widths.
    singular_values : ndarray of shape (t, m)
        Of the map on white inputs, M.
    strengths : ndarray of shape (t, m)
        u_k' M z_k, how much of the data's mode k the map holds.
    balancedness : ndarray of shape (t,)
        Largest ‖W_{j+1}' W_{j+1} - W_j W_j'‖_F; the flow conserves the differences.
    saddle_distance : ndarray of shape (t,)
        Distance of M to the nearest critical map.
    saddle_rank : ndarray of shape (t,)
        Rank of that map.
    saddle_is_best : ndarray of shape (t,), bool
        Whether it is the best map of its rank: it holds the strongest modes.
    """

    time: Float64[np.ndarray, " t"]
    step: Float64[np.ndarray, " t"]
    risk: Float64[np.ndarray, " t"]
    excess: Float64[np.ndarray, " t"]
    singular_values: Float64[np.ndarray, "t m"]
    strengths: Float64[np.ndarray, "t m"]
    balancedness: Float64[np.ndarray, " t"]
    saddle_distance: Float64[np.ndarray, " t"]
    saddle_rank: Float64[np.ndarray, " t"]
    saddle_is_best: Bool[np.ndarray, " t"]

    TABLE = (
        "time", "step", "risk", "excess", "balancedness", "saddle_distance", "saddle_rank",
        "saddle_is_best", "singular_values", "strengths",
    )  # fmt: skip

    def plot(self, ax: "Axes | None" = None) -> "list[Axes]":
        """Draw the strength of each mode over time and return the axes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw (default: a new figure).
        """
        from pitfalls.plots import draw_modes, drawing_on

        with drawing_on(ax) as axis:
            draw_modes(axis, self.time, self.strengths)
        return [axis]


class Watch:
    """Collects a trajectory, point by point."""

    def __init__(self, risk: SquaredRisk, layers: Sequence[Matrix]) -> None:
        self.risk = risk
        self.capacity = min(min(w.shape) for w in layers)
        self.rows: list[tuple[float, ...]] = []
        self.best: list[bool] = []
        self.singular: list[Matrix] = []
        self.strengths: list[Matrix] = []

    def record(self, layers: Sequence[Matrix], time: float, step: int) -> float:
        """Note a point; returns its risk. A point that is not finite is not noted."""
        modes = self.risk.modes
        white = layers[0] @ modes.colour
        for layer in layers[1:]:
            white = layer @ white
        excess = modes.excess(white, self.capacity)
        value = 0.5 * float(np.sum((white - modes.correlation) ** 2)) + modes.floor
        if not np.isfinite(value):
            return value
        near = nearest_saddle(self.risk, white, self.capacity)
        rank = len(near.modes)
        self.rows.append((time, step, value, excess, balancedness(layers), near.distance, rank))
        self.best.append(near.modes == tuple(range(1, rank + 1)))
        self.singular.append(_singular_values(white)[: len(modes.values)])
        self.strengths.append(
            np.einsum("pk,pd,dk->k", modes.left, white, modes.right, optimize=True)
        )
        return value

    def trajectory(self) -> Trajectory:
        """Return all that was noted."""
        columns = np.array(self.rows).T
        return Trajectory(
            time=columns[0],
            step=columns[1],
            risk=columns[2],
            excess=columns[3],
            singular_values=np.array(self.singular),
            strengths=np.array(self.strengths),
            balancedness=columns[4],
            saddle_distance=columns[5],
            saddle_rank=columns[6],
            saddle_is_best=np.array(self.best),
        )


def _singular_values(matrix: Matrix) -> Matrix:
    return np.asarray(np.linalg.svd(matrix, compute_uv=False), dtype=np.float64)
