import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitfalls.errors import InputError
from pitfalls.linear import (
    CriticalKind,
    EscapeDirection,
    GlobalMinimumWitness,
    LayerGradientWitness,
    SaddleWitness,
    SquaredRisk,
    classify,
    critical_point,
    curvature_along,
    factorize,
    lowest_curvature,
    risk_along,
)
from pitfalls.moments import SecondMoments
from tests.kinds import of_kind, there
from tests.linear.problems import (
    make_risk,
    random_weights,
    remix,
    risk_with_modes,
    spectrum_verdict,
)

ARCHITECTURES = [
    (5, 5, 3),
    (5, 2, 3),
    (4, 7, 3),
    (5, 4, 4, 3),
    (5, 4, 2, 4),
    (2, 4, 4, 3),
    (5, 4, 4, 2),
    (3, 4, 4, 5),
    (4, 4, 4, 4, 4),
    (5, 4, 3, 4, 3),
    (4, 3, 3, 3, 3, 3),
    (5, 3, 4, 2, 3, 4),
]
RISKS = {
    "generic": lambda d, p, seed: make_risk(d=d, p=p, seed=seed),
    "repeated modes": lambda d, p, seed: risk_with_modes([2.0] * (p - 1) + [1.0], d=d, seed=seed),
    "zero mode": lambda d, p, seed: risk_with_modes([*np.arange(p, 1, -1.0), 0.0], d=d, seed=seed),
    "rank-deficient X": lambda d, p, seed: make_risk(d=d, p=p, rank=max(1, d - 1), seed=seed),
    "n < d": lambda d, p, seed: make_risk(n=max(1, d - 1), d=d, p=p, seed=seed),
}


@pytest.mark.parametrize("kind", RISKS)
@pytest.mark.parametrize("widths", ARCHITECTURES, ids=str)
def test_verdicts_equal_the_dense_spectrum(widths, kind):
    for seed in range(4):
        risk = RISKS[kind](widths[0], widths[-1], seed)
        rng = np.random.default_rng(seed)
        top = min(risk.modes.rank, *widths)
        rank = int(rng.integers(0, top + 1))
        modes = list(range(1, rank + 1))
        if seed % 3 == 2 and rank:
            modes = [int(m) + 1 for m in rng.choice(risk.modes.rank, rank, replace=False)]
        point = critical_point(risk, widths, modes, random_state=seed, spread=5.0)
        found = classify(risk, point)
        assert found.verdict == spectrum_verdict(point, risk), (seed, found)
        assert found.rank == rank


@given(
    widths=st.sampled_from([(5, 2, 3), (5, 4, 4, 3), (5, 4, 3, 4, 3), (4, 3, 3, 3, 3, 3)]),
    modes=st.sampled_from([(), (1,), (2,), (1, 2), (2, 3), (1, 3)]),
    seed=st.integers(0, 1000),
    condition=st.sampled_from([1.0, 3.0, 10.0, 100.0]),
)
@settings(max_examples=60, deadline=None)
def test_the_verdict_does_not_change_under_other_hidden_coordinates(widths, modes, seed, condition):
    risk = make_risk(d=widths[0], p=widths[-1])
    point = critical_point(risk, widths, modes, random_state=seed)
    before = classify(risk, point, confirm=False)
    after = classify(risk, remix(point, condition, seed), confirm=False)
    assert (after.verdict, after.rank, after.modes) == (before.verdict, before.rank, before.modes)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize("side", ["x", "y"])
def test_the_verdict_does_not_depend_on_units(scale, side):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 5)), rng.standard_normal((40, 3))
    moments = SecondMoments.from_arrays(x, y)
    for kind in ("global minimum", "strict saddle", "non-strict saddle"):
        point = critical_point(SquaredRisk(moments), (5, 4, 4, 3), kind=kind)
        if side == "x":
            moved = [point[0] / scale, *point[1:]]
        else:
            moved = [*point[:-1], point[-1] * scale]
        assert classify(SquaredRisk(moments.rescaled(scale, of=side)), moved).verdict == kind


def test_points_that_are_not_critical_show_their_gradients():
    risk = make_risk()
    weights = random_weights((5, 4, 3))
    found = classify(risk, weights)
    assert (found.verdict, found.decided_by, found.modes) == ("not critical", "gradient", ())
    assert isinstance(found.witness, LayerGradientWitness)
    wanted = [np.linalg.norm(g) for g in risk.layer_gradients(weights)]
    np.testing.assert_allclose(found.witness.norms, wanted)


@pytest.mark.parametrize("size", [1e-2, 1e-4])
def test_small_weights_near_the_origin_are_not_critical(size):
    weights = [size * w for w in random_weights((5, 4, 4, 3))]
    assert classify(make_risk(), weights).verdict == "not critical"


