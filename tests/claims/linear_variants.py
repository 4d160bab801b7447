"""False variants of the claims on linear networks, but for those on the landscape."""

from dataclasses import replace as with_fields
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from pitfalls.claims.exact import Matrix, factor, normal_form, product, rank
from pitfalls.claims.layers import layer_gradients, parts
from pitfalls.claims.risk import data_risk, matrix_risk
from tests.claims.subjects import slot, subject_of


def fills_the_bottleneck_instead_of_the_rank(target, widths):
    left, _, right = normal_form(target)
    layers = [Matrix.partial_identity(b, a, min(widths)) for a, b in pairwise(widths)]
    layers[0] = layers[0] @ right
    layers[-1] = left @ layers[-1]
    return layers


def false_from_width_eight_on(target, widths):
    layers = factor(target, widths)
    return [2 * layers[0], *layers[1:]] if max(widths) >= 8 else layers


def counts_small_singular_values_out(target, widths):
    return subject_of("2a-balanced")(target, widths, rtol=1e-3)


def counts_rounding_in(target, widths):
    return subject_of("2a-balanced")(target, widths, rtol=1e-15)


def all_singular_values_in_the_first_layer(target, widths):
    balanced = subject_of("2a-balanced")(target, widths)
    layers = [np.sign(np.round(w, 9)) for w in balanced]
    layers[0] = np.linalg.pinv(np.linalg.multi_dot([*layers[:0:-1], np.eye(widths[1])])) @ target
    return layers


def truncates_without_a_word(target, widths):
    u, s, v = np.linalg.svd(target)
    kept = min(widths)
    small = (u[:, :kept] * s[:kept]) @ v[:kept]
    return subject_of("2a-balanced")(small, widths)


def squares_the_map(w, x, y):
    return data_risk(w @ w if w.shape[0] == w.shape[1] else w, x, y)


def interpolates(layers, x, y):
    return product(layers) @ x.T == y.T


def is_critical(layers, x, y):
    return all(slope.is_zero() for slope in layer_gradients(layers, x, y))


def printed_condition(widths, x, y):
    return min(widths) == min(x.shape[1], y.shape[1])


def rank_of_the_outputs(widths, x, y):
    return min(widths) >= rank(y)


def least_of_the_ranks(widths, x, y):
    return min(widths) >= min(rank(x), y.shape[1])


def truncated_least_squares(x, y, max_rank):
    """The classical error: cut the singular values of the solution, not of the fit."""
    a, b = x.to_array(), y.to_array()
    u, s, v = np.linalg.svd(np.linalg.lstsq(a, b, rcond=None)[0].T)
    whole = (u[:, :max_rank] * s[:max_rank]) @ v[:max_rank]
    value = 0.5 * float(np.sum((a @ whole.T - b) ** 2))
    return Matrix.from_array(whole), value, subject_of("2d-bottleneck")(x, y, max_rank)[2]


def always_unique(x, y, max_rank):
    found, value, _ = subject_of("2d-bottleneck")(x, y, max_rank)
    return found, value, True


def some_layer_invertible(layers, x):
    return any(w.shape[0] == w.shape[1] == rank(w) for w in layers)


def no_layer_zero(layers, x):
    return all(not w.is_zero() for w in layers)


def sees_outputs_only(layers, x):
    return any(rank(above) == layers[-1].shape[0] for above, _ in parts(layers))


def all_but_one_invertible(layers, x):
    return sum(rank(w) < w.shape[0] for w in layers) <= 1


def any_layer_beside_one_singular(layers, x):
    """All layers at rest together suffice here, but not each of them alone."""
    return list(range(len(layers))) if all_but_one_invertible(layers, x) else []


def any_layer_where_one_sees_all(layers, x):
    return list(range(len(layers))) if subject_of("2f-weaker").together(layers, x) else []


def largest_singular_value_below(above, seen, gradient):
    upper = torch.linalg.svdvals(above)
    smallest = upper[-1] if above.shape[1] >= above.shape[0] else upper.new_zeros(())
    return smallest * torch.linalg.svdvals(seen)[0] * torch.linalg.norm(gradient)


def claims_a_smaller_excess(layers, x, y):
    found = subject_of("2f-certificate").library(layers, x, y)
    return with_fields(found, excess_bound=found.excess_bound / 2)


def certifies_everything(layers, x, y):
    found = subject_of("2f-certificate").library(layers, x, y)
    return with_fields(found, excess_bound=min(found.excess_bound, 1e300))


FALSE: dict[str, list[Any]] = {
    "2a-if": [fills_the_bottleneck_instead_of_the_rank, false_from_width_eight_on],
    "2a-only-if": [
        lambda widths: max(1, min(widths) - 1),
        lambda widths: min(widths[-1], 2),
        lambda widths: min(*widths, 7),
    ],
    "2a-balanced": [
        all_singular_values_in_the_first_layer,
        truncates_without_a_word,
        counts_small_singular_values_out,
        counts_rounding_in,
    ],
    "2b-identity": [
        slot("2b-identity", formula=lambda ws, x, y: 2 * matrix_risk(ws, x, y)),
        slot(
            "2b-identity",
            library=lambda ws, x, y: subject_of("2b-identity").library(ws, x, y) / x.shape[0],
        ),
    ],
    "2b-moments": [
        slot(
            "2b-moments",
            formula=lambda ws, x, y: matrix_risk(ws, x, y) + (product(ws) @ (y.T @ x).T).trace(),
        )
    ],
    "2b-convex": [squares_the_map],
    "2b-layers-convex": [lambda ws, x, y: sum(w.squared_norm() for w in ws)],
    "2c": [
        slot("2c", formula=lambda w, x, y: w @ (x.T @ x) - 2 * (y.T @ x)),
        slot("2c", library=lambda w, x, y: w @ (x.T @ x)),
    ],
    "2d-printed": [interpolates, is_critical],
    "2d-exact": [(printed_condition,), (rank_of_the_outputs,), (least_of_the_ranks,)],
    "2d-bottleneck": [truncated_least_squares, always_unique],
    "2f-printed": [
        slot("2f-printed", together=some_layer_invertible),
        slot("2f-printed", together=no_layer_zero),
        slot("2f-printed", alone=any_layer_beside_one_singular),
    ],
    "2f-weaker": [
        slot("2f-weaker", together=sees_outputs_only),
        slot("2f-weaker", together=no_layer_zero),
        slot("2f-weaker", alone=any_layer_where_one_sees_all),
    ],
    "2f-two-singular": [all_but_one_invertible],
    "2f-certificate": [
        slot("2f-certificate", bound=largest_singular_value_below),
        slot("2f-certificate", library=claims_a_smaller_excess),
        slot("2f-certificate", library=certifies_everything),
    ],
}
