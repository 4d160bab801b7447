import inspect

import numpy as np
import pytest
from sklearn.datasets import load_linnerud

from pitfalls.errors import DivergenceError, InputError
from pitfalls.linear import (
    SquaredRisk,
    aligned_start,
    balancedness,
    classify,
    critical_point,
    descend,
    end_to_end,
    mode_strength,
    nearest_saddle,
    small_start,
)
from pitfalls.linear import flow as flow_module
from pitfalls.moments import SecondMoments
from tests.kinds import of_kind
from tests.linear.problems import make_risk, random_weights, risk_with_modes


@pytest.mark.parametrize("method", ["gradient", "momentum", "flow"])
@pytest.mark.parametrize("widths", [(3, 4, 3), (3, 2, 4, 3)], ids=str)
def test_descent_ends_at_a_global_minimum(method, widths):
    risk = risk_with_modes([3.0, 2.0, 1.0]).whitened()
    found = descend(
        risk, small_start(widths, 0.5), method=method, steps=20_000, duration=60.0, tol=1e-9
    )
    assert found.stopped == "stationary"
    assert classify(risk, found.weights, tol=1e-7).verdict == "global minimum"
    excess = found.trajectory.excess
    assert abs(excess[-1]) < 1e-9
    if method != "momentum":
        assert (np.diff(excess) <= 1e-9).all()


@pytest.mark.parametrize("n_layers", [2, 3, 4])
def test_the_flow_follows_the_exact_solution_mode_by_mode(n_layers):
    risk = risk_with_modes([3.0, 2.0, 1.0]).whitened()
    start = aligned_start(risk, [3] * (n_layers + 1), 0.05)
    found = descend(risk, start, method="flow", records=50)
    for k, target in enumerate(risk.modes.values):
        wanted = mode_strength(found.trajectory.time, target, 0.05, n_layers)
        np.testing.assert_allclose(found.trajectory.strengths[:, k], wanted, rtol=1e-5)


def test_the_flow_conserves_the_differences_of_gram_matrices():
    risk = make_risk().whitened()
    start = small_start((3, 4, 3), 0.7)
    found = descend(risk, start, method="flow", duration=5.0)
    before = start[1].T @ start[1] - start[0] @ start[0].T
    after = found.weights[1].T @ found.weights[1] - found.weights[0] @ found.weights[0].T
    np.testing.assert_allclose(after, before, atol=1e-7)
    np.testing.assert_allclose(found.trajectory.balancedness, balancedness(start), rtol=1e-6)


