import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitfalls.errors import CapacityError, InputError
from pitfalls.linear import SquaredRisk, classify, critical_point, end_to_end
from pitfalls.moments import SecondMoments
from tests.linear.problems import make_risk, risk_with_modes


@given(
    st.sampled_from([(5, 3), (5, 2, 3), (5, 4, 4, 3), (5, 4, 3, 4, 3), (5, 3, 4, 5, 4, 3)]),
    st.sampled_from([(), (1,), (2,), (3, 1), (1, 2)]),
    st.integers(0, 10**6),
)
@settings(max_examples=80, deadline=None)
def test_generated_points_are_critical_and_hold_the_modes(widths, modes, seed):
    risk = make_risk()
    if len(widths) == 2:  # a single layer has one critical point
        modes = (1, 2, 3)
    point = critical_point(risk, widths, modes, random_state=seed)
    sizes = [max(1.0, float(np.linalg.norm(w))) for w in point]
    size = np.linalg.norm(risk.moments.syx) * np.prod(sizes)
    assert all(np.linalg.norm(g) <= 1e-12 * size for g in risk.layer_gradients(point))
    values = np.linalg.svd(end_to_end(point) @ risk.modes.colour, compute_uv=False)
    held = risk.modes.values[[m - 1 for m in sorted(modes)]]
    np.testing.assert_allclose(values[: len(modes)], held, rtol=1e-8)
    np.testing.assert_allclose(values[len(modes) :], 0, atol=1e-9)


def test_points_of_rank_deficient_x_move_in_the_blind_directions():
    risk = make_risk(rank=3)
    point = critical_point(risk, (5, 4, 3), (1,))
    inside = risk.modes.whiten @ np.linalg.pinv(risk.modes.whiten)
    assert np.linalg.norm(point[0] - point[0] @ inside) > 0.1
    assert all(np.linalg.norm(g) < 1e-8 for g in risk.layer_gradients(point))


def test_the_same_seed_gives_the_same_point_and_another_one_another():
    risk = make_risk()
    a, b, c = (critical_point(risk, (5, 4, 3), (2,), random_state=s) for s in (1, 1, 2))
    assert all((v == w).all() for v, w in zip(a, b, strict=True))
    assert any((v != w).any() for v, w in zip(a, c, strict=True))


@pytest.mark.parametrize(
    ("modes", "kind", "widths", "message"),
    [
        ((2,), "global minimum", (5, 4, 4, 3), "is never a global minimum, only a strict saddle"),
        ((1, 2), "strict saddle", (5, 2, 3), "only a global minimum"),
        ((1,), "non-strict saddle", (5, 3, 3), "only a strict saddle"),
        ((1,), "global minimum", (5, 4, 4, 3), "only a strict saddle or a non-strict saddle"),
        ((0,), None, (5, 4, 3), "count from 1 to 3"),
        ((4,), None, (5, 4, 3), "count from 1 to 3"),
        (None, None, (4, 3), "must go from 5 to 3"),
    ],
)
def test_points_that_cannot_be_are_refused(modes, kind, widths, message):
    with pytest.raises(InputError, match=message):
        critical_point(make_risk(), widths, modes, kind)


@pytest.mark.parametrize("kind", [None, "global minimum"])
@pytest.mark.parametrize("modes", [None, (1, 2, 3)])
def test_one_layer_is_critical_where_it_holds_all_modes(kind, modes):
    risk = make_risk()
    (only,) = critical_point(risk, (5, 3), modes, kind)
    assert np.linalg.norm(risk.layer_gradients([only])[0]) < 1e-9
    np.testing.assert_allclose(only, risk.minimum().map, atol=1e-9)


@pytest.mark.parametrize(
    ("modes", "kind"),
    [
        ((2,), None),
        ((1, 2), None),
        ((), None),
        (None, "strict saddle"),
        (None, "non-strict saddle"),
    ],
)
def test_one_layer_has_no_other_critical_points(modes, kind):
    with pytest.raises(InputError, match="one layer is a convex problem"):
        critical_point(make_risk(), (5, 3), modes, kind)


def test_more_modes_than_fit_are_refused():
    with pytest.raises(CapacityError, match="2 modes do not fit: the narrowest width is 1"):
        critical_point(make_risk(), (5, 1, 3), (1, 2))


def test_zero_modes_cannot_be_held():
    with pytest.raises(InputError, match="count from 1 to 2"):
        critical_point(risk_with_modes([2.0, 1.0, 0.0]), (5, 4, 3), (3,))


@pytest.mark.parametrize("kept", [(), (1,), (1, 2)], ids=str)
@pytest.mark.parametrize("unit", [1.0, 1e40, 1e-40])
@pytest.mark.parametrize("seed", range(3))
def test_weights_that_the_data_cannot_see_move_nothing_that_they_see(seed, unit, kept):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((20, 4)), rng.standard_normal((20, 2))
    x[:, 0] = 0.0
    x[:, 3] = x[:, 1] + 2 * x[:, 2]
    risk = SquaredRisk(SecondMoments.from_arrays(x * [1, unit, 1 / unit, unit], y))
    point = critical_point(risk, (4, 2, 2), kept, random_state=seed)
    assert risk.modes.rank_x == 2
    assert np.all(point[0][:, 0] != 0)  # any weights, all the same
    found = classify(risk, point)
    assert found.verdict == ("global minimum" if len(kept) == 2 else "strict saddle")
    assert found.relative_gradient < 1e-12


@pytest.mark.parametrize("spread", [-1.0, 0.5, float("nan"), float("inf")])
def test_a_spread_that_bounds_no_condition_is_refused(spread):
    with pytest.raises(InputError, match="spread must be finite and at least 1"):
        critical_point(make_risk(), (5, 4, 3), (1,), spread=spread)


def test_a_mode_is_an_integer():
    plain = inspect.unwrap(critical_point)  # without the types that the tests hold it to
    with pytest.raises(InputError, match="a mode must be an integer"):
        plain(make_risk(), (5, 4, 3), (1.5,))
