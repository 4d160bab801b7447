"""Inner parts of verdict, gauge, certificate and descent against what they say of themselves."""

from dataclasses import replace

import numpy as np
import pytest

import pitfalls.linear.classification as classification
from pitfalls.linear import (
    SquaredRisk,
    classify,
    critical_point,
    curvature_along,
    descend,
    optimality_certificate,
    small_start,
)
from pitfalls.linear.curvature import flatten
from pitfalls.linear.descent import _push
from pitfalls.linear.escape import steepest_in_span
from pitfalls.linear.gauge import isometric_gauge
from pitfalls.linear.pivots import measure_pivots
from pitfalls.linear.slices import _product_error
from pitfalls.linear.white import WhitePoint, _gauge_gradients
from pitfalls.moments import SecondMoments
from tests.kinds import there
from tests.linear.problems import data, make_risk, random_weights, risk_with_modes


def test_the_steepest_direction_of_a_span_is_as_low_as_any_in_it():
    risk, layers = make_risk(d=3, p=2), random_weights((3, 4, 3, 2))
    rng = np.random.default_rng(1)
    moves = []
    for i, size in ((0, 30.0), (2, 0.02)):  # of lengths far apart
        moves.append([np.zeros_like(w) for w in layers])
        moves[-1][i] = size * rng.standard_normal(layers[i].shape)
    same_length, _ = steepest_in_span(risk, layers, moves)
    one, other = ([w / np.linalg.norm(flatten(move)) for w in move] for move in moves)
    angles = np.linspace(0, np.pi, 2001)
    around = [
        curvature_along(
            risk, layers, [np.cos(t) * a + np.sin(t) * b for a, b in zip(one, other, strict=True)]
        )
        for t in angles
    ]
    assert curvature_along(risk, layers, same_length) == pytest.approx(min(around), rel=1e-5)
    assert curvature_along(risk, layers, same_length) <= min(around) + 1e-12


def test_what_was_cut_of_the_next_layer_is_told_too():
    # the first layer reaches one node of two, and the next hardly listens to the other
    gauge = isometric_gauge([np.array([[1.0], [0.0]]), np.array([[1.0, 1e-12]])], 1e-13)
    assert gauge.cut == pytest.approx(1e-12, rel=1e-3, abs=0)


def test_the_excess_that_a_certificate_bounds_follows_from_gradient_and_data():
    x, y = data(n=60, d=3, p=3)
    risk = SquaredRisk(SecondMoments.from_arrays(x * [100.0, 30.0, 10.0], y))
    found = optimality_certificate(risk, random_weights((3, 3, 3)))
    best = min(c.gradient_norm / c.constant for c in found.conditions)
    smallest = np.linalg.svd(x * [100.0, 30.0, 10.0], compute_uv=False)[-1]
    assert found.excess_bound == pytest.approx(0.5 * (best / smallest) ** 2, rel=1e-9)
    assert found.excess <= found.excess_bound


def test_the_rounding_of_an_inner_product_is_at_least_that_of_either_factor():
    rng = np.random.default_rng(0)
    a, made_a, b, made_b = rng.uniform(0, 1, (4, 3, 3))
    both = _product_error(a, made_a, b, made_b, 0.0)
    assert both == pytest.approx(_product_error(b, made_b, a, made_a, 0.0), rel=1e-15)
    for first, second in ((a, made_b), (made_a, b)):
        assert both > np.sqrt(np.sum(first * second))


def test_curvature_that_the_pivots_deny_leaves_the_point_undecided(monkeypatch):
    risk = risk_with_modes([3.0, 2.0, 1.0])
    saddle = critical_point(risk, [5, 4, 4, 3], kind="non-strict saddle")
    assert classify(risk, saddle).verdict == "non-strict saddle"
    add = classification._Draft.add

    def seen(self, directions, origin):
        return origin == "Lanczos" or add(self, directions, origin)

    monkeypatch.setattr(classification._Draft, "add", seen)
    found = classify(risk, saddle)
    assert found.verdict == "undecided"
    assert "a curvature below zero was measured" in found.doubts[-1]


def test_a_push_off_a_saddle_is_as_long_as_it_says():
    risk = risk_with_modes([3.0, 2.0, 1.0])
    saddle = list(critical_point(risk, [5, 4, 3], modes=[2]))
    escape, beside = there(_push(risk, saddle, 0, np.random.default_rng(0)))
    length = np.linalg.norm(flatten(beside) - flatten(saddle))
    assert escape.radius == pytest.approx(length, rel=1e-9)
    assert risk.value(beside) < risk.value(saddle)


def test_progress_of_the_flow_runs_up_to_its_end():
    risk = risk_with_modes([3.0, 2.0, 1.0])
    seen: list[tuple[int, int]] = []
    for duration in (0.01, 40.0):
        seen.clear()
        descend(
            risk, small_start([5, 3, 3], 0.3), method="flow", duration=duration,
            on_progress=lambda done, total: seen.append((done, total)),
        )  # fmt: skip
        done = [first for first, _ in seen]
        assert done == sorted(done)
        assert seen[-1] == (1000, 1000)
        assert max(done) <= 1000
        if duration > 1:
            assert len(set(done)) > 3  # the first reports are no ends


def test_a_point_without_modes_moves_in_the_directions_that_no_row_has():
    x, y = data(rank=3)
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    first = critical_point(risk, [5, 4, 3], modes=[])[0]
    blind = np.eye(5) - np.linalg.pinv(x) @ x
    assert np.linalg.norm(first @ blind) > 0.1


@pytest.mark.parametrize(("share", "critical"), [(2e-6, True), (2e-5, False)])
def test_what_float32_hides_of_a_gradient_grows_with_the_root_of_the_layers(share, critical):
    risk = risk_with_modes([3.0, 2.0, 1.0])
    layers = list(critical_point(risk, [5, 4, 4, 4, 3], modes=[1, 2, 3]))
    away = random_weights([5, 4, 4, 4, 3], seed=3)
    size = 1e-4
    for _ in range(40):  # to a relative gradient of the share asked for
        moved = [w + size * v for w, v in zip(layers, away, strict=True)]
        found = classify(risk, moved, tol=1e-15).relative_gradient
        if abs(found / share - 1) < 0.02:
            break
        size *= share / found
    verdict = classify(risk, [w.astype(np.float32) for w in moved]).verdict
    assert (verdict != "not critical") is critical


def test_gradients_in_the_gauge_do_not_grow_with_the_last_layer():
    first, last = random_weights((4, 4, 3))
    first = np.linalg.qr(first)[0]
    residual = np.random.default_rng(2).standard_normal((3, 4))
    once, tenfold = (_gauge_gradients([first, c * last], residual, 1.0) for c in (1.0, 10.0))
    assert tenfold == pytest.approx(once, rel=1e-12)
    assert _gauge_gradients([first, last], residual, 5.0) == pytest.approx([g / 5 for g in once])


def test_a_pivot_whose_block_lies_between_rounding_and_rank_is_doubtful_unless_the_other_decides():
    risk = risk_with_modes([3.0, 2.0, 1.0])
    layers = critical_point(risk, [5, 4, 3], modes=[2])
    point = WhitePoint.of(layers, risk.modes, 1e-16, exact=False)
    (clear,) = measure_pivots(point, 1)
    assert (clear.tightened, clear.doubtful) == (False, False)
    around = np.linalg.svd(point.around(2, 1), compute_uv=False)[0]
    noise = around / float(point.left[0]) / (30.0 * 10.0)  # ten times what counts as zero
    (doubtful,) = measure_pivots(replace(point, noise=noise), 1)
    assert doubtful.doubtful
