"""False variants of the claims on gradients, flow and landscape of linear networks."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from pitfalls.claims.critical_points import pivots as all_pivots
from pitfalls.claims.exact import Matrix, product
from pitfalls.claims.layers import layer_gradients, parts
from tests.claims.subjects import slot, subject_of


def forgets_the_targets(layers, x, y):
    gradient = product(layers) @ (x.T @ x)
    return [above.T @ gradient @ below.T for above, below in parts(layers)]


def swaps_the_sides(layers, x, y):
    """Right for one layer and for symmetric problems only."""
    gradient = product(layers) @ (x.T @ x) - y.T @ x
    sides = parts(layers)
    if any(w.shape != layers[0].shape or w.shape[0] != w.shape[1] for w in layers):
        return [above.T @ gradient @ below.T for above, below in sides]
    return [below.T @ gradient @ above.T for above, below in sides]


def ones_everywhere(widths):
    return [Matrix([[1] * a for _ in range(b)]) for a, b in pairwise(widths)]


def only_the_first_layer_zero(widths):
    layers = ones_everywhere(widths)
    layers[0] = Matrix.zeros(*layers[0].shape)
    return layers


def first_layer_twice_as_fast(layers, x, y):
    slopes = layer_gradients(layers, x, y)
    return [2 * slopes[0], *slopes[1:]]


def crude_steps(start, risk):
    layers = list(start)
    for _ in range(40):
        slopes = risk.layer_gradients(layers)
        layers = [w - 0.01 * s for w, s in zip(layers, slopes, strict=True)]
    return layers


def only_the_strongest_modes(total, strengths, size):
    return [Fraction(1, 2) * (total - sum(strengths[:size]))]


def one_map_for_each_value(left, fit, size):
    """What reading S off the value of R would say."""
    seen: dict[float, np.ndarray] = {}
    for whole in subject_of("2e-critical-values").maps(left, fit, size):
        seen.setdefault(round(float(np.sum(whole**2)), 6), whole)
    return list(seen.values())


def modes_of_the_fit_shrunk(left, fit, size):
    return [0.999 * whole for whole in subject_of("2e-critical-values").maps(left, fit, size)]


def root_with_a_dead_column(problem):
    colour, target = subject_of("2e-white")(problem)
    more = Matrix([*row, 0] for row in colour.rows)
    return more, Matrix([*row, 1] for row in target.rows)


def modes_of_the_outputs(problem):
    """The whole of Y in place of what X can say of it."""
    colour, target = subject_of("2e-white")(problem)
    return colour, 2 * target


def every_mixed_term_once(layers, directions, x, y):
    formula = subject_of("2e-curvature").formula
    still = [Matrix.zeros(*v.shape) for v in directions]
    alone = sum(
        formula(layers, [*still[:i], v, *still[i + 1 :]], x, y) for i, v in enumerate(directions)
    )
    return Fraction(1, 2) * (formula(layers, directions, x, y) + alone)


def hessian_of_the_fit(layers, directions, x, y):
    """Gauss and Newton's part alone."""
    moves = [a @ v @ b for v, (a, b) in zip(directions, parts(layers), strict=True)]
    return float((sum(moves[1:], moves[0]) @ x.T).squared_norm())


def turns_the_inputs_only(point, k, l):  # noqa: E741
    turn = subject_of("2e-swap").direction(point, k, l)
    return [turn[0], *(Matrix.zeros(*v.shape) for v in turn[1:])]


def tightened_at_some_pivot(point):
    holds = point.holds_strongest
    return holds and any(point.tightened(i, j) for i, j in all_pivots(point.depth))


def tightened_with_any_modes(point):
    return all(point.tightened(i, j) for i, j in all_pivots(point.depth))


