"""Deep linear networks: capacity, exact derivatives, certificates and a verdict on every critical point."""

from pitfalls.linear.capacity import factorize, nearest_representable, numerical_rank
from pitfalls.linear.certificate import (
    LayerCondition,
    NormalEquationCondition,
    OptimalityCertificate,
    normal_equation_condition,
    optimality_certificate,
)
from pitfalls.linear.classify import classify
from pitfalls.linear.curvature import (
    Curvature,
    curvature_along,
    dense_hessian,
    lowest_curvature,
)
from pitfalls.linear.descent import Descent, Escape, descend
from pitfalls.linear.dynamics import (
    NearestSaddle,
    aligned_start,
    learning_time,
    mode_strength,
    nearest_saddle,
    small_start,
)
from pitfalls.linear.generate import CriticalKind, critical_point
from pitfalls.linear.landscape import Plane, plane_through, risk_along, risk_on_plane
from pitfalls.linear.modes import DataModes
from pitfalls.linear.network import DeepLinearNetwork, balancedness, end_to_end
from pitfalls.linear.pivots import Pivot
from pitfalls.linear.risk import Minimum, SquaredRisk
from pitfalls.linear.trajectory import Trajectory
from pitfalls.linear.verdict import (
    CriticalPoint,
    EscapeDirection,
    GlobalMinimumWitness,
    LayerGradientWitness,
    SaddleWitness,
    Verdict,
)

__all__ = [
    "CriticalKind",
    "CriticalPoint",
    "Curvature",
    "DataModes",
    "DeepLinearNetwork",
    "Descent",
    "Escape",
    "EscapeDirection",
    "GlobalMinimumWitness",
    "LayerCondition",
    "LayerGradientWitness",
    "Minimum",
    "NearestSaddle",
    "NormalEquationCondition",
    "OptimalityCertificate",
    "Pivot",
    "Plane",
    "SaddleWitness",
    "SquaredRisk",
    "Trajectory",
    "Verdict",
    "aligned_start",
    "balancedness",
    "classify",
    "critical_point",
    "curvature_along",
    "dense_hessian",
    "descend",
    "end_to_end",
    "factorize",
    "learning_time",
    "lowest_curvature",
    "mode_strength",
    "nearest_representable",
    "nearest_saddle",
    "normal_equation_condition",
    "numerical_rank",
    "optimality_certificate",
    "plane_through",
    "risk_along",
    "risk_on_plane",
    "small_start",
]
