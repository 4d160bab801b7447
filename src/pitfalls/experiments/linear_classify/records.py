"""What is asked, and what was found."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from pitfalls.errors import InputError
from pitfalls.experiments.linear_source import Problem, ProblemConfig, find_problem
from pitfalls.experiments.linear_verdict import Judged
from pitfalls.frame import HIDDEN, Located, Result
from pitfalls.runs import NOT_IDENTITY

__all__ = ["ClassifyConfig", "ClassifyResult"]


@dataclass(frozen=True)
class ClassifyConfig:
    """One point: made to order (modes, kind), or the layers of an .npz file.

    Parameters
    ----------
    problem : Problem
        The data.
    widths : tuple of int
        Layer widths of the point to make, input first (default: three layers).
    held : tuple of int
        The modes that the point to make shall hold, counted from 1; 0 for none of them.
    kind : {"global minimum", "strict saddle", "non-strict saddle"}
        What the point to make shall be.
    weights : str
        Judge these instead: an .npz file with w1, w2, ... (w1 takes the inputs).
    fingerprint : str
        Of the weights' content.
    tol : float
        Gradients below this share of their scale count as zero.
    seed : int
        Of the point to make.
    """

    problem: Annotated[Problem, Located(ProblemConfig, find_problem)] = field(
        default_factory=Problem
    )
    widths: tuple[int, ...] | None = None
    held: tuple[int, ...] | None = None
    kind: Literal["global minimum", "strict saddle", "non-strict saddle"] | None = None
    weights: str | None = field(default=None, metadata=NOT_IDENTITY)
    fingerprint: Annotated[str, HIDDEN] = ""
    tol: float = 1e-8
    seed: int = 123

    def __post_init__(self) -> None:
        if not 0 < self.tol < np.inf:
            raise InputError(f"ClassifyConfig: tol must be positive. Got {self.tol}.")
        if self.held is not None and 0 in self.held and self.held != (0,):
            raise InputError(
                f"ClassifyConfig: held must be modes from 1 on, or 0. Got {self.held}."
            )
        made = (self.widths, self.held, self.kind)
        if self.weights is not None and any(part is not None for part in made):
            raise InputError(
                "ClassifyConfig: widths, held and kind make a point, and weights name one. "
                "Give the one or the other."
            )


@dataclass(frozen=True, repr=False)
class ClassifyResult(Result):
    """One point with its verdict, and the risk along a direction.

    Attributes
    ----------
    data : str
    widths : tuple of int
    minimum : float
        The least risk of these widths.
    point : Judged
    layers : tuple of array
        W_1, ..., W_L.
    lengths, risk : array of shape (t,)
        Along the direction that shows the verdict, or a random one.
    """

    TABLE = ("lengths", "risk")

    data: str
    widths: tuple[int, ...]
    minimum: float
    point: Judged
    layers: tuple[NDArray[np.float64], ...]
    lengths: NDArray[np.float64]
    risk: NDArray[np.float64]
