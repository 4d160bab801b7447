"""Linear separability: decided rightly, and each witness proven by other means than its own."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression

from pitfalls.errors import InputError
from pitfalls.images import decide_separability
from pitfalls.images.linear.separability import _Problem
from pitfalls.images.linear.separability_witness import (
    Combination,
    LinearMap,
    excludes_separation,
    proven_margin,
    whole_multipliers,
)
from tests.kinds import of_kind, there


def kesler(X, at, k):
    """All constraints (e_y − e_j)⊗(x, 1), written out one by one."""
    rows = []
    for x, y in zip(X, at, strict=True):
        for j in range(k):
            if j != y:
                row = np.zeros((k, X.shape[1] + 1))
                row[y] += [*x, 1.0]
                row[j] -= [*x, 1.0]
                rows.append(row.ravel())
    return np.array(rows)


def oracle(X, at, k):
    """A linear programme over all constraints: small whole data, so that its answer is clear."""
    A = kesler(X, at, k)
    answer = linprog(np.zeros(A.shape[1]), A_ub=-A, b_ub=-np.ones(len(A)), bounds=(None, None))
    assert answer.status in (0, 2)
    return answer.status == 0


def exact_lead(found, X, at):
    """The least lead in rational arithmetic."""
    leads = []
    for x, y in zip(X.tolist(), at, strict=True):
        scores = [
            sum((Fraction(w) * Fraction(v) for w, v in zip(row, x, strict=True)), Fraction(b))
            for row, b in zip(found.weights.tolist(), found.intercept.tolist(), strict=True)
        ]
        leads.append(scores[y] - max(s for j, s in enumerate(scores) if j != y))
    return min(leads)


def check(result, X, at):
    """Check a definite answer's witness from the definition."""
    if result.separable:
        assert exact_lead(result.witness, X, at) >= Fraction(result.margin) > 0
        return
    found = result.witness
    assert all(m > 0 for m in found.multipliers)
    assert (found.rivals != at[found.samples]).all()
    total = np.zeros((len(result.classes), X.shape[1] + 1), dtype=object) + Fraction(0)
    for row, rival, multiplier in zip(found.samples, found.rivals, found.multipliers, strict=True):
        moved = [Fraction(multiplier) * Fraction(v) for v in [*X[row].tolist(), 1.0]]
        total[at[row]] += moved
        total[rival] -= moved
    if all(isinstance(m, int) for m in found.multipliers):
        assert not total.any()
    else:
        size = float(max(found.multipliers)) * max(np.abs(X).max(), 1.0)
        assert max(abs(float(t)) for t in total.ravel()) < 1e-4 * size


@settings(max_examples=60)
@given(st.integers(4, 14), st.integers(1, 3), st.integers(2, 4), st.integers(0, 2**31))
def test_small_whole_problems_are_decided_as_the_full_programme_decides_them(n, d, k, seed):
    rng = np.random.default_rng(seed)
    X, at = rng.integers(0, 6, (n, d)).astype(float), rng.integers(0, k, n)
    at[:k] = np.arange(k)
    result = decide_separability(X, at)
    assert result.separable == oracle(X, at, k)
    check(result, X, at)


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_map_is_found_and_a_planted_mixture_is_excluded(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(120, 8))
    at = (X @ rng.normal(size=(8, 3))).argmax(axis=1)
    assert decide_separability(X, at).separable
    # the last point becomes a mean of three of one class, with another class's label
    of_one = np.flatnonzero(at[:-1] == 0)[:4]
    X[-1] = X[of_one].round(4).mean(axis=0)
    X[of_one] = X[of_one].round(4)
    X = (X * 2**20).round() / 2**20
    X[-1] = X[of_one].mean(axis=0)
    at[-1] = 1
    result = decide_separability(X, at)
    assert result.separable is False
    check(result, X, at)


def test_digits_are_separable_where_least_squares_makes_mistakes():
    X, y = load_digits(return_X_y=True)
    outputs = LinearRegression().fit(X, np.eye(10)[y]).predict(X)
    assert np.mean(outputs.argmax(axis=1) == y) == pytest.approx(0.9471, abs=1e-4)
    result = decide_separability(X, y)
    assert result.separable
    found = of_kind(LinearMap, result.witness)
    scores = X @ found.weights.T + found.intercept
    assert (scores.argmax(axis=1) == y).all()
    assert there(result.margin) > 1


def test_mislabelled_digits_are_not_separable():
    X, y = load_digits(return_X_y=True)
    X, y = X[:400, 20:44], y[:400].copy()  # the middle rows of the pictures
    assert decide_separability(X[:150], y[:150]).separable
    rng = np.random.default_rng(0)
    wrong = rng.permutation(400)[:100]
    y[wrong] = (y[wrong] + rng.integers(1, 10, 100)) % 10
    result = decide_separability(X, y)
    assert result.separable is False
    check(result, X, y)


