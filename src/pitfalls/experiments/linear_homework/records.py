"""What is asked, and what was found, part by part."""

from dataclasses import dataclass

from pitfalls.experiments.linear_verdict import Judged
from pitfalls.frame import Result

__all__ = [
    "Capacity",
    "Certificate",
    "Condition",
    "Convexity",
    "Derivative",
    "HomeworkConfig",
    "HomeworkResult",
    "Point",
]


@dataclass(frozen=True)
class HomeworkConfig:
    """Everything homework 2 asks for, on small planted problems.

    Parameters
    ----------
    seed : int
        Of the problems and points.
    """

    seed: int = 123


@dataclass(frozen=True)
class Capacity:
    """2a: a map that fits is split; one that does not is refused.

    Attributes
    ----------
    widths : tuple of int
    rank : int
        Of the map that fits.
    relative_error, imbalance : float
        Of its layers' product; largest difference of neighbours' balance.
    rank_refused : int
    refusal : str or None
    distance_to_nearest, expected_distance : float
        Of the other map to the nearest that fits, and the norm of the singular values dropped.
    """

    widths: tuple[int, ...]
    rank: int
    relative_error: float
    imbalance: float
    rank_refused: int
    refusal: str | None
    distance_to_nearest: float
    expected_distance: float


@dataclass(frozen=True)
class Convexity:
    """2b: Q against its chords, and the risk of two layers halfway between W and -W.

    Attributes
    ----------
    n_points : int
        Points on segments between random maps.
    smallest_gap : float
        The least of (chord - Q) / chord.
    risk_at_ends, risk_halfway : float
    """

    n_points: int
    smallest_gap: float
    risk_at_ends: float
    risk_halfway: float


@dataclass(frozen=True)
class Derivative:
    """2c and 2e: relative differences of the closed forms from automatic differentiation."""

    widths: tuple[int, ...]
    end_to_end_error: float
    layer_errors: tuple[float, ...]


@dataclass(frozen=True)
class Condition:
    """2d: one set of widths and data, and the residual of the normal equations at its best map."""

    case: str
    widths: tuple[int, ...]
    capacity: int
    rank_yx: int
    printed: bool
    exact: bool
    residual: float


@dataclass(frozen=True)
class Point:
    """2e: one point with its largest layer gradient and its verdict."""

    case: str
    gradient_norm: float
    judged: Judged

    @property
    def is_stuck(self) -> bool:
        """Whether the gradient vanishes there and it is not a global minimum."""
        return self.judged.verdict in ("strict saddle", "non-strict saddle")


@dataclass(frozen=True)
class Certificate:
    """2f: the certificate on one set of square factors."""

    case: str
    all_invertible: bool
    holds: bool
    layer: int | None
    gradient_norm: float
    lower_bound: float
    excess: float


@dataclass(frozen=True, repr=False)
class HomeworkResult(Result):
    """Question 2, worked on numbers."""

    TABLE = "points"

    capacity: Capacity
    convexity: Convexity
    derivative: Derivative
    conditions: tuple[Condition, ...]
    points: tuple[Point, ...]
    certificates: tuple[Certificate, ...]