@pytest.mark.parametrize(
    ("modes", "origin"), [((2,), "swap of modes"), ((1,), "pivot"), ((), "pivot")]
)
def test_the_witness_of_a_strict_saddle_goes_down(modes, origin):
    risk = make_risk()
    point = critical_point(risk, (5, 4, 4, 3), modes, kind="strict saddle")
    found = classify(risk, point)
    assert isinstance(found.witness, EscapeDirection)
    assert found.witness.origin.startswith(origin)
    direction = found.witness.direction
    assert np.sqrt(sum(np.sum(v**2) for v in direction)) == pytest.approx(1)
    curvature = curvature_along(risk, point, direction)
    assert curvature == pytest.approx(found.witness.curvature)
    length = 1e-3
    down, _, up = risk_along(risk, point, direction, np.array([-length, 0.0, length]))
    here = risk.value(point)
    assert max(down, up) < here
    assert (down + up - 2 * here) / length**2 == pytest.approx(curvature, rel=1e-2)


def test_the_witness_of_a_global_minimum_carries_its_numbers():
    risk = make_risk()
    values = risk.modes.values
    bottleneck = classify(risk, critical_point(risk, (5, 2, 3), (1, 2)))
    assert isinstance(bottleneck.witness, GlobalMinimumWitness)
    assert (bottleneck.witness.rank, bottleneck.witness.max_rank) == (2, 2)
    assert bottleneck.witness.weakest_kept == pytest.approx(values[1])
    assert bottleneck.witness.strongest_left == pytest.approx(values[2])
    assert not bottleneck.witness.certificate.holds
    assert abs(bottleneck.excess) < 1e-9 * np.sum(values**2)
    full = classify(risk, critical_point(risk, (5, 5, 3), (1, 2, 3)))
    certificate = of_kind(GlobalMinimumWitness, full.witness).certificate
    assert certificate.holds
    assert certificate.excess_bound < 1e-12


def test_the_witness_of_a_non_strict_saddle_is_the_lack_of_negative_curvature():
    risk = make_risk()
    point = critical_point(risk, (5, 4, 4, 3), (1,), kind="non-strict saddle")
    found = classify(risk, point)
    assert isinstance(found.witness, SaddleWitness)
    assert found.tightened
    lowest, largest = found.witness.lowest_curvature, found.witness.largest_curvature
    assert abs(there(lowest)) < 1e-6 * there(largest)
    unconfirmed = of_kind(SaddleWitness, classify(risk, point, confirm=False).witness)
    assert unconfirmed.lowest_curvature is None


def test_excess_of_a_saddle_is_half_the_modes_it_misses():
    risk = make_risk()
    found = classify(risk, critical_point(risk, (5, 4, 4, 3), (2,)))
    assert found.modes == (2,)
    missed = risk.modes.values[[0, 2]]
    assert found.excess == pytest.approx(0.5 * np.sum(missed**2))
    assert found.risk == pytest.approx(risk.minimum().value + found.excess)


def test_the_origin_is_strict_for_two_layers_and_not_for_three():
    risk = make_risk()
    two = classify(risk, [np.zeros((4, 5)), np.zeros((3, 4))])
    three = classify(risk, [np.zeros((4, 5)), np.zeros((4, 4)), np.zeros((3, 4))])
    assert (two.verdict, three.verdict) == ("strict saddle", "non-strict saddle")
    witness = of_kind(SaddleWitness, three.witness)
    assert (witness.lowest_curvature, witness.largest_curvature) == (0, 0)


def test_balanced_layers_of_a_lower_rank_are_non_strict_from_three_layers_on():
    risk = make_risk()
    best = risk.minimum(1).map
    assert classify(risk, factorize(best, (5, 4, 3))).verdict == "strict saddle"
    assert classify(risk, factorize(best, (5, 4, 4, 3))).verdict == "non-strict saddle"


def test_one_layer_is_convex():
    risk = make_risk()
    assert classify(risk, [risk.minimum().map]).verdict == "global minimum"
    assert classify(risk, [np.zeros((3, 5))]).verdict == "not critical"


def test_width_one_everywhere():
    risk = make_risk(d=1, p=1)
    slope = risk.minimum().map
    assert classify(risk, [slope, np.eye(1), np.eye(1)]).verdict == "global minimum"
    assert classify(risk, [np.zeros((1, 1))] * 3).verdict == "non-strict saddle"
    assert classify(risk, [np.zeros((1, 1))] * 2).verdict == "strict saddle"


def test_data_without_correlation_make_every_zero_map_a_minimum():
    x = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    y = np.array([[1.0], [1.0], [-1.0], [-1.0]])
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    assert classify(risk, [np.zeros((2, 1)), np.zeros((1, 2))]).verdict == "global minimum"
    assert classify(risk, [np.ones((2, 1)), np.ones((1, 2))]).verdict == "not critical"


