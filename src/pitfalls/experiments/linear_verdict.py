"""Verdicts as records that a run can keep: the figures without the matrices."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pitfalls.linear import PointVerdict

__all__ = [
    "Certified",
    "Curved",
    "Flat",
    "Judged",
    "Sloping",
    "evidence",
    "held",
    "judge",
]


@dataclass(frozen=True)
class Curved:
    """Witness of a strict saddle: the second derivative along a direction, and where that is from."""

    curvature: float
    origin: str


@dataclass(frozen=True)
class Certified:
    """Witness of a global minimum.

    Attributes
    ----------
    rank, max_rank : int
        Of the map on the data, and the most that widths and Y'X allow.
    weakest_kept, strongest_left : float
        Modes.
    holds : bool
        Whether a layer has the certificate of 2f; with it the layer, its constant, its gradient's
        norm, the residual's, and the bound on the excess (infinite where there is none).
    """

    rank: int
    max_rank: int
    weakest_kept: float
    strongest_left: float
    holds: bool
    layer: int
    constant: float
    gradient_norm: float
    residual_norm: float
    excess_bound: float


@dataclass(frozen=True)
class Sloping:
    """Witness of a point that is not critical: the gradient's norm by layer."""

    norms: tuple[float, ...]


@dataclass(frozen=True)
class Flat:
    """Witness of a non-strict saddle: the extreme curvatures found, if asked for."""

    lowest: float | None
    largest: float | None


@dataclass(frozen=True)
class Judged:
    """A point and its verdict.

    Attributes
    ----------
    verdict : str
        'not critical', 'global minimum', 'strict saddle', 'non-strict saddle' or 'undecided'.
    rank : int
    modes : tuple of int
        Those that the map holds, counted from 1; empty where it is not critical.
    risk, excess : float
    n_pivots : int
    loose_pivots : tuple of (int, int)
        Those that are not tightened.
    decided_by : str
    failing, doubts : tuple of str
        Assumptions of the published theorem that are not met; margins within tolerance.
    witness : Curved, Certified, Sloping, Flat or None
    """

    verdict: Literal[
        "not critical", "global minimum", "strict saddle", "non-strict saddle", "undecided"
    ]
    rank: int
    modes: tuple[int, ...]
    risk: float
    excess: float
    n_pivots: int
    loose_pivots: tuple[tuple[int, int], ...]
    decided_by: str
    failing: tuple[str, ...]
    doubts: tuple[str, ...]
    witness: Curved | Certified | Sloping | Flat | None

    @property
    def curvature(self) -> float | None:
        """The curvature that shows a strict saddle."""
        return self.witness.curvature if isinstance(self.witness, Curved) else None

    @property
    def holds_modes(self) -> bool:
        """Whether the modes that it holds are known: of a critical point that they have decided."""
        return self.verdict not in ("not critical", "undecided") and self.decided_by != "curvature"

    @property
    def named(self) -> str:
        """The verdict as it stands in a sentence: a noun with its article."""
        return {
            "not critical": "a point that is not critical",
            "global minimum": "a global minimum",
            "undecided": "a point whose verdict is undecided",
        }.get(self.verdict, f"a {self.verdict}")


def judge(point: "PointVerdict") -> Judged:
    """Keep what a verdict says, without its matrices."""
    return Judged(
        verdict=point.verdict,
        rank=point.rank,
        modes=tuple(point.modes),
        risk=float(point.risk),
        excess=float(point.excess),
        n_pivots=len(point.pivots),
        loose_pivots=tuple((p.after, p.before) for p in point.pivots if not p.tightened),
        decided_by=point.decided_by,
        failing=tuple(point.failing),
        doubts=tuple(point.doubts),
        witness=_witness(point),
    )


def held(point: Judged) -> str:
    """Name the modes that a critical point holds."""
    if not point.holds_modes:
        return "modes that are not known"
    if not point.modes:
        return "no mode"
    names = ", ".join(map(str, point.modes))
    return f"mode {names}" if len(point.modes) == 1 else f"modes {names}"


def evidence(point: Judged) -> list[str]:
    """Return the lines that prove a verdict, for a terminal."""
    lines = []
    match point.witness:
        case Curved(curvature, origin):
            lines.append(f"witness: a direction of curvature {curvature:.6g} ({origin})")
        case Certified() as found:
            lines.append(
                f"witness: rank {found.rank} of at most {found.max_rank}; the weakest mode kept is "
                f"{found.weakest_kept:.6g}, the strongest left {found.strongest_left:.3g}"
            )
            lines.append(
                f"certificate (2f), layer {found.layer}: |dR/dW| = {found.gradient_norm:.3g} >= "
                f"{found.constant:.4g} * {found.residual_norm:.3g}, so the excess is at most "
                f"{found.excess_bound:.3g}"
                if found.holds
                else "certificate (2f): no layer has it; the rank decides"
            )
        case Sloping(norms):
            shown = ", ".join(f"{norm:.4g}" for norm in norms)
            lines.append(f"witness: the gradient by layer has norms {shown}")
        case Flat(lowest, largest) if lowest is not None and largest is not None:
            lines.append(
                f"witness: all pivots tightened; lowest curvature found {lowest:.3g} against a "
                f"largest of {largest:.4g}"
            )
    if point.n_pivots:
        loose = ", ".join(map(str, point.loose_pivots))
        tight = f"not tightened: {loose}" if loose else "all tight"
        lines.append(f"pivots: {point.n_pivots}, {tight}")
    lines += [f"assumption of the published theorem not met: {text}" for text in point.failing]
    lines += [f"in doubt: {text}" for text in point.doubts]
    return lines


def _witness(point: "PointVerdict") -> Curved | Certified | Sloping | Flat | None:
    from pitfalls.linear import (
        EscapeDirection,
        GlobalMinimumWitness,
        LayerGradientWitness,
        SaddleWitness,
    )

    witness = point.witness
    if isinstance(witness, EscapeDirection):
        return Curved(float(witness.curvature), witness.origin)
    if isinstance(witness, GlobalMinimumWitness):
        certificate = witness.certificate
        return Certified(
            rank=witness.rank,
            max_rank=witness.max_rank,
            weakest_kept=float(witness.weakest_kept),
            strongest_left=float(witness.strongest_left),
            holds=bool(certificate.holds),
            layer=certificate.layer or 0,
            constant=float(certificate.best.constant),
            gradient_norm=float(certificate.best.gradient_norm),
            residual_norm=float(certificate.residual_norm),
            excess_bound=float(certificate.excess_bound),
        )
    if isinstance(witness, LayerGradientWitness):
        return Sloping(tuple(float(norm) for norm in witness.norms))
    if isinstance(witness, SaddleWitness):
        return Flat(witness.lowest_curvature, witness.largest_curvature)
    return None
