"""What is asked, and what was found."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from pitfalls.errors import InputError
from pitfalls.experiments.linear_source import Problem, ProblemConfig, find_problem
from pitfalls.experiments.linear_verdict import Judged
from pitfalls.frame import Located, Result

__all__ = ["DescendConfig", "DescendResult", "Escaped"]

Method = Literal["gradient", "momentum", "flow"]
Start = Literal["aligned", "random", "saddle"]


@dataclass(frozen=True)
class DescendConfig:
    """One descent on white inputs, from an aligned or a random small start, or off a saddle.

    Parameters
    ----------
    problem : Problem
        The data.
    hidden : tuple of int
        Widths of the hidden layers.
    method : {"gradient", "momentum", "flow"}
        Gradient descent, heavy-ball momentum, or the gradient flow by an adaptive solver; off a
        saddle the flow is gradient descent.
    start : {"aligned", "random", "saddle"}
        Small and aligned with the modes, small and random, or on a strict saddle, which gradient
        descent leaves along its witness.
    strength : float
        Of the small map to start from.
    learning_rate : float
        Of gradient descent or momentum (default: safe by a bound on the curvature).
    steps : int
        At most so many, of gradient descent or momentum; the flow's solver makes as many as it needs.
    seed : int
        Of a random start, or of the saddle.
    """

    problem: Annotated[Problem, Located(ProblemConfig, find_problem)] = field(
        default_factory=Problem
    )
    hidden: tuple[int, ...] = (4, 4)
    method: Method = "flow"
    start: Start = "aligned"
    strength: float = 0.01
    learning_rate: float | None = None
    steps: int = 20_000
    seed: int = 123

    def __post_init__(self) -> None:
        if not 0 < self.strength < np.inf:
            raise InputError(f"DescendConfig: strength must be positive. Got {self.strength}.")
        if self.steps < 1:
            raise InputError(f"DescendConfig: steps must be at least 1. Got {self.steps}.")
        if self.hidden and min(self.hidden) < 1:
            raise InputError(f"DescendConfig: hidden must be at least 1. Got {self.hidden}.")
        if self.start == "saddle" and self.strength != DescendConfig.strength:
            raise InputError(
                "DescendConfig: strength is of a small start, and a saddle holds its modes whole. Leave "
                "it out, or take start aligned or random."
            )
        if self.learning_rate is not None and self.method == "flow" and self.start != "saddle":
            raise InputError(
                "DescendConfig: learning_rate goes with method gradient or momentum; the flow's "
                "solver chooses its steps by itself."
            )
        if self.learning_rate is not None and not 0 < self.learning_rate < np.inf:
            raise InputError(
                f"DescendConfig: learning_rate must be positive. Got {self.learning_rate}."
            )


@dataclass(frozen=True)
class Escaped:
    """A saddle that descent came to rest on and was pushed off."""

    step: int
    verdict: str
    modes: tuple[int, ...]
    curvature: float
    risk_before: float
    risk_after: float


@dataclass(frozen=True, repr=False)
class DescendResult(Result):
    """One descent; arrays of one row a record.

    Attributes
    ----------
    data : str
    widths : tuple of int
    method, start : str
        As they were used.
    strength : float
    learning_rate : float or None
    steps : int
        Of the flow, gradients evaluated.
    stopped : str
        Why it ended.
    escapes : tuple of Escaped
    end : Judged
    modes : array of shape (r,)
        The data's.
    time, excess, imbalance : array of shape (t,)
        The flow's time, or what steps make of it: steps times learning rate, over 1 less the momentum;
        risk above the least; largest difference of neighbouring layers' balance.
    strengths, exact : array of shape (t, m)
        How much of each mode the map holds, and the closed form where it holds, else NaN.
    """

    TABLE = ("time", "excess", "imbalance", "strengths", "exact")

    data: str
    widths: tuple[int, ...]
    method: Method
    start: Start
    strength: float
    learning_rate: float | None
    steps: int
    stopped: str
    escapes: tuple[Escaped, ...]
    end: Judged
    modes: NDArray[np.float64]
    time: NDArray[np.float64]
    excess: NDArray[np.float64]
    imbalance: NDArray[np.float64]
    strengths: NDArray[np.float64]
    exact: NDArray[np.float64]

    @property
    def gap(self) -> float | None:
        """The largest distance of any mode from its closed form; None where there is none."""
        if not np.isfinite(self.exact).any():
            return None
        return float(np.nanmax(np.abs(self.exact - self.strengths)))

    @property
    def drift(self) -> float:
        """The largest change of the layers' imbalance, which the flow conserves."""
        return float(np.abs(self.imbalance - self.imbalance[0]).max())

    @property
    def capacity(self) -> int:
        """The narrowest width."""
        return min(self.widths)

    @property
    def half_times(self) -> tuple[float | None, ...]:
        """When each mode of the data first held half its strength; None if never."""
        times = []
        for k, target in enumerate(self.modes):
            reached = self.strengths[:, k] >= 0.5 * target
            times.append(float(self.time[int(reached.argmax())]) if reached.any() else None)
        return tuple(times)
