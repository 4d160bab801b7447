import numpy as np
import pytest

from pitfalls.errors import DataError, InputError
from pitfalls.experiments.linear_risk import load_risk, shape_of
from pitfalls.experiments.linear_source import (
    ArraySource,
    Planted,
    Problem,
    ProblemConfig,
    find_problem,
    find_source,
)
from pitfalls.images import DataConfig, load_dataset


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("modes", [(3.0, 2.0, 2.0), (1.0, 0.0), (5.0,)])
def test_planted_data_have_the_planted_modes_with_an_intercept_and_without(modes, center):
    risk = load_risk(Problem(Planted(modes=modes), center))
    np.testing.assert_allclose(risk.modes.values, modes, atol=1e-9)


@pytest.mark.parametrize("center", [True, False])
def test_the_intercept_is_the_one_asked_for_and_named(tmp_path, center):
    rng = np.random.default_rng(0)
    x, y = 3 + rng.standard_normal((20, 3)), rng.standard_normal((20, 2))
    path = tmp_path / "data.npz"
    np.savez(path, x=x, y=y)
    problem = find_problem(ProblemConfig(str(path), center=center))
    assert isinstance(problem.source, ArraySource)
    assert problem.name == f"data.npz, {'with' if center else 'without'} intercept"
    shifted = x - x.mean(axis=0) if center else x
    np.testing.assert_allclose(load_risk(problem).moments.sxx, shifted.T @ shifted)


def test_one_output_may_be_a_plain_row_of_numbers(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=rng.standard_normal((20, 3)), y=rng.standard_normal(20))
    assert load_risk(find_problem(ProblemConfig(str(tmp_path / "data.npz")))).n_outputs == 1


def test_pictures_are_normalised():
    risk = load_risk(Problem(find_source("digits", subset_train=200)))
    data = load_dataset(DataConfig("digits", subset_train=200, seed=123))
    x = data.normalized("train").reshape(200, -1).astype(np.float64)
    x -= x.mean(axis=0)
    np.testing.assert_allclose(risk.moments.sxx, x.T @ x, atol=1e-9 * np.abs(x.T @ x).max())
    assert risk.moments.center


def test_files_that_are_no_arrays_are_refused(tmp_path):
    path = tmp_path / "data.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be read"):
        find_source(str(path))


@pytest.mark.parametrize(
    "wrong",
    [
        Planted(n_samples=3),
        Planted(modes=(1.0, 2.0)),
        Planted(modes=(1.0, -1.0)),
        Planted(modes=(float("inf"), 1.0)),
        Planted(modes=(float("nan"),)),
        Planted(modes=(1e200, 1.0)),
    ],
)
def test_planted_problems_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match="Got"):
        load_risk(Problem(wrong))


def test_options_that_would_be_ignored_are_refused(tmp_path):
    rng = np.random.default_rng(0)
    path = str(tmp_path / "data.npz")
    np.savez(path, x=rng.standard_normal((20, 3)), y=rng.standard_normal(20))
    for asked, message in (
        (ProblemConfig(subset_train=5), "planted problem has none"),
        (ProblemConfig(path, subset_train=5), "holds x and y"),
        (ProblemConfig("digits", modes=(2.0, 1.0)), "planted problem's"),
    ):
        with pytest.raises(InputError, match=message):
            find_problem(asked)


def test_arrays_that_changed_since_they_were_asked_for_are_not_taken_for_those(tmp_path):
    path = tmp_path / "data.npz"
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 3)), rng.standard_normal((20, 2))
    np.savez(path, x=x, y=y)
    whole, problem = path.read_bytes(), find_problem(ProblemConfig(str(path)))
    before = load_risk(problem).minimum().value
    np.savez(path, x=x, y=100 * y)
    for look in (load_risk, shape_of):
        with pytest.raises(DataError, match="not those this run was asked for"):
            look(problem)
    path.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        load_risk(problem)
    path.write_bytes(whole)
    assert load_risk(problem).minimum().value == before
