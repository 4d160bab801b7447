import dataclasses
from typing import Any

import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.parity import (
    LearningConfig,
    ParityTask,
    SweepCell,
    run_cell,
    sweep_cells,
    train,
)

SHORT = LearningConfig(n_iterations=500, record_every=200, seed=3)


def test_a_grid_leaves_out_weights_above_the_dimension():
    cells = sweep_cells([2, 5], [1, 3], [10, 20], [0.1])
    assert cells == [
        SweepCell(2, 1, 10, 0.1),
        SweepCell(2, 1, 20, 0.1),
        SweepCell(5, 1, 10, 0.1),
        SweepCell(5, 1, 20, 0.1),
        SweepCell(5, 3, 10, 0.1),
        SweepCell(5, 3, 20, 0.1),
    ]
    assert len({cell.name for cell in cells}) == len(cells)


def test_cells_whose_rates_differ_in_the_last_digit_have_names_of_their_own():
    rates: list[Any] = [
        0.001,
        0.0010000001,
        float(np.nextafter(0.001, 1)),
        1.0,
        1e-7,
        np.float32(0.1),
        0.1,
    ]
    cells = sweep_cells([4], [1], rates=rates)
    assert len({cell.name for cell in cells}) == len(rates)
    assert cells[0].name == "d4-m1-k40-r0.001"


@pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, np.inf])
def test_a_rate_that_is_no_positive_number_is_refused(rate):
    # NaN is no key: a sweep would wait for it for ever
    with pytest.raises(InputError, match="learning_rate must be a positive number"):
        SweepCell(4, 1, 10, rate)


def test_cells_of_numpy_numbers_equal_those_of_pythons():
    given: list[Any] = [np.array([3, 4]), np.array([1]), np.array([7]), np.array([0.5])]
    cells = sweep_cells(*given)
    assert cells == [SweepCell(3, 1, 7, 0.5), SweepCell(4, 1, 7, 0.5)]
    assert [cell.name for cell in cells] == ["d3-m1-k7-r0.5", "d4-m1-k7-r0.5"]
    for wrong in (2.5, True, "3"):
        with pytest.raises(InputError, match="must be an integer"):
            SweepCell(wrong, 1, 10, 0.1)  # type: ignore[arg-type]


def test_a_cell_named_twice_stands_once_in_the_grid():
    assert sweep_cells([3, 3], [1, 1]) == [SweepCell(3, 1, 30, 0.001)]


def test_a_cell_without_trainings_is_refused():
    with pytest.raises(InputError, match="n_seeds must be at least 1"):
        run_cell(SweepCell(3, 1, 5, 0.1), 0, SHORT)


def test_a_width_of_zero_is_refused_and_not_taken_for_the_default():
    with pytest.raises(InputError, match="n_hidden must be at least 1"):
        sweep_cells([3], [1], [0])


def test_a_cell_is_its_replicas_trained_alone():
    cell = SweepCell(6, 2, 30, 0.01)
    result = run_cell(cell, 2, SHORT)
    assert result.step.tolist() == [200, 400, 500]
    for i in range(2):
        config = dataclasses.replace(SHORT, n_hidden=30, learning_rate=0.01, seed=3 + i)
        alone = train(ParityTask.random(6, 3 + i, weight=2), config)
        assert result.loss_curve[i].tolist() == alone.curve.loss.tolist()
        assert result.accuracy[i] == alone.evaluation.accuracy
        assert result.iterations[i] == (alone.curve.iterations_to(0.99) or -1)


def test_a_diverged_replica_is_no_success_and_its_curve_ends():
    config = dataclasses.replace(SHORT, loss="square")
    result = run_cell(SweepCell(6, 2, 30, 1e6), 2, config)
    assert result.diverged.all()
    assert result.success == 0
    assert np.isnan(result.loss_curve).all()


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        (([3], [4]), "no cell is left"),
        (([], [1]), "no cell is left"),
        (([0], [0]), "at least 1"),
        (([3], [-1]), "must not be negative"),
        (([3], [1], [-5]), "at least 1"),
    ],
)
def test_bad_grids_are_refused(grid, said):
    with pytest.raises(InputError, match=said):
        sweep_cells(*grid)
