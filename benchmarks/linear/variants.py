"""What is done to exact critical points before a verdict is asked for: one function a variant.

Every function takes a generator and returns a `Case`; the truth is that of the exact point beneath,
judged by its value and its Hessian in canonical coordinates, where no number is large or small.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from benchmarks.linear.exact_points import (
    ARCHITECTURES,
    Case,
    Point,
    draw_point,
    is_semidefinite,
    judge,
    mix,
    rational_hessian,
    rebase,
    unimodular,
)

from pitfalls.linear import SquaredRisk, critical_point
from pitfalls.moments import SecondMoments

__all__ = ["VARIANTS", "WELL_SCALED"]

Variant = Callable[[np.random.Generator], Case]
BIG = 2.0**27  # 1.3e8: powers of two change no digit


def draw_values(rng: np.random.Generator, size: int = 4) -> tuple[float, ...]:
    """Distinct whole modes, strongest first."""
    return tuple(sorted(map(float, rng.choice(np.arange(1, 10), size, replace=False)))[::-1])


def wanted(
    rng: np.random.Generator,
    values: tuple[float, ...] | None = None,
    architectures: list[tuple[int, ...]] | None = None,
    **options: Any,
) -> Point:
    """Draw points until one is of a kind drawn beforehand, so that all kinds are frequent."""
    kind = rng.choice(["global minimum", "strict saddle", "non-strict saddle"])
    for _ in range(60):
        widths = tuple(map(int, rng.choice(np.array(architectures or ARCHITECTURES, dtype=object))))
        chosen = draw_values(rng, max(widths)) if values is None else values
        point = draw_point(rng, widths, chosen, **options)
        if point.truth == kind:
            break
    return replace(point, truth=judge(point))


def ask(point: Point, **changes: Any) -> Case:
    return Case(point.risk, point.layers, point.truth, **changes)


def canonical(rng: np.random.Generator) -> Case:
    return ask(wanted(rng))


def mixed(rng: np.random.Generator) -> Case:
    return ask(mix(wanted(rng), rng))


def repeated_modes(rng: np.random.Generator) -> Case:
    values = tuple(sorted(map(float, rng.choice([1, 2, 4], 6)))[::-1])
    return ask(mix(wanted(rng, values), rng))


def zero_modes(rng: np.random.Generator) -> Case:
    values = draw_values(rng, 4)[: int(rng.integers(1, 3))] + (0.0,) * 4
    return ask(mix(wanted(rng, values), rng))


def more_outputs(rng: np.random.Generator) -> Case:
    shapes = [(2, 4), (2, 3, 4), (3, 2, 4), (2, 3, 3, 4), (3, 4, 2, 5), (2, 3, 3, 3, 4)]
    return ask(mix(wanted(rng, architectures=shapes), rng))


def blind_inputs(rng: np.random.Generator) -> Case:
    shapes = [w for w in ARCHITECTURES if w[0] > 2]
    return ask(mix(wanted(rng, architectures=shapes, blind=int(rng.integers(1, 3))), rng))


def deep(rng: np.random.Generator) -> Case:
    shapes = [
        (2,) * 9,
        (1,) * 7,
        (3, 2, 2, 3, 2, 2, 3, 2, 2),
        (3, 3, 3, 3, 3, 3, 3),
        (4, 1, 3, 1, 3),
    ]
    return ask(mix(wanted(rng, architectures=shapes), rng))


def one_layer(rng: np.random.Generator) -> Case:
    return ask(mix(wanted(rng, architectures=[(4, 3), (3, 5), (1, 2)]), rng))


def nothing_to_learn(rng: np.random.Generator) -> Case:
    return ask(mix(wanted(rng, (0.0,) * 6), rng))


def nothing_to_learn_summed(rng: np.random.Generator) -> Case:
    """K = 0 in truth, and rounding of a sum over rows in the arrays."""
    n = int(rng.integers(10, 60))
    point = wanted(rng, (0.0,) * 6, [w for w in ARCHITECTURES if w[0] < 5])
    d, p = point.layers[0].shape[1], len(point.layers[-1])
    half = rng.standard_normal((n, d)) * 10.0 ** rng.integers(-3, 4, d)
    if rng.random() < 0.5:
        x = np.concatenate([half, -half])
        y = (x**2 * 10.0 ** rng.integers(-3, 4, d)) @ rng.standard_normal((d, p))
    else:
        x, y = half, rng.standard_normal((n, p)) * 10.0 ** rng.integers(-2, 3)
        q, _ = np.linalg.qr(x / np.linalg.norm(x, axis=0))
        for _ in range(2):  # the second time takes off the rounding of the first
            y = y - q @ (q.T @ y)
    return Case(SquaredRisk(SecondMoments.from_arrays(x, y)), point.layers, point.truth)


def summed(rng: np.random.Generator) -> Case:
    """Draw rows at random and have a point made to order: no number is whole."""
    widths = ARCHITECTURES[int(rng.integers(len(ARCHITECTURES)))]
    d, p = widths[0], widths[-1]
    x = rng.standard_normal((40, d)) * rng.uniform(0.5, 2.0, d)
    y = x @ rng.standard_normal((d, p)) + rng.standard_normal((40, p))
    risk = SquaredRisk(SecondMoments.from_arrays(x, y, center=bool(rng.random() < 0.5)))
    top = min(risk.modes.rank, *widths)
    kinds = ["global minimum", "strict saddle"] + ["non-strict saddle"] * (len(widths) > 3)
    kind: Any = str(rng.choice(kinds))
    seed = int(rng.integers(2**31))
    if kind == "global minimum" or len(widths) == 2:
        modes, kind = list(range(1, risk.modes.rank + 1))[: top or 1], "global minimum"
    elif kind == "non-strict saddle":
        modes = list(range(1, int(rng.integers(0, top)) + 1))
    else:
        modes = sorted(
            (rng.choice(risk.modes.rank, int(rng.integers(0, top)), replace=False) + 1).tolist()
        )
    spread = float(rng.choice([1.5, 3.0, 10.0]))
    return Case(risk, critical_point(risk, widths, modes, kind, seed, spread=spread), kind)


def layers_scaled(rng: np.random.Generator) -> Case:
    case = mixed(rng)
    layers, left = list(case.weights), 0.0
    for i in range(len(layers) - 1):
        power = float(rng.choice([-27, 0, 27]))
        layers[i], left = layers[i] * 2.0**power, left - power
    layers[-1] = layers[-1] * 2.0**left
    return replace(case, weights=tuple(layers))


def nodes_scaled(rng: np.random.Generator) -> Case:
    case = mixed(rng)
    changes = []
    for layer in case.weights[:-1]:
        scale = 2.0 ** rng.integers(-27, 28, len(layer))
        changes.append((np.diag(scale), np.diag(1 / scale)))
    return replace(case, weights=rebase(case.weights, changes))


def features_scaled(rng: np.random.Generator) -> Case:
    point = mix(wanted(rng), rng)
    assert point.basis is not None
    scale = np.array(2.0 ** rng.integers(-27, 28, point.layers[0].shape[1]))
    layers = (point.layers[0] / scale, *point.layers[1:])
    return ask(replace(point, layers=layers, basis=scale[:, None] * point.basis))


def outputs_scaled(rng: np.random.Generator) -> Case:
    point = mix(wanted(rng), rng)
    scale = 2.0 ** float(rng.choice([-27, 27]))
    layers = (*point.layers[:-1], scale * point.layers[-1])
    return ask(replace(point, layers=layers, output=scale * point.output))


def gauge_1e6(rng: np.random.Generator) -> Case:
    """Hidden bases of condition up to 1e6, which are not whole."""
    case = canonical(rng)
    changes = []
    for layer in case.weights[:-1]:
        size = len(layer)
        u, v = (np.linalg.qr(rng.standard_normal((size, size)))[0] for _ in range(2))
        spread = 10.0 ** rng.uniform(-3, 3, size)
        changes.append(((u * spread) @ v, (v.T / spread) @ u.T))
    return replace(case, weights=rebase(case.weights, changes))


def units_of_modes(rng: np.random.Generator) -> Case:
    """Modes 1e8 apart."""
    values = (BIG * 3, BIG, 3.0, 2.0, 1.0)[int(rng.integers(0, 2)) :]
    point = wanted(rng, values)
    return ask(mix(replace(point, truth=judge(point, exactly=True)), rng))


def ill_conditioned_inputs(rng: np.random.Generator) -> Case:
    point = mix(wanted(rng), rng)
    d = point.layers[0].shape[1]
    forth, back = unimodular(rng, d, 3 * d)
    basis = forth @ point.basis
    return ask(replace(point, basis=basis, layers=(point.layers[0] @ back, *point.layers[1:])))


def float32(rng: np.random.Generator) -> Case:
    case = mixed(rng)
    return replace(case, weights=tuple(w.astype(np.float32) for w in case.weights))


def float32_rounded(rng: np.random.Generator) -> Case:
    """Hidden bases that float32 has to round."""
    case = canonical(rng)
    changes = []
    for layer in case.weights[:-1]:
        q, _ = np.linalg.qr(rng.standard_normal((len(layer), len(layer))))
        spread = 2.0 ** rng.uniform(-0.5, 0.5, len(layer))
        changes.append((q * spread, (q / spread).T))
    weights = tuple(w.astype(np.float32) for w in rebase(case.weights, changes))
    return replace(case, weights=weights)


def _perturbed(size: float, *, relative: bool = False) -> Variant:
    def variant(rng: np.random.Generator) -> Case:
        case = mixed(rng) if rng.random() < 0.5 else canonical(rng)
        noise = [size * rng.standard_normal(w.shape) for w in case.weights]
        moved = tuple(
            w * (1 + v) if relative else w + v for w, v in zip(case.weights, noise, strict=True)
        )
        truth = case.truth
        critical = not any(g.any() for g in case.risk.layer_gradients(moved))
        # critical to the last bit all the same: then it is this point that counts
        if critical and not is_semidefinite(rational_hessian(case.risk, moved)):
            truth = "strict saddle"
        return replace(case, weights=moved, truth=truth, critical=False)

    return variant


def nearly_equal_modes(rng: np.random.Generator) -> Case:
    gap = 10.0 ** rng.uniform(-14, -7)
    values = tuple(sorted([3.0, 2.0 + gap, 2.0, 1.0, 1.0 - gap])[::-1])
    point = draw_point(rng, ARCHITECTURES[int(rng.integers(len(ARCHITECTURES)))], values)
    return ask(point)


def faint_strings(rng: np.random.Generator) -> Case:
    """Links between hidden nodes that are exact and tiny: saddles are strict by a hair."""
    point = wanted(rng, multipliers=(1.0, 2.0**-20, 2.0**-30))
    return ask(replace(point, truth=judge(point, exactly=True)))


VARIANTS: dict[str, Variant] = {
    "canonical": canonical,
    "mixed bases": mixed,
    "repeated modes": repeated_modes,
    "zero modes": zero_modes,
    "more outputs than inputs": more_outputs,
    "blind inputs": blind_inputs,
    "deep": deep,
    "one layer": one_layer,
    "nothing to learn": nothing_to_learn,
    "nothing to learn, summed": nothing_to_learn_summed,
    "summed data": summed,
    "ill-conditioned inputs": ill_conditioned_inputs,
    "layers scaled by 1e±8": layers_scaled,
    "nodes scaled by 1e±8": nodes_scaled,
    "features scaled by 1e±8": features_scaled,
    "outputs scaled by 1e±8": outputs_scaled,
    "gauge of condition 1e6": gauge_1e6,
    "modes 1e8 apart": units_of_modes,
    "nearly equal modes": nearly_equal_modes,
    "faint strings": faint_strings,
    "float32, exact": float32,
    "float32, rounded": float32_rounded,
    "perturbed by 1e-12": _perturbed(1e-12),
    "perturbed by 1e-9": _perturbed(1e-9),
    "perturbed by 1e-9 of every weight": _perturbed(1e-9, relative=True),
    "perturbed by 1e-6": _perturbed(1e-6),
}
WELL_SCALED = list(VARIANTS)[:11]