@pytest.mark.parametrize(
    ("load", "separable"), [(load_iris, False), (load_breast_cancer, True)], ids=["iris", "cancer"]
)
def test_known_tables_are_decided(load, separable):
    X, y = load(return_X_y=True)
    result = decide_separability(X, y)
    assert result.separable is separable
    check(result, X, y)


@pytest.mark.parametrize("k", [2, 3])
def test_a_fit_that_comes_to_rest_is_its_own_proof(k, monkeypatch):
    monkeypatch.setattr("pitfalls.images.linear.separability.PROGRAMME_VALUES", 0)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 30)), rng.integers(0, k, 400)
    result = decide_separability(X, y)
    assert result.separable is False
    assert len(of_kind(Combination, result.witness).multipliers) > 300
    check(result, X, y)


def test_labels_of_any_kind_and_order_are_taken():
    X = np.array([[0], [1], [2], [3]])
    result = decide_separability(X, ["b", "b", "a", "a"])
    assert result.classes.tolist() == ["a", "b"]
    assert result.separable
    weights = of_kind(LinearMap, result.witness).weights
    assert weights[0, 0] > weights[1, 0]


@pytest.mark.parametrize(
    ("X", "y", "multipliers"),
    [
        ([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], (1, 1, 1, 1)),
        ([[5], [7], [7]], [0, 0, 1], (1, 1)),
        ([[0.0], [-0.0]], [0, 1], (1, 1)),
        ([[0, 0], [2, 0], [1, 0], [1, 1]], [0, 0, 1, 1], (1, 1, 2)),  # one touches the others' edge
    ],
    ids=["xor", "same place", "minus zero", "touching"],
)
def test_few_multipliers_are_whole(X, y, multipliers):
    result = decide_separability(np.array(X), y)
    assert result.separable is False
    assert sorted(of_kind(Combination, result.witness).multipliers) == sorted(multipliers)


def test_the_units_of_a_column_change_nothing():
    X, y = load_iris(return_X_y=True)
    for power in (-12, 12):
        scaled = X * [10.0**power, 1, 1, 1]
        assert decide_separability(scaled, y).separable is False
        assert decide_separability(scaled[:100], y[:100]).separable is True


def test_the_programme_decides_without_a_fit():
    rng = np.random.default_rng(1)
    nothing = LinearMap(np.zeros((2, 3)), np.zeros(2))
    for _ in range(20):
        X, at = rng.integers(0, 4, (9, 3)).astype(float), rng.integers(0, 2, 9)
        at[:2] = 0, 1
        found = _Problem(X, at, 2).programme(nothing, 10.0)
        if oracle(X, at, 2):
            assert isinstance(found, LinearMap)
            assert exact_lead(found, X, at) > 0
        else:
            assert isinstance(found, Combination)
            assert excludes_separation(found, X, at)


def test_a_problem_too_large_for_everything_is_undecided_with_its_reason(monkeypatch):
    monkeypatch.setattr("pitfalls.images.linear.separability.NEWTON_UP_TO", 0)
    monkeypatch.setattr("pitfalls.images.linear.separability.PROGRAMME_VALUES", 0)
    X, y = load_iris(return_X_y=True)
    result = decide_separability(X, y, max_iter=20)
    assert result.separable is None
    assert result.witness is None
    assert "15 unknowns is too large" in result.reason


# -- the checkers alone --------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.integers(2, 4))
def test_no_combination_is_accepted_on_data_that_a_map_separates(seed, k):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(30, 3)) * 10.0 ** rng.integers(-3, 4, 3)
    at = np.argmax(X @ rng.normal(size=(3, k)), axis=1)
    samples = rng.integers(0, 30, 60)
    rivals = (at[samples] + rng.integers(1, k, 60)) % k
    for multipliers in (
        tuple(rng.exponential(size=60).tolist()),
        tuple((10.0 ** rng.uniform(-12, 0, 60)).tolist()),
        tuple(int(v) for v in rng.integers(1, 9, 60)),
    ):
        assert not excludes_separation(Combination(samples, rivals, multipliers), X, at)


@pytest.mark.parametrize("shift", [2.0**-20, 2.0**-40, 2.0**-50])
def test_a_touching_combination_is_refused_once_the_classes_part(shift):
    X, at = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 0.0]]), np.array([0, 0, 1])
    touching = Combination(np.arange(3), np.array([1, 1, 0]), (1, 1, 2))
    floats = Combination(np.arange(3), np.array([1, 1, 0]), (0.5, 0.5, 1.0))
    assert excludes_separation(touching, X, at)
    X[2, 1] = shift
    assert not excludes_separation(touching, X, at)
    assert not excludes_separation(floats, X, at)
    result = decide_separability(X, at)
    assert result.separable is not False
    if result.separable:
        check(result, X, at)


