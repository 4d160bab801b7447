from pitfalls.experiments.parity_signal.words import account, basis, looseness, noise, slope
from pitfalls.prose import Table, plain
from tests.experiments.parity_signal.results import result_of


def test_the_slope_is_the_mean_factor_a_dimension_from_the_first_row_to_the_last():
    assert "multiplies the median signal by 0.5 on average" in plain(slope(result_of(2, 4, 10)))


def test_the_slope_needs_two_dimensions_in_rising_order():
    for dimensions in ((5,), (10, 2)):
        assert slope(result_of(*dimensions)) == ()


def test_bounds_are_compared_with_exact_values_only():
    assert "400 times what it bounds" in plain(looseness(result_of(2, 4)))
    assert looseness(result_of(2, 34, exact=False)) == ()


def test_the_noise_of_one_batch_is_the_last_dimension_s():
    assert "In one batch of 100 at d = 6" in plain(noise(result_of(2, 6)))


def test_one_network_has_no_spread():
    assert basis(result_of(2, n=1)).spread.startswith("none")
    assert basis(result_of(2, n=1)).n == "1 network a dimension, each over all inputs"
    assert basis(result_of(2, n=5)).spread.startswith("median")


def test_the_table_says_which_rows_are_exact():
    (shown, *_) = account(result_of(2, 5, 7, 34, exact=False))
    assert isinstance(shown, Table)
    assert [plain(row[0]) for row in shown.rows] == ["2", "5", "34"]
    assert {plain(row[-1]) for row in shown.rows} == {"no"}
    assert "exact: summed" not in plain(shown.caption)