def ignores_what_the_layers_below_see(point, i, j):
    """b need not be orthogonal to B_i here, so that M moves."""
    between, crossing = point.between(i, j), point.crossing(i, j)
    e, a = next((e, a) for e, row in enumerate(crossing.rows) for a, v in enumerate(row) if v)
    b, c = next((b, c) for b, row in enumerate(between.rows) for c, v in enumerate(row) if v)
    v_i = Matrix.single(crossing.shape[1], between.shape[0], a, b)
    v_j = Matrix.single(between.shape[1], crossing.shape[0], c, e)
    sign = -1 if between[b, c] * crossing[e, a] > 0 else 1
    return [
        v_i if h == i else sign * v_j if h == j else Matrix.zeros(*w.shape)
        for h, w in enumerate(point.layers, start=1)
    ]


def two_layer_rule(point):
    """Right for two layers: whatever is no minimum is a strict saddle."""
    found = subject_of("2e-verdict").rule(point)
    return "strict saddle" if found == "non-strict saddle" else found


def pivots_first(point):
    """Forgets that a stronger mode left over decides."""
    if point.is_global:
        return "global minimum"
    return "non-strict saddle" if tightened_with_any_modes(point) else "strict saddle"


def needs_full_rank(point):
    """Forgets that K may have fewer modes than there is room for."""
    return "strict saddle" if point.rank < point.room else subject_of("2e-verdict").rule(point)


def never_a_definite_word(layers, x, y):
    return "undecided"


def calls_saddles_minima(layers, x, y):
    found = subject_of("2e-verdict").library(layers, x, y)
    return "global minimum" if found == "non-strict saddle" else found


def lower_by_second_order_only(point, radius):
    """Gives up where no curvature is negative."""
    return point.layers if tightened_with_any_modes(point) else no_spurious(point, radius)


def far_away(point, radius):
    return no_spurious(point, 1000 * radius)


def no_spurious(point, radius):
    return subject_of("2e-no-spurious")(point, radius)


def off_by_a_mode(risk, widths, modes, seed):
    strongest = range(1, len(modes) + 1)
    return subject_of("2e-critical-values").make(risk, widths, list(strongest), seed)


FALSE: dict[str, list[Any]] = {
    "2e-gradient": [
        slot("2e-gradient", formula=swaps_the_sides),
        slot("2e-gradient", library=forgets_the_targets),
    ],
    "2e-not-global": [ones_everywhere, only_the_first_layer_zero],
    "2e-balance": [
        slot("2e-balance", formula=first_layer_twice_as_fast),
        slot("2e-balance", flow=crude_steps),
    ],
    "2e-modes": [
        lambda times, s, u, n: subject_of("2e-modes")(times / n, s, u, n),
        lambda times, s, u, n: subject_of("2e-modes")(times, s, u, 2),
    ],
    "2e-critical-values": [
        slot("2e-critical-values", values=only_the_strongest_modes),
        slot("2e-critical-values", make=off_by_a_mode),
        slot("2e-critical-values", maps=one_map_for_each_value),
        slot("2e-critical-values", maps=modes_of_the_fit_shrunk),
    ],
    "2e-white": [root_with_a_dead_column, modes_of_the_outputs],
    "2e-curvature": [
        slot("2e-curvature", formula=every_mixed_term_once),
        slot("2e-curvature", library=hessian_of_the_fit),
    ],
    "2e-swap": [
        slot("2e-swap", claimed=lambda kept, left: kept * (kept - left)),
        slot("2e-swap", claimed=lambda kept, left: kept**2 - left**2),
        slot("2e-swap", direction=turns_the_inputs_only),
    ],
    "2e-around": [lambda r, crossing: max(r, crossing), lambda r, crossing: r + min(crossing, 1)],
    "2e-no-spurious": [lower_by_second_order_only, far_away],
    "2e-bound": [
        slot("2e-bound", share=lambda point: 0),
        slot("2e-bound", share=lambda point: subject_of("2e-bound").share(point) / 2),
        slot("2e-bound", condition=tightened_at_some_pivot),
        slot("2e-bound", condition=tightened_with_any_modes),
    ],
    "2e-untightened": [ignores_what_the_layers_below_see],
    "2e-verdict": [
        slot("2e-verdict", rule=two_layer_rule),
        slot("2e-verdict", rule=pivots_first),
        slot("2e-verdict", rule=needs_full_rank),
        slot("2e-verdict", library=never_a_definite_word),
        slot("2e-verdict", library=calls_saddles_minima),
    ],
}