def test_an_overlap_is_proven_from_rough_multipliers_but_not_from_wrong_ones():
    rng = np.random.default_rng(0)
    X, at = rng.normal(size=(200, 5)), rng.integers(0, 2, 200)
    found = of_kind(Combination, decide_separability(X, at).witness)
    near = np.array(found.multipliers) * (1 + 1e-9 * rng.normal(size=len(found.multipliers)))
    rough = Combination(found.samples, found.rivals, tuple(near.tolist()))
    assert excludes_separation(rough, X, at)
    wrong = Combination(found.samples, found.rivals, tuple((near**2).tolist()))
    assert not excludes_separation(wrong, X, at)


def test_pixels_that_few_images_have_count_as_any_other(monkeypatch):
    monkeypatch.setattr("pitfalls.images.linear.separability.PROGRAMME_VALUES", 0)
    X, y = load_digits(n_class=4, return_X_y=True)
    rng = np.random.default_rng(0)
    wrong = rng.permutation(len(y))[:150]
    y[wrong] = (y[wrong] + rng.integers(1, 4, 150)) % 4
    result = decide_separability(X, y)
    assert result.separable is False
    check(result, X, y)


@pytest.mark.parametrize("seed", range(30))
def test_a_feature_that_separates_by_one_unit_in_the_last_place_is_not_overlooked(seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(40, 80)), int(rng.integers(1, 4))
    X, at = rng.normal(size=(n, d)), rng.integers(0, 2, n)
    found = decide_separability(X, at).witness
    assert isinstance(found, Combination)
    copy = X @ rng.integers(0, 2, d) + X[:, 0]
    apart = np.where(at == 1, np.nextafter(copy, np.inf), copy)
    # apart − copy is positive for one class and zero for the other: now a map separates them, though
    # the combination is as near to zero as before
    both = np.column_stack([X, copy, apart])
    assert not excludes_separation(found, both, at)
    assert decide_separability(both, at, time_limit=1.0).separable is not False


def test_a_feature_of_some_classes_only_is_judged_among_those():
    rng = np.random.default_rng(5)
    first, second = (np.column_stack([rng.normal(size=(60, 2)), np.zeros(60)]) for _ in range(2))
    first[:, 2] = rng.normal(size=60)
    X, at = np.vstack([first, second]), np.r_[rng.integers(0, 2, 60), 2 * rng.integers(0, 2, 60)]
    halves = (slice(0, 60), slice(60, 120))
    parts = [of_kind(Combination, decide_separability(X[h], at[h]).witness) for h in halves]
    names = np.array([[0, 1], [0, 2]])
    both = Combination(
        np.concatenate([parts[0].samples, parts[1].samples + 60]),
        np.concatenate([names[0][parts[0].rivals], names[1][parts[1].rivals]]),
        parts[0].multipliers + parts[1].multipliers,
    )
    assert excludes_separation(both, X, at)


@pytest.mark.parametrize("strength", [1e-4, 1e-3, 1e-2])
def test_a_fit_that_has_not_come_to_rest_proves_nothing(strength):
    rng = np.random.default_rng(6)
    X = rng.normal(size=(2000, 5))
    at = (X @ rng.normal(size=5) > 0).astype(int)
    share = LogisticRegression(C=strength).fit(X, at).predict_proba(X)[np.arange(2000), 1 - at]
    found = Combination(np.arange(2000), 1 - at, tuple(share.tolist()))
    assert not excludes_separation(found, X, at)


def test_solutions_of_mixed_signs_are_no_combination():
    X, at = np.array([[0.0], [1.0], [2.0]]), np.array([0, 0, 1])
    every, rivals = np.arange(3), np.array([1, 1, 0])
    assert whole_multipliers(X, at, every, rivals) is None
    assert whole_multipliers(X, at, every, rivals, np.array([1.0, 2.0, 1.0])) is None


def test_exact_multipliers_are_near_the_proposed_ones():
    rng = np.random.default_rng(3)
    X, at = rng.integers(0, 9, (12, 2)).astype(float), np.arange(12) % 2
    found = of_kind(Combination, decide_separability(X, at).witness)
    near = np.array([float(m) for m in found.multipliers])
    whole = whole_multipliers(X, at, found.samples, found.rivals, near)
    assert whole is not None
    assert excludes_separation(whole, X, at)
    assert all(isinstance(m, int) for m in whole.multipliers)


