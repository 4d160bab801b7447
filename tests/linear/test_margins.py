"""A definite verdict has a margin: whole-numbered critical points, what is done to them, and the oracle."""

import itertools

import numpy as np
import pytest
import torch
from benchmarks.linear.exact_points import (
    ARCHITECTURES,
    draw_point,
    hessian,
    is_semidefinite,
    judge,
    mix,
    rational_hessian,
)
from benchmarks.linear.variants import VARIANTS, WELL_SCALED

from pitfalls.errors import InputError
from pitfalls.linear import (
    EscapeDirection,
    LayerGradientWitness,
    SquaredRisk,
    classify,
    critical_point,
    curvature_along,
    dense_hessian,
    optimality_certificate,
    risk_along,
)
from pitfalls.moments import SecondMoments
from tests.kinds import of_kind
from tests.linear.problems import make_risk, random_weights, remix, risk_with_modes

SAMPLE = 8


@pytest.mark.parametrize("name", VARIANTS)
def test_no_definite_verdict_is_wrong(name):
    undecided = 0
    for index in range(SAMPLE):
        case = VARIANTS[name](np.random.default_rng([3, index]))
        found = classify(case.risk, case.weights, confirm=index % 2 == 0)
        allowed = {case.truth, "undecided"} | (set() if case.critical else {"not critical"})
        assert found.verdict in allowed, (index, case.truth, found)
        undecided += found.verdict == "undecided"
        if found.verdict == "undecided":
            assert found.doubts
            assert found.witness is None
            assert found.decided_by == "nothing"
    assert undecided == 0 or name not in WELL_SCALED


@pytest.mark.parametrize("seed", range(24))
def test_the_oracle_and_the_theorem_agree_in_rational_arithmetic(seed):
    rng = np.random.default_rng(seed)
    widths = ARCHITECTURES[seed % len(ARCHITECTURES)]
    point = draw_point(rng, widths, (5.0, 4.0, 2.0, 2.0, 0.0))
    assert judge(point) == judge(point, exactly=True) == point.truth
    mixed = mix(point, rng)
    assert not any(g.any() for g in mixed.risk.layer_gradients(mixed.layers))
    whole = hessian(mixed.risk, mixed.layers)
    np.testing.assert_array_equal(whole, dense_hessian(mixed.risk, mixed.layers))
    if seed < 3:
        np.testing.assert_array_equal(whole, rational_hessian(mixed.risk, mixed.layers))
        if point.truth != "global minimum":
            assert is_semidefinite(whole) is (point.truth == "non-strict saddle")


def narrow_saddle(seed=0):
    """A non-strict saddle of widths 4-2-2-3-4 in whole numbers."""
    rng = np.random.default_rng(seed)
    while True:
        point = draw_point(rng, (4, 2, 2, 3, 4), (5.0, 4.0, 2.0, 1.0))
        if point.truth == "non-strict saddle":
            return mix(point, rng)


@pytest.mark.parametrize("size", [1e-7, 1e-9, 1e-12])
def test_noise_does_not_make_a_non_strict_saddle_strict(size):
    rng = np.random.default_rng(0)
    for seed in range(15):
        point = narrow_saddle(seed)
        risk = point.risk
        assert classify(risk, point.layers).verdict == "non-strict saddle"
        for _ in range(3):
            near = [w + size * rng.standard_normal(w.shape) for w in point.layers]
            # also where the caller lets a larger gradient pass
            for tol in (1e-8, 1e-5):
                assert classify(risk, near, tol=tol, confirm=False).verdict != "strict saddle"


@pytest.mark.parametrize("kind", ["global minimum", "strict saddle", "non-strict saddle"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, np.float32, np.float16])
def test_weights_are_judged_at_the_precision_they_come_in(kind, dtype):
    risk = make_risk()
    exact = critical_point(risk, (5, 4, 4, 3), kind=kind, spread=1.5)
    rounded = [
        torch.from_numpy(w).to(dtype) if isinstance(dtype, torch.dtype) else w.astype(dtype)
        for w in exact
    ]
    found = classify(risk, rounded).verdict
    single = dtype in (torch.float32, np.float32)
    assert found == kind or (not single and found == "undecided")
    # the same numbers in float64 are what is meant, and not critical
    doubled = [np.asarray(torch.as_tensor(w).double()) for w in rounded]
    assert classify(risk, doubled).verdict == "not critical"


