from .capacity import (
    factorize as factorize,
)
from .capacity import (
    nearest_representable as nearest_representable,
)
from .capacity import (
    numerical_rank as numerical_rank,
)
from .certificate import (
    LayerCondition as LayerCondition,
)
from .certificate import (
    NormalEquationCondition as NormalEquationCondition,
)
from .certificate import (
    OptimalityCertificate as OptimalityCertificate,
)
from .certificate import (
    normal_equation_condition as normal_equation_condition,
)
from .certificate import (
    optimality_certificate as optimality_certificate,
)
from .classification import (
    classify as classify,
)
from .curvature import (
    Curvature as Curvature,
)
from .curvature import (
    curvature_along as curvature_along,
)
from .curvature import (
    dense_hessian as dense_hessian,
)
from .curvature import (
    lowest_curvature as lowest_curvature,
)
from .descent import (
    Descent as Descent,
)
from .descent import (
    Escape as Escape,
)
from .descent import (
    descend as descend,
)
from .dynamics import (
    NearestSaddle as NearestSaddle,
)
from .dynamics import (
    aligned_start as aligned_start,
)
from .dynamics import (
    nearest_saddle as nearest_saddle,
)
from .dynamics import (
    small_start as small_start,
)
from .generate import (
    CriticalKind as CriticalKind,
)
from .generate import (
    critical_point as critical_point,
)
from .growth import (
    learning_time as learning_time,
)
from .growth import (
    mode_strength as mode_strength,
)
from .landscape import (
    Plane as Plane,
)
from .landscape import (
    plane_through as plane_through,
)
from .landscape import (
    risk_along as risk_along,
)
from .landscape import (
    risk_on_plane as risk_on_plane,
)
from .modes import (
    DataModes as DataModes,
)
from .network import (
    DeepLinearNetwork as DeepLinearNetwork,
)
from .network import (
    balancedness as balancedness,
)
from .network import (
    end_to_end as end_to_end,
)
from .pivots import (
    Pivot as Pivot,
)
from .risk import (
    Minimum as Minimum,
)
from .risk import (
    SquaredRisk as SquaredRisk,
)
from .trajectory import (
    Trajectory as Trajectory,
)
from .verdict import (
    EscapeDirection as EscapeDirection,
)
from .verdict import (
    GlobalMinimumWitness as GlobalMinimumWitness,
)
from .verdict import (
    LayerGradientWitness as LayerGradientWitness,
)
from .verdict import (
    PointVerdict as PointVerdict,
)
from .verdict import (
    SaddleWitness as SaddleWitness,
)
from .verdict import (
    Verdict as Verdict,
)

__all__ = [
    "CriticalKind",
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
    "PointVerdict",
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
