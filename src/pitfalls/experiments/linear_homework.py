"""The numbers of homework 2, a to f, from one small problem each."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from pitfalls.errors import CapacityError
from pitfalls.experiments.linear_source import Planted, load_risk
from pitfalls.experiments.registry import experiment
from pitfalls.linear import (
    OptimalityCertificate,
    SquaredRisk,
    balancedness,
    classify,
    critical_point,
    end_to_end,
    factorize,
    nearest_representable,
    normal_equation_condition,
    numerical_rank,
    optimality_certificate,
)
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["LinearHomeworkConfig"]


@dataclass(frozen=True)
class LinearHomeworkConfig:
    """Everything homework 2 asks for, on small planted problems."""

    seed: int = 123


@experiment("linear-homework")
def answer_homework(config: LinearHomeworkConfig, run: Run, progress: Progress) -> None:
    """Work every part of homework 2 on numbers."""
    rng = np.random.default_rng(config.seed)
    risk = load_risk(Planted(seed=config.seed))
    square = load_risk(Planted(n_features=4, seed=config.seed))
    run.save_results(
        {
            "a": _capacity(rng),
            "b": _convexity(risk, rng),
            "c": _derivative(risk, rng),
            "d": _normal_equations(risk),
            "e": _critical_points(risk, rng),
            "f": _certificates(square, rng),
        }
    )


def _capacity(rng: np.random.Generator) -> dict[str, Any]:
    widths = (5, 3, 4, 5)
    target = rng.standard_normal((5, 3)) @ rng.standard_normal((3, 5))
    layers = factorize(target, widths)
    full = rng.standard_normal((5, 5))
    try:
        factorize(full, widths)
        refusal = None
    except CapacityError as error:
        refusal = str(error)
    nearest = nearest_representable(full, widths)
    return {
        "widths": widths,
        "rank": numerical_rank(target),
        "relative_error": float(
            np.linalg.norm(end_to_end(layers) - target) / np.linalg.norm(target)
        ),
        "balancedness": balancedness(layers),
        "shapes": [w.shape for w in layers],
        "rank_refused": numerical_rank(full),
        "refusal": refusal,
        "distance_to_nearest": float(np.linalg.norm(full - nearest)),
        "expected_distance": float(np.linalg.norm(np.linalg.svd(full, compute_uv=False)[3:])),
    }


def _random(widths: tuple[int, ...], rng: np.random.Generator) -> list[Any]:
    return [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]


def _convexity(risk: SquaredRisk, rng: np.random.Generator) -> dict[str, Any]:
    """Q on segments between random maps, against its chord; R itself need not stay below."""
    shares = np.linspace(0.1, 0.9, 9)
    gaps, layer_gaps = [], []
    for _ in range(200):
        first, second = _random((6, 4, 4), rng), _random((6, 4, 4), rng)
        for t in shares:
            a, b = end_to_end(first), end_to_end(second)
            chord = (1 - t) * risk.value([a]) + t * risk.value([b])
            gaps.append((chord - risk.value([(1 - t) * a + t * b])) / chord)
            between = [(1 - t) * v + t * w for v, w in zip(first, second, strict=True)]
            layer_gaps.append((chord - risk.value(between)) / chord)
        # the same map with its layers' signs turned: halfway lies the zero map
    mirrored = factorize(risk.minimum().map, (6, 4, 4))
    halfway = risk.value([np.zeros_like(w) for w in mirrored])
    return {
        "segments": len(gaps),
        "smallest_relative_gap_of_q": min(gaps),
        "risk_at_w_and_minus_w": float(risk.value(mirrored)),
        "risk_halfway": float(halfway),
    }


def _derivative(risk: SquaredRisk, rng: np.random.Generator) -> dict[str, Any]:
    """Compare the closed form of both derivatives with autograd."""
    widths = (6, 5, 3, 4)
    weights = _random(widths, rng)
    leaf = torch.tensor(end_to_end(weights), requires_grad=True)
    risk.value([leaf]).backward()
    found = risk.end_to_end_gradient(weights)
    wanted = _gradient_of(leaf)
    layers = [torch.tensor(w, requires_grad=True) for w in weights]
    risk.value(layers).backward()
    errors = [
        float(np.linalg.norm(g - _gradient_of(w)) / np.linalg.norm(_gradient_of(w)))
        for g, w in zip(risk.layer_gradients(weights), layers, strict=True)
    ]
    return {
        "widths": widths,
        "relative_error_end_to_end": float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted)),
        "relative_error_by_layer": errors,
    }


def _gradient_of(leaf: torch.Tensor) -> Any:
    if leaf.grad is None:
        raise AssertionError("autograd left no gradient")
    return leaf.grad.numpy()


def _normal_equations(risk: SquaredRisk) -> list[dict[str, Any]]:
    rows = []
    low_rank = load_risk(Planted(modes=(4.0, 3.0, 0.0, 0.0)))
    for name, problem, widths in (
        ("no bottleneck", risk, (6, 5, 4)),
        ("bottleneck below rank(Y'X)", risk, (6, 2, 4)),
        ("bottleneck at rank(Y'X) = 2", low_rank, (6, 2, 4)),
    ):
        found = normal_equation_condition(problem, widths)
        best = problem.minimum(min(widths))
        size = float(np.linalg.norm(problem.moments.syx))
        rows.append(
            {
                "case": name,
                "widths": widths,
                "capacity": found.capacity,
                "rank_yx": found.rank,
                "printed_condition": found.printed,
                "exact_condition": found.exact,
                "residual_at_minimum": float(
                    np.linalg.norm(problem.end_to_end_gradient([best.map]))
                )
                / size,
            }
        )
    return rows


def _critical_points(risk: SquaredRisk, rng: np.random.Generator) -> list[dict[str, Any]]:
    """W = 0 and its relatives: critical, and not global."""
    zero = [np.zeros((4, 6)), np.zeros((4, 4)), np.zeros((4, 4))]
    cases: list[tuple[str, list[Any]]] = [
        ("W = 0, two layers", [np.zeros((4, 6)), np.zeros((4, 4))]),
        ("W = 0, three layers", zero),
        (
            "modes 2 and 3, three layers",
            list(critical_point(risk, (6, 4, 4, 4), (2, 3), "strict saddle")),
        ),
        ("best map of rank 1, balanced", list(factorize(risk.minimum(1).map, (6, 4, 4, 4)))),
        (
            "all modes, three layers",
            list(critical_point(risk, (6, 4, 4, 4), (1, 2, 3, 4), "global minimum")),
        ),
        ("random weights, three layers", _random((6, 4, 4, 4), rng)),
    ]
    rows = []
    for name, weights in cases:
        found = classify(risk, weights)
        norms = [float(np.linalg.norm(g)) for g in risk.layer_gradients(weights)]
        rows.append(
            {
                "case": name,
                "gradient_norm": max(norms),
                "risk": found.risk,
                "excess": found.excess,
                "modes": found.modes,
                "verdict": found.verdict,
                "curvature": getattr(found.witness, "curvature", None),
            }
        )
    return rows


def _certificates(risk: SquaredRisk, rng: np.random.Generator) -> list[dict[str, Any]]:
    """All layers invertible, all but one, all but two; at random points and at a minimum."""
    regular = _random((4, 4, 4, 4), rng)
    singular = np.diag([1.0, 1.0, 1.0, 0.0])
    best = list(factorize(risk.minimum().map, (4, 4, 4, 4)))
    cases = (
        ("all layers invertible", regular),
        ("one singular layer", [regular[0], singular, regular[2]]),
        ("two singular layers", [regular[0], singular, singular @ regular[2]]),
        ("a global minimum", best),
        ("W = 0", [np.zeros((4, 4))] * 3),
    )
    return [{"case": name, **_tell(optimality_certificate(risk, w))} for name, w in cases]


def _tell(found: OptimalityCertificate) -> dict[str, Any]:
    bound = found.excess_bound
    return {
        "holds": found.holds,
        "all_invertible": found.all_invertible,
        "layer": found.layer,
        "sigma_after": found.best.sigma_after,
        "sigma_before": found.best.sigma_before,
        "gradient_norm": found.best.gradient_norm,
        "lower_bound": found.best.constant * found.residual_norm,
        "residual_norm": found.residual_norm,
        "excess": found.excess,
        "excess_bound": bound if np.isfinite(bound) else None,
    }