def test_a_lead_within_rounding_is_settled_in_rational_arithmetic():
    X, at = np.array([[1e8], [1e8 + 1.5e-8]]), np.array([0, 1])
    assert X[0, 0] != X[1, 0]
    weights = np.array([[-1.0], [1.0]])
    assert proven_margin(LinearMap(weights, np.array([1e8, -1e8])), X, at) == 0
    exact = LinearMap(weights, np.array([X[0, 0], -X[1, 0]]))
    assert proven_margin(exact, X, at) > 0
    assert proven_margin(exact, X, at) <= exact_lead(exact, X, at)


def test_maps_that_are_not_finite_prove_nothing():
    X, at = np.array([[0.0], [1.0]]), np.array([0, 1])
    assert proven_margin(LinearMap(np.array([[np.nan], [1.0]]), np.zeros(2)), X, at) == -np.inf
    assert not proven_margin(LinearMap(np.full((2, 1), 1e308), np.zeros(2)), X * 1e308, at) > 0


@pytest.mark.parametrize("multipliers", [(0.0, 1.0), (-1, 1), (np.nan, 1.0), (1,)])
def test_combinations_of_the_wrong_form_are_refused(multipliers):
    X, at = np.array([[0.0], [0.0]]), np.array([0, 1])
    with pytest.raises(InputError, match="excludes_separation"):
        excludes_separation(Combination(np.array([0, 1]), np.array([1, 0]), multipliers), X, at)
    with pytest.raises(InputError, match="rivals other classes"):
        excludes_separation(Combination(np.array([0, 1]), np.array([0, 1]), (1, 1)), X, at)


@pytest.mark.parametrize(
    ("X", "y", "says"),
    [
        ([[0.0], [np.nan]], [0, 1], "finite"),
        ([[2**53 + 1], [0]], [0, 1], "exact in float64"),
        ([[0.0], [1.0]], [0, 0], "two classes. Got 1"),
        ([[0.0], [1.0]], [0], "of shape"),
        ([0.0, 1.0], [0, 1], "of shape"),
        ([["a"], ["b"]], [0, 1], "real numbers"),
        ([[1j], [0]], [0, 1], "real numbers"),
    ],
)
def test_data_without_an_answer_are_refused(X, y, says):
    with pytest.raises(InputError, match=says):
        decide_separability(np.array(X), y)


@pytest.mark.parametrize("overlap", [False, True])
def test_where_fits_and_combinations_fail_the_linear_programme_decides_with_a_witness(
    monkeypatch, overlap
):
    X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([0, 1, 1, 0]) if overlap else np.array([0, 1, 1, 1])
    nothing = LinearMap(np.zeros((2, 2)), np.zeros(2))
    monkeypatch.setattr(_Problem, "fit", lambda self, *, max_iter: nothing)
    monkeypatch.setattr(_Problem, "combine", lambda self: None)
    monkeypatch.setattr(_Problem, "combine_a_pair", lambda self, fit: None)
    found = decide_separability(X, y)
    assert found.separable is not overlap
    if overlap:
        assert excludes_separation(of_kind(Combination, found.witness), X, y)
    else:
        assert found.margin == proven_margin(of_kind(LinearMap, found.witness), X, y) > 0


def test_a_single_lead_below_rounding_is_proved_in_exact_arithmetic():
    linear_map = LinearMap(np.array([[1e-9], [0.0]]), np.array([1e8, 1e8]))
    X, at = np.array([[1.0], [1e7]]), np.array([0, 0])
    assert proven_margin(linear_map, X, at) == pytest.approx(1e-9, rel=1e-12)
    assert proven_margin(linear_map, X[1:], at[1:]) == pytest.approx(1e-2, rel=1e-4)


@pytest.mark.parametrize("unit", [1e-200, 1e160, 1e307])
def test_squares_beyond_float64_hide_no_map_and_no_combination(unit):
    X = np.array([[0.0, 1.0], [1.0, -1.0], [3.0, 1.0], [4.0, 0.5]]) * [unit, 1.0]
    assert decide_separability(X, [0, 0, 1, 1]).separable
    assert decide_separability(X[:, :1], [0, 1, 0, 1]).separable is False


def test_labels_that_are_missing_are_refused():
    with pytest.raises(InputError, match="y has NaN for labels"):
        decide_separability(np.arange(4.0)[:, None], [0, 0, np.nan, 1])


def test_what_float64_loses_is_not_called_touching():
    found = decide_separability(1e-320 * np.array([[0.0], [1.0], [3.0], [4.0]]), [0, 0, 1, 1])
    assert found.separable is None
    assert "touch" not in found.reason


def test_the_order_of_the_values_in_memory_changes_nothing():
    X, y = load_iris(return_X_y=True)
    for table in (np.asfortranarray(X), X.T.copy().T, X[:, ::-1], np.repeat(X, 2, axis=1)[:, ::2]):
        assert decide_separability(table, y).separable is False
        assert decide_separability(table[:100], y[:100]).separable is True
