import numpy as np

from pitfalls.experiments.parity_targets import TargetsResult, WeightRow
from pitfalls.experiments.parity_targets.figures import title
from pitfalls.experiments.parity_targets.words import basis, extremes
from pitfalls.prose import plain


def result_of(*over_signal: float, n: int = 2) -> TargetsResult:
    d = len(over_signal) - 1
    rows = tuple(WeightRow(m, 1, 1.0, 0.5, 2.0, o, 0.1) for m, o in enumerate(over_signal))
    shape = (n, d + 1)
    return TargetsResult(
        d, 10 * d, n, 1.0, rows, np.ones((*shape, 6)), np.ones(shape) / (d + 1), None
    )


def test_the_constant_label_is_no_extreme():
    assert title(result_of(900.0, 0.5, 7.0)) == "$m = 2$: 7 × the mean; $m = 1$: 0.5 × the mean"
    said = plain(extremes(result_of(900.0, 0.5, 7.0)))
    assert "weight m = 2 gets 7 times the mean, one of weight m = 1 0.5 times" in said


def test_extremes_need_two_weights_that_differ_in_the_digits_shown():
    assert extremes(result_of(1.0, 2.0)) == ()
    assert extremes(result_of(1.0, 2.001, 2.0)) == ()


def test_one_network_has_no_spread():
    assert basis(result_of(1.0, 1.0, n=1)).spread == "none, one network"
    assert basis(result_of(1.0, 1.0, n=1)).n == "1 network, all 2¹ targets of each"
