"""Work every part of homework 2 on numbers, from one small problem each."""

import itertools
from typing import Any

import numpy as np
import torch

from pitfalls.errors import CapacityError
from pitfalls.experiments.linear_homework.records import (
    Capacity,
    Certificate,
    Condition,
    Convexity,
    Derivative,
    HomeworkConfig,
    HomeworkResult,
    Point,
)
from pitfalls.experiments.linear_risk import load_risk
from pitfalls.experiments.linear_source import Planted, Problem
from pitfalls.experiments.linear_verdict import judge
from pitfalls.frame import Homework
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

__all__ = ["homework", "run"]


def run(config: HomeworkConfig, run: Run, progress: Progress) -> HomeworkResult:
    """Take the parts in turn; a stopped run starts again."""
    rng = np.random.default_rng(config.seed)
    risk = load_risk(Problem(Planted(seed=config.seed)))
    square = load_risk(Problem(Planted(n_features=4, seed=config.seed)))
    return HomeworkResult(
        capacity=_capacity(rng),
        convexity=_convexity(risk, rng),
        derivative=_derivative(risk, rng),
        conditions=_conditions(risk, config.seed),
        points=_points(risk, rng),
        certificates=_certificates(square, rng),
    )


def homework(asked: Homework) -> tuple[HomeworkConfig, ...]:
    """Work it once, the same at both scales."""
    return (HomeworkConfig(seed=asked.seed),)


def _capacity(rng: np.random.Generator) -> Capacity:
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
    return Capacity(
        widths=widths,
        rank=numerical_rank(target),
        relative_error=float(np.linalg.norm(end_to_end(layers) - target) / np.linalg.norm(target)),
        imbalance=float(balancedness(layers)),
        rank_refused=numerical_rank(full),
        refusal=refusal,
        distance_to_nearest=float(np.linalg.norm(full - nearest)),
        expected_distance=float(np.linalg.norm(np.linalg.svd(full, compute_uv=False)[3:])),
    )


def _random(widths: tuple[int, ...], rng: np.random.Generator) -> list[Any]:
    return [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]


def _convexity(risk: SquaredRisk, rng: np.random.Generator) -> Convexity:
    """Q on segments between random maps, against its chord; R itself need not stay below."""
    gaps = []
    for _ in range(200):
        a, b = end_to_end(_random((6, 4, 4), rng)), end_to_end(_random((6, 4, 4), rng))
        for t in np.linspace(0.1, 0.9, 9):
            chord = (1 - t) * risk.value([a]) + t * risk.value([b])
            gaps.append(float((chord - risk.value([(1 - t) * a + t * b])) / chord))
    # the same map with its layers' signs turned: halfway lies the zero map
    mirrored = factorize(risk.minimum().map, (6, 4, 4))
    halfway = risk.value([np.zeros_like(w) for w in mirrored])
    return Convexity(len(gaps), min(gaps), float(risk.value(mirrored)), float(halfway))


def _derivative(risk: SquaredRisk, rng: np.random.Generator) -> Derivative:
    """Compare the closed form of both derivatives with autograd."""
    widths = (6, 5, 3, 4)
    weights = _random(widths, rng)
    leaf = torch.tensor(end_to_end(weights), requires_grad=True)
    risk.value([leaf]).backward()
    layers = [torch.tensor(w, requires_grad=True) for w in weights]
    risk.value(layers).backward()
    return Derivative(
        widths,
        _relative(risk.end_to_end_gradient(weights), _gradient_of(leaf)),
        tuple(
            _relative(g, _gradient_of(w))
            for g, w in zip(risk.layer_gradients(weights), layers, strict=True)
        ),
    )


def _relative(found: Any, wanted: Any) -> float:
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def _gradient_of(leaf: torch.Tensor) -> Any:
    if leaf.grad is None:
        raise AssertionError("autograd left no gradient")
    return leaf.grad.numpy()


def _conditions(risk: SquaredRisk, seed: int) -> tuple[Condition, ...]:
    rows = []
    low_rank = load_risk(Problem(Planted(modes=(4.0, 3.0, 0.0, 0.0), seed=seed)))
    for name, problem, widths in (
        ("no bottleneck", risk, (6, 5, 4)),
        ("bottleneck below rank(Y'X)", risk, (6, 2, 4)),
        ("bottleneck at rank(Y'X) = 2", low_rank, (6, 2, 4)),
    ):
        found = normal_equation_condition(problem, widths)
        best = problem.minimum(min(widths))
        gap = np.linalg.norm(problem.end_to_end_gradient([best.map]))
        rows.append(
            Condition(
                case=name,
                widths=widths,
                capacity=found.capacity,
                rank_yx=found.rank,
                printed=bool(found.printed),
                exact=bool(found.exact),
                residual=float(gap / np.linalg.norm(problem.moments.syx)),
            )
        )
    return tuple(rows)


def _points(risk: SquaredRisk, rng: np.random.Generator) -> tuple[Point, ...]:
    """W = 0 and its relatives: critical, and not global."""
    widths = (6, 4, 4, 4)
    cases: list[tuple[str, list[Any]]] = [
        ("W = 0, two layers", [np.zeros((4, 6)), np.zeros((4, 4))]),
        ("W = 0, three layers", [np.zeros((4, 6)), np.zeros((4, 4)), np.zeros((4, 4))]),
        (
            "modes 2 and 3, three layers",
            list(critical_point(risk, widths, (2, 3), "strict saddle")),
        ),
        ("best map of rank 1, balanced", list(factorize(risk.minimum(1).map, widths))),
        (
            "all modes, three layers",
            list(critical_point(risk, widths, (1, 2, 3, 4), "global minimum")),
        ),
        ("random weights, three layers", _random(widths, rng)),
    ]
    return tuple(
        Point(
            name,
            max(float(np.linalg.norm(g)) for g in risk.layer_gradients(weights)),
            judge(classify(risk, weights)),
        )
        for name, weights in cases
    )


def _certificates(risk: SquaredRisk, rng: np.random.Generator) -> tuple[Certificate, ...]:
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
    return tuple(_certificate(name, optimality_certificate(risk, w)) for name, w in cases)


def _certificate(name: str, found: OptimalityCertificate) -> Certificate:
    return Certificate(
        case=name,
        all_invertible=bool(found.all_invertible),
        holds=bool(found.holds),
        layer=found.layer,
        gradient_norm=float(found.best.gradient_norm),
        lower_bound=float(found.best.constant * found.residual_norm),
        excess=float(found.excess),
    )
