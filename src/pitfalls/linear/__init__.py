"""Deep linear networks: capacity, exact derivatives, certificates and a verdict on every critical point."""

from pitfalls.linear.capacity import factorize, nearest_representable, numerical_rank
from pitfalls.linear.certificate import (
    LayerCondition,
    NormalEquationCondition,
    OptimalityCertificate,
    normal_equation_condition,
    optimality_certificate,
)
from pitfalls.linear.classify import (
    CriticalPoint,
    EscapeDirection,
    GlobalMinimumWitness,
    LayerGradientWitness,
    SaddleWitness,
    Verdict,
    classify,
)
from pitfalls.linear.curvature import (
    Curvature,
    curvature_along,
    dense_hessian,
    lowest_curvature,
)
from pitfalls.linear.generate import CriticalKind, critical_point
from pitfalls.linear.network import DeepLinearNetwork, balancedness, end_to_end
from pitfalls.linear.pivots import Pivot
from pitfalls.linear.risk import DataModes, Minimum, SquaredRisk

__all__ = [
    "CriticalKind",
    "CriticalPoint",
    "Curvature",
    "DataModes",
    "DeepLinearNetwork",
    "EscapeDirection",
    "GlobalMinimumWitness",
    "LayerCondition",
    "LayerGradientWitness",
    "Minimum",
    "NormalEquationCondition",
    "OptimalityCertificate",
    "Pivot",
    "SaddleWitness",
    "SquaredRisk",
    "Verdict",
    "balancedness",
    "classify",
    "critical_point",
    "curvature_along",
    "dense_hessian",
    "end_to_end",
    "factorize",
    "lowest_curvature",
    "nearest_representable",
    "normal_equation_condition",
    "numerical_rank",
    "optimality_certificate",
]
