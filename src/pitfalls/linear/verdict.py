"""What can be said of a point of the landscape: verdicts and the witnesses that prove them."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pitfalls.display import Displayed
from pitfalls.linear.certificate import OptimalityCertificate
from pitfalls.linear.network import Layer
from pitfalls.linear.pivots import Pivot

__all__ = [
    "EscapeDirection",
    "GlobalMinimumWitness",
    "Grounds",
    "LayerGradientWitness",
    "PointVerdict",
    "SaddleWitness",
    "Verdict",
    "Witness",
]

Verdict: TypeAlias = Literal[
    "not critical", "global minimum", "strict saddle", "non-strict saddle", "undecided"
]


@dataclass(frozen=True, eq=False, repr=False)
class EscapeDirection(Displayed):
    """Why a saddle is strict: a direction along which the risk curves down.

    Parameters
    ----------
    direction : tuple of ndarray
        One matrix a layer, together of Frobenius norm 1.
    curvature : float
        The second derivative of R along it, negative beyond all that rounding and the gradient hide.
    step : float
        A length by which to go along it either way and be lower, beyond rounding.
    origin : str
        Where it came from: 'swap of modes', 'pivot (i, j)' or 'Lanczos'.
    """

    direction: tuple[Layer, ...]
    curvature: float
    step: float
    origin: str


@dataclass(frozen=True, eq=False, repr=False)
class GlobalMinimumWitness(Displayed):
    """Why a point is a global minimum: no rank is left, and no stronger mode.

    Parameters
    ----------
    rank, max_rank : int
        Rank of the map on the data, and the most that widths and Y'X allow.
    weakest_kept, strongest_left : float
        Smallest singular value of M kept and largest of G left, in units of the data's s.
    certificate : OptimalityCertificate
        The inequality of homework 2f with its numbers; it `holds` only without a bottleneck.
    """

    rank: int
    max_rank: int
    weakest_kept: float
    strongest_left: float
    certificate: OptimalityCertificate


@dataclass(frozen=True, eq=False, repr=False)
class LayerGradientWitness(Displayed):
    """Why a point is not critical: the gradient, layer by layer.

    Parameters
    ----------
    norms : tuple of float
        Frobenius norm of ∂R/∂W_i for every layer.
    relative : tuple of float
        The same, free of the layers' scales, as compared with the tolerance.
    """

    norms: tuple[float, ...]
    relative: tuple[float, ...]


@dataclass(frozen=True, eq=False, repr=False)
class SaddleWitness(Displayed):
    """Why a saddle is not strict: all pivots are tightened, and no curvature below rounding.

    Parameters
    ----------
    lowest_curvature, largest_curvature : float or None
        Extreme eigenvalues of the Hessian as found by Lanczos iteration; None if not asked for.
    converged : bool
        Whether the iteration met its tolerance.
    """

    lowest_curvature: float | None
    largest_curvature: float | None
    converged: bool


Witness: TypeAlias = (
    EscapeDirection | GlobalMinimumWitness | LayerGradientWitness | SaddleWitness | None
)
Grounds: TypeAlias = Literal["gradient", "theorem", "value", "curvature", "nothing"]


@dataclass(frozen=True, eq=False, repr=False)
class PointVerdict(Displayed):
    """What `classify` found.

    Parameters
    ----------
    verdict : str
        'not critical', 'global minimum', 'strict saddle', 'non-strict saddle' or 'undecided'.
    rank : int
        Rank of W̄ on the data, as far as rounding shows it.
    modes : tuple of int
        S: the modes that the map holds, counted from 1, strongest first. Empty if not critical, and
        where curvature alone decided; modes that rounding hides are not among them.
    risk, excess : float
        R, and R minus the global minimum of networks of these widths.
    pivots : tuple of Pivot
        Every pivot with its two ranks. Empty where the verdict did not need them.
    witness : object
        `LayerGradientWitness`, `GlobalMinimumWitness`, `EscapeDirection` or `SaddleWitness`; None if
        undecided.
    decided_by : str
        'gradient', 'theorem' (all published assumptions hold), 'value' (some fail, see `failing`) or
        'curvature' (margins were within tolerance; the measured curvature decided).
    failing : tuple of str
        The published theorem's assumptions that this problem does not meet.
    doubts : tuple of str
        Margins that were within tolerance.
    relative_gradient : float
        The largest layer gradient, free of scales.
    """

    verdict: Verdict
    rank: int
    modes: tuple[int, ...]
    risk: float
    excess: float
    pivots: tuple[Pivot, ...]
    witness: Witness
    decided_by: Grounds
    failing: tuple[str, ...]
    doubts: tuple[str, ...]
    relative_gradient: float

    @property
    def tightened(self) -> bool | None:
        """Whether every pivot is tightened; None where the pivots were not needed."""
        return all(p.tightened for p in self.pivots) if self.pivots else None