@pytest.mark.parametrize("faint", [2.0**-12, 2.0**-24, 2.0**-40])
def test_a_faint_link_that_is_exact_makes_a_saddle_strict(faint):
    risk = draw_point(np.random.default_rng(0), (3, 3), (3.0, 2.0, 1.0)).risk
    point = [np.diag([1.0, 0, 0]), np.diag([1.0, faint, 0]), np.diag([3.0, 0, 0])]
    assert not any(g.any() for g in risk.layer_gradients(point))
    assert not is_semidefinite(hessian(risk, tuple(point)))
    found = classify(risk, point)
    assert found.verdict == "strict saddle"
    witness = of_kind(EscapeDirection, found.witness)
    assert witness.curvature == pytest.approx(-2 * faint, rel=0.01)


@pytest.mark.parametrize("faint", [2.0**-30, 2.0**-36, 2.0**-39])
def test_a_faint_link_among_rounding_is_never_taken_for_none(faint):
    risk = draw_point(np.random.default_rng(0), (3, 3), (3.0, 2.0, 1.0)).risk
    point = [np.diag([1.0, 0, 0]), np.diag([1.0, faint, 0]), np.diag([3.0, 0, 0])]
    told = {classify(risk, remix(point, 3.0, seed)).verdict for seed in range(12)}
    assert told <= {"strict saddle", "undecided"}


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e8])
def test_a_witness_lowers_the_risk_both_ways_by_its_step(scale):
    risk = make_risk()
    for modes in ((2,), (1,), ()):
        point = list(critical_point(risk, (5, 4, 4, 3), modes, "strict saddle"))
        point[0], point[1] = point[0] * scale, point[1] / scale
        witness = of_kind(EscapeDirection, classify(risk, point).witness)
        assert witness.curvature == pytest.approx(
            curvature_along(risk, point, witness.direction), rel=1e-6
        )
        down, here, up = risk_along(
            risk, point, witness.direction, witness.step * np.array([-1, 0, 1])
        )
        assert max(down, up) < here


def test_at_a_point_with_a_slope_a_witness_must_outweigh_it():
    risk = make_risk()
    point = critical_point(risk, (5, 4, 4, 3), (1,), "strict saddle")
    for size in (1e-10, 1e-6, 1e-3):
        near = [w + size * v for w, v in zip(point, random_weights((5, 4, 4, 3)), strict=True)]
        found = classify(risk, near, tol=0.1)
        assert found.verdict in ("strict saddle", "undecided")
        if found.verdict == "strict saddle":
            witness = of_kind(EscapeDirection, found.witness)
            ends = risk_along(risk, near, witness.direction, witness.step * np.array([-1, 1]))
            assert max(ends) < risk.value(near)
    assert found.verdict == "undecided"


@pytest.mark.parametrize("cut", [1e-9, 1e-12])
def test_a_small_mode_left_over_is_neither_nothing_nor_something(cut):
    risk = risk_with_modes([2.0, 1.0, cut])
    origin_held = critical_point(risk, (5, 4, 4, 3), (1, 2))
    found = classify(risk, origin_held)
    if risk.modes.rank == 3:
        assert found.verdict == "undecided"
        assert "small but not zero" in found.doubts[0]
    else:
        assert found.verdict == "global minimum"


def test_residuals_leave_nothing_to_learn_about_their_own_inputs():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 4)), rng.standard_normal((40, 3))
    y -= x @ np.linalg.lstsq(x, y, rcond=None)[0]
    squares = np.concatenate([x, -x])
    for risk in (
        SquaredRisk(SecondMoments.from_arrays(x, y)),
        SquaredRisk(SecondMoments.from_arrays(squares, squares[:, :3] ** 2)),
    ):
        for widths in ((4, 3), (4, 2, 3), (4, 3, 3, 3)):
            zero = [np.zeros((b, a)) for a, b in itertools.pairwise(widths)]
            found = classify(risk, zero)
            assert (found.verdict, found.rank, found.excess) == ("global minimum", 0, 0.0)
        out = np.zeros((3, 3))
        out[:, 2] = 1.0
        hidden = [
            np.vstack([np.eye(2, 4), np.zeros((1, 4))]),
            out,
        ]  # by a node that nothing reaches
        assert classify(risk, hidden).verdict == "global minimum"
        seen = [np.eye(3, 4), np.eye(3)]
        assert classify(risk, seen).verdict == "not critical"


