"""Verdicts as plain values, for tables and texts."""

from dataclasses import asdict
from typing import Any

import numpy as np

from pitfalls.linear import (
    EscapeDirection,
    GlobalMinimumWitness,
    LayerGradientWitness,
    PointVerdict,
    SaddleWitness,
)

__all__ = ["describe_point"]


def describe_point(point: PointVerdict) -> dict[str, Any]:
    """Lay a verdict out as plain values for tables and texts."""
    witness = point.witness
    told: dict[str, Any] = {"kind": None}
    if isinstance(witness, EscapeDirection):
        told = {
            "kind": "escape direction",
            "curvature": witness.curvature,
            "origin": witness.origin,
        }
    elif isinstance(witness, GlobalMinimumWitness):
        certificate = witness.certificate
        bound = certificate.excess_bound
        told = {
            "kind": "certificate",
            "rank": witness.rank,
            "max_rank": witness.max_rank,
            "weakest_kept": witness.weakest_kept,
            "strongest_left": witness.strongest_left,
            "inequality_holds": certificate.holds,
            "layer": certificate.layer,
            "constant": certificate.best.constant,
            "gradient_norm": certificate.best.gradient_norm,
            "residual_norm": certificate.residual_norm,
            "excess_bound": bound if np.isfinite(bound) else None,
        }
    elif isinstance(witness, LayerGradientWitness):
        told = {"kind": "gradient", "norms": witness.norms, "relative": witness.relative}
    elif isinstance(witness, SaddleWitness):
        told = {
            "kind": "no negative curvature",
            "lowest_curvature": witness.lowest_curvature,
            "largest_curvature": witness.largest_curvature,
            "converged": witness.converged,
        }
    return {
        "verdict": point.verdict,
        "rank": point.rank,
        "modes": point.modes,
        "risk": point.risk,
        "excess": point.excess,
        "tightened": point.tightened,
        "pivots": [asdict(pivot) for pivot in point.pivots],
        "decided_by": point.decided_by,
        "failing": point.failing,
        "doubts": point.doubts,
        "relative_gradient": point.relative_gradient,
        "witness": told,
    }