def test_small_steps_of_gradient_descent_follow_the_flow():
    risk = risk_with_modes([2.0, 1.0]).whitened()
    start = small_start((2, 2, 2), 0.5)
    flow = descend(risk, start, method="flow", duration=2.0)
    steps = descend(risk, start, learning_rate=1e-4, steps=20_000, records=10)
    for a, b in zip(flow.weights, steps.weights, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


def test_descent_rests_on_a_saddle_and_leaves_it_when_asked_to():
    risk = make_risk()
    saddle = critical_point(risk, (5, 4, 4, 3), (2,))
    resting = descend(risk, saddle)
    assert (resting.stopped, resting.steps, resting.escapes) == ("stationary", 0, ())
    leaving = descend(risk, saddle, leave_saddles=True, steps=20_000, tol=1e-8)
    (first, *_) = leaving.escapes
    assert (first.verdict, first.modes, first.step) == ("strict saddle", (2,), 0)
    assert first.curvature < 0
    assert first.risk_after < first.risk_before
    assert abs(leaving.trajectory.excess[-1]) < 1e-6 * leaving.trajectory.excess[0]


def test_a_non_strict_saddle_is_left_in_a_random_direction():
    risk = make_risk().whitened()
    origin = [np.zeros((4, 3)), np.zeros((4, 4)), np.zeros((3, 4))]
    found = descend(risk, origin, leave_saddles=True, steps=20_000, tol=1e-8)
    assert found.escapes[0].verdict == "non-strict saddle"
    assert found.escapes[0].curvature == 0
    assert abs(found.trajectory.excess[-1]) < 1e-6 * found.trajectory.excess[0]


def test_small_starts_pass_one_saddle_after_the_other():
    risk = risk_with_modes([3.0, 1.5, 0.5]).whitened()
    found = descend(risk, small_start((3, 3, 3), 1e-3), method="flow", records=400)
    near = found.trajectory.saddle_distance < 0.1
    visited = found.trajectory.saddle_rank[near]
    assert list(dict.fromkeys(visited)) == [0, 1, 2, 3]


def test_steps_with_momentum_tell_the_time_of_the_flow_that_they_follow():
    risk = risk_with_modes([2.0, 1.0]).whitened()
    start = small_start((2, 2, 2), 0.5)
    rate, steps = 1e-4, 4_000
    found = descend(
        risk, start, method="momentum", momentum=0.5, learning_rate=rate, steps=steps, records=5
    )
    times = found.trajectory.time
    assert times[-1] == pytest.approx(steps * rate / (1 - 0.5))
    flow = descend(risk, start, method="flow", duration=float(times[-1]))
    np.testing.assert_allclose(
        found.trajectory.strengths[-1], flow.trajectory.strengths[-1], atol=2e-3
    )


def test_momentum_makes_the_default_rate_smaller_by_what_it_adds():
    risk, start = make_risk(), random_weights((5, 4, 3))
    plain = descend(risk, start, steps=1)
    for momentum in (0.5, 0.9):
        found = descend(risk, start, steps=1, method="momentum", momentum=momentum)
        assert found.learning_rate == pytest.approx((1 - momentum) * plain.learning_rate)


@pytest.mark.parametrize("widths", [(5, 3), (5, 2, 3), (5, 4, 4, 3)], ids=str)
def test_an_aligned_start_holds_every_mode_at_its_strength_whatever_the_inputs(widths):
    risk = make_risk(rank=4 if len(widths) == 3 else None)  # inputs far from white
    layers = aligned_start(risk, widths, 0.05)
    modes = risk.modes
    white = end_to_end(layers) @ modes.colour
    held = modes.left.T @ white @ modes.right
    wanted = np.diag([0.05] * min(widths) + [0.0] * (3 - min(widths)))
    np.testing.assert_allclose(held, wanted, atol=1e-12)
    if len(widths) > 2:
        assert balancedness(layers) < 1e-12


def test_the_flow_finishes_on_stiff_data():
    # linnerud about zero: modes of 768, 7 and .8, rates a million to one
    x, y = load_linnerud(return_X_y=True)
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    np.testing.assert_allclose(risk.modes.values, [767.75, 7.0944, 0.81843], rtol=1e-4)
    start = small_start((3, 4, 3), 0.1)
    found = descend(risk, start, method="flow", records=50)
    assert found.stopped == "stationary"
    assert found.steps < 20_000
    assert found.trajectory.excess[-1] < 1e-9 * found.trajectory.excess[0]
    assert (np.diff(found.trajectory.excess) <= 1e-9 * found.trajectory.excess[0]).all()
    before = start[1].T @ start[1] - start[0] @ start[0].T
    after = found.weights[1].T @ found.weights[1] - found.weights[0] @ found.weights[0].T
    np.testing.assert_allclose(after, before, atol=1e-7)


def test_the_flow_of_more_weights_than_a_jacobian_is_formed_for_is_the_same(monkeypatch):
    risk, start = make_risk().whitened(), small_start((3, 4, 3), 0.7)
    found = descend(risk, start, method="flow", duration=5.0)
    monkeypatch.setattr("pitfalls.linear.flow._DENSE", 0)
    explicit = descend(risk, start, method="flow", duration=5.0)
    for a, b in zip(found.weights, explicit.weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-8)


def test_divergence_stops_with_the_last_good_weights():
    risk = make_risk()
    with pytest.raises(DivergenceError, match="Take a learning rate below 1") as error:
        descend(risk, random_weights((5, 4, 3)), learning_rate=1.0)
    assert all(np.isfinite(w).all() for w in of_kind(tuple, error.value.last))


def test_the_default_learning_rate_never_goes_up():
    for seed in range(4):
        risk = make_risk(seed=seed)
        found = descend(risk, random_weights((5, 4, 4, 3), seed), steps=300)
        assert (np.diff(found.trajectory.risk) <= 1e-9 * found.trajectory.risk[0]).all()


def test_the_same_call_gives_the_same_bits_and_start_is_untouched():
    risk, start = make_risk(), random_weights((5, 4, 3))
    copies = [w.copy() for w in start]
    a, b = (descend(risk, start, steps=50, method="momentum") for _ in range(2))
    assert all((v == w).all() for v, w in zip(a.weights, b.weights, strict=True))
    assert all((v == w).all() for v, w in zip(start, copies, strict=True))


@pytest.mark.parametrize("method", ["gradient", "flow"])
def test_progress_is_told_and_may_end_the_work(method):
    seen = []
    descend(
        make_risk().whitened(),
        small_start((3, 4, 3), 0.5),
        method=method,
        duration=20.0,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1][0] == seen[-1][1]

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        descend(make_risk(), random_weights((5, 4, 3)), on_progress=stop)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "at least 1"),
        ({"momentum": 1.0}, "momentum in"),
        ({"learning_rate": -1.0}, "must be positive"),
        ({"learning_rate": float("nan")}, "must be positive"),
        ({"method": "flow", "duration": -1.0}, "duration must be positive"),
        ({"method": "flow", "leave_saddles": True}, "the flow leaves no saddles"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        descend(make_risk(), random_weights((5, 4, 3)), **arguments)


@pytest.mark.parametrize("name", ["steps", "records"])
@pytest.mark.parametrize("number", [10.5, float("nan"), True])
def test_a_number_of_steps_or_records_is_an_integer(name, number):
    plain = inspect.unwrap(descend)  # without the types that the tests hold it to
    with pytest.raises(InputError, match=f"{name} must be an integer"):
        plain(make_risk(), random_weights((5, 4, 3)), **{name: number})


def test_a_flow_from_a_dead_mode_asks_for_a_duration():
    with pytest.raises(InputError, match="a mode starts at zero"):
        descend(make_risk(), [np.zeros((4, 5)), np.zeros((3, 4))], method="flow")


def test_the_nearest_saddle_is_the_nearest_of_all_subsets():
    risk = risk_with_modes([3.0, 2.0, 1.0])
    modes = risk.modes
    for seed in range(20):
        rng = np.random.default_rng(seed)
        white = rng.standard_normal((3, 5)) + (modes.left * rng.uniform(0, 4, 3)) @ modes.right.T
        best = min(
            np.linalg.norm(white - (modes.left[:, s] * modes.values[s]) @ modes.right[:, s].T)
            for s in ([], [0], [1], [2], [0, 1], [0, 2], [1, 2])
        )
        assert nearest_saddle(risk, white, 2).distance == pytest.approx(best)


@pytest.mark.parametrize("method", ["gradient", "momentum", "flow"])
@pytest.mark.parametrize("size", [1e100, 1e308])
def test_a_start_beyond_all_numbers_is_refused_at_once(method, size):
    with pytest.raises(InputError, match="at the start the weights or the gradient are beyond"):
        descend(make_risk(), [np.full((4, 5), size), np.full((3, 4), size)], method=method)


def test_a_flow_whose_steps_become_too_short_ends_in_one_line_with_the_last_weights(monkeypatch):
    monkeypatch.setattr(flow_module, "_MOST", 300)
    risk = risk_with_modes([3.0, 2.0, 1.0]).whitened()
    start = aligned_start(risk, (3, 3, 3), 1e30)
    with pytest.raises(DivergenceError, match="too short: after 300 gradients") as caught:
        descend(risk, start, method="flow")
    assert "\n" not in str(caught.value)
    assert all(np.isfinite(w).all() for w in of_kind(tuple, caught.value.last))


def test_of_equal_modes_every_turn_is_a_critical_map():
    x, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((20, 3)))
    risk = SquaredRisk(SecondMoments.from_arrays(x, x * [1.0, 1.0, 0.5]))
    for angle in (0.3, 1.0, 2.5):
        v = np.array([np.cos(angle), np.sin(angle), 0.0])
        half = np.outer(v, v)
        assert max(np.linalg.norm(g) for g in risk.layer_gradients([half, half])) < 1e-14
        near = nearest_saddle(risk, half @ risk.modes.colour, 3)
        assert near.modes == (1,)
        assert near.distance < 1e-14


@pytest.mark.parametrize("rank", [-1, True])
def test_a_nearest_saddle_of_no_rank_is_refused(rank):
    risk = make_risk()
    with pytest.raises(InputError, match="nearest_saddle: max_rank must"):
        nearest_saddle(risk, risk.modes.correlation, rank)


def test_an_aligned_start_holds_every_mode_of_inputs_in_units_far_apart():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((100, 3))
    y = x @ rng.standard_normal((3, 3))
    risk = SquaredRisk(SecondMoments.from_arrays(x * [1.0, 1e6, 1e13], y))
    layers = aligned_start(risk, (3, 4, 3), 0.05)
    held = risk.modes.left.T @ end_to_end(layers) @ risk.modes.colour @ risk.modes.right
    np.testing.assert_allclose(held, 0.05 * np.eye(3), atol=1e-6)