def test_a_product_that_cancels_leaves_no_certificate():
    # the first two layers multiply to zero, up to rounding of full rank
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    first, second = (
        basis[:, :3] @ rng.standard_normal((3, 3)),
        rng.standard_normal((3, 3)) @ basis[:, 3:].T,
    )
    product = second @ first
    assert 0 < np.linalg.norm(product) < 1e-14
    assert np.linalg.matrix_rank(product) == 3
    found = optimality_certificate(
        make_risk(d=3, p=3),
        [first, second, rng.standard_normal((3, 3)), rng.standard_normal((3, 3))],
    )
    assert [c.sigma_before for c in found.conditions][2:] == [0.0, 0.0]
    # and the same on the way out
    turned = [rng.standard_normal((3, 3)), rng.standard_normal((3, 3)), first, second]
    found = optimality_certificate(make_risk(d=3, p=3), turned)
    assert [c.sigma_after for c in found.conditions][:2] == [0.0, 0.0]


def test_the_order_of_the_bytes_does_not_change_how_well_weights_are_known():
    risk = make_risk()
    point = critical_point(risk, (5, 4, 3), kind="global minimum")
    for order in "<>":
        assert classify(risk, [w.astype(f"{order}f4") for w in point]).verdict == "global minimum"


@pytest.mark.parametrize(("n_layers", "size"), [(3, 1e-100), (5, 1e-70), (10, 1e-150), (30, 1e-54)])
def test_small_layers_whose_products_vanish_are_not_taken_for_zero(n_layers, size):
    rng = np.random.default_rng(0)
    risk = make_risk(d=3)
    weights = [size * rng.standard_normal((3, 3)) for _ in range(n_layers)]
    assert classify(risk, weights).verdict == "not critical"
    weights[0] = 1e-12 * weights[0]
    if size < 1e-140:
        with pytest.raises(InputError, match="a layer that is not zero must have a weight above"):
            classify(risk, weights)
    zero = classify(risk, [0 * w for w in weights]).verdict
    assert zero == "non-strict saddle"


@pytest.mark.parametrize("size", [1e-30, 1e-100, 1e-140])
def test_the_gradient_that_is_shown_is_not_lost_in_its_squares(size):
    rng = np.random.default_rng(0)
    risk = make_risk(d=3)
    weights = [rng.standard_normal((3, 3)) for _ in range(3)]
    small = classify(risk, [size * w for w in weights]).witness
    # the terms of third order in the weights are nothing beside those that the data make
    syx = risk.moments.syx
    due = [
        np.linalg.norm(weights[1].T @ weights[2].T @ syx),
        np.linalg.norm(weights[2].T @ syx @ weights[0].T),
        np.linalg.norm(syx @ (weights[1] @ weights[0]).T),
    ]
    np.testing.assert_allclose(
        np.array(of_kind(LayerGradientWitness, small).norms) / size / size, due, rtol=1e-9
    )


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("near", [1e-3, 1e-5, 1e-6])
def test_a_minimum_on_nearly_dependent_columns_is_never_not_critical(near, center):
    for seed in range(4):
        a, b, c = np.random.default_rng(seed).normal(size=(3, 30))
        x = np.column_stack(
            [a, a + near * b, c, 2 * a + near * b]
        )  # the last depends on the first two
        y = np.column_stack([b, c]) + 0.1 * np.random.default_rng(seed + 9).normal(size=(30, 2))
        risk = SquaredRisk(SecondMoments.from_arrays(x, y, center=center))
        least = critical_point(risk, (4, 3, 2), kind="global minimum", random_state=seed)
        if center:
            x, y = x - x.mean(axis=0), y - y.mean(axis=0)
        value = 0.5 * float(np.sum((x @ (least[1] @ least[0]).T - y) ** 2))
        rest = y - x @ np.linalg.lstsq(x, y, rcond=1e-10)[0]
        assert value == pytest.approx(0.5 * float(np.sum(rest**2)), rel=1e-2)
        point = classify(risk, least)
        assert (
            point.verdict == "global minimum" if near == 1e-3 else point.verdict != "not critical"
        )
        assert point.risk == pytest.approx(value, abs=risk.rounding(least))
        assert abs(point.excess) < risk.rounding(least)