@pytest.mark.parametrize(
    ("risk", "failing"),
    [
        (make_risk(), []),
        (make_risk(d=2, p=3), ["p <= d", "Y'X of rank p"]),
        (make_risk(rank=4), ["S_xx invertible"]),
        (risk_with_modes([2.0, 2.0, 1.0]), ["distinct modes"]),
        (risk_with_modes([2.0, 1.0, 0.0]), ["Y'X of rank p"]),
    ],
)
def test_assumptions_that_fail_are_named(risk, failing):
    widths = (risk.n_features, 4, risk.n_outputs)
    found = classify(risk, critical_point(risk, widths, kind="global minimum"))
    assert found.decided_by == ("value" if failing else "theorem")
    assert len(found.failing) == len(failing)
    for name, wanted in zip(found.failing, failing, strict=True):
        assert name.startswith(wanted)


@pytest.mark.parametrize("held", [(1, 2), (1, 3)])
@pytest.mark.parametrize("gap", [1e-12, 1e-10, 1e-9, 4e-9, 1e-8, 3e-8, 9e-8])
def test_modes_closer_than_the_tolerance_are_undecided_from_either_side(gap, held):
    risk = risk_with_modes([2.0, 1.0 + gap, 1.0])
    found = classify(risk, critical_point(risk, (5, 2, 3), held))
    assert found.verdict == "undecided"
    assert found.doubts == ("a mode left over equals a mode kept to within tolerance",)


@pytest.mark.parametrize("held", [(1, 2), (1, 3)])
@pytest.mark.parametrize("gap", [0.0, 3e-7, 1e-3])
def test_modes_that_are_equal_or_apart_are_decided(gap, held):
    risk = risk_with_modes([2.0, 1.0 + gap, 1.0])
    found = classify(risk, critical_point(risk, (5, 2, 3), held))
    weaker = gap > 0 and held == (1, 3)
    assert found.verdict == ("strict saddle" if weaker else "global minimum")


def test_an_almost_lost_direction_is_undecided():
    risk = make_risk()
    point = list(critical_point(risk, (5, 4, 4, 3), (1, 2, 3), spread=1.0))
    point[1] = point[1] @ np.diag([1, 1, 1, 1e-9]) @ np.linalg.qr(np.ones((4, 4)) + np.eye(4))[0]
    found = classify(risk, point)
    assert found.verdict in ("undecided", "not critical", "global minimum")


def test_points_within_tolerance_of_a_minimum_count_as_it():
    risk = make_risk()
    point = critical_point(risk, (5, 2, 3), (1, 2))
    near = [w + 1e-10 * v for w, v in zip(point, random_weights((5, 2, 3)), strict=True)]
    assert classify(risk, near).verdict == "global minimum"
    far = [w + 1e-3 * v for w, v in zip(point, random_weights((5, 2, 3)), strict=True)]
    assert classify(risk, far).verdict == "not critical"
    loose = classify(risk, far, tol=0.1)
    assert loose.verdict == "undecided"
    assert "hides the ranks" in loose.doubts[-1]


def test_hidden_coordinates_beyond_rounding_are_undecided_not_guessed():
    risk = make_risk()
    point = list(critical_point(risk, (5, 4, 4, 3), (1, 2), "strict saddle"))
    scale = np.diag([1e7, 1e3, 1e-3, 1e-7])
    mixed = scale @ np.linalg.qr(np.arange(16.0).reshape(4, 4) + np.eye(4))[0]
    point[0], point[1] = mixed @ point[0], point[1] @ np.linalg.inv(mixed)
    assert classify(risk, point).verdict in ("strict saddle", "undecided")


def test_same_point_gives_the_same_verdict_twice():
    risk = make_risk()
    point = critical_point(risk, (5, 4, 4, 3), (2,))
    first, second = classify(risk, point), classify(risk, point)
    ones, others = (of_kind(EscapeDirection, found.witness) for found in (first, second))
    assert ones.curvature == others.curvature


def test_the_constructed_direction_comes_close_to_the_steepest():
    risk = make_risk()
    for seed in range(5):
        point = critical_point(risk, (5, 4, 4, 3), (1,), "strict saddle", seed)
        best = lowest_curvature(risk, point)
        found = of_kind(EscapeDirection, classify(risk, point).witness).curvature
        assert best.value <= found * (1 - 1e-9) + 1e-9
        assert found < 1e-3 * best.value


def test_weights_of_other_widths_are_refused():
    with pytest.raises(InputError, match="classify: the weights map 4 inputs"):
        classify(make_risk(), random_weights((4, 3)))


def test_wide_networks_are_classified_without_a_dense_hessian():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 96))
    y = x @ rng.standard_normal((96, 64)) + rng.standard_normal((400, 64))
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    widths = (96, 96, 64, 96, 64)
    kinds: tuple[tuple[range, CriticalKind], ...] = (
        (range(1, 40), "non-strict saddle"),
        (range(1, 40), "strict saddle"),
        (range(1, 65), "global minimum"),
    )
    for modes, kind in kinds:
        point = critical_point(risk, widths, list(modes), kind)
        assert classify(risk, point, confirm=False).verdict == kind
