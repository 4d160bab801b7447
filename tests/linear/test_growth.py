import inspect

import mpmath as mp
import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.linear import learning_time, mode_strength


def exact_strength(time, target, start, n_layers):
    """Invert the time that a mode takes, in 30 digits: Newton's method in y = log(u/(s - u))."""
    with mp.workdps(30):
        s, u, t = mp.mpf(target), mp.mpf(start), mp.mpf(float(time))
        b = mp.mpf(2) / n_layers - 1
        first = mp.log(u / (s - u))
        wanted, y = n_layers * s ** (1 - b) * t, first
        for _ in range(400):
            # L s^(2 - 2/L) t = ∫ w^b dy, w = 1/(1 + e^-y)
            area = mp.quad(lambda x: (1 / (1 + mp.e**-x)) ** b, mp.linspace(first, y, 5))
            step = (area - wanted) * (1 / (1 + mp.e**-y)) ** -b
            y -= step
            if abs(step) < mp.mpf(10) ** -20:
                break
        return float(s / (1 + mp.e**-y))


@pytest.mark.parametrize("n_layers", [3, 4, 7, 10])
@pytest.mark.parametrize("start", [1e-8, 1e-2])
def test_mode_strength_agrees_with_mpmath_to_ten_digits(n_layers, start):
    target = 2.0
    done = learning_time(target, start, n_layers)
    times = done * np.array([0.5, 0.98, 1.0])
    found = mode_strength(times, target, start, n_layers)
    wanted = [exact_strength(t, target, start, n_layers) for t in times]
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


@pytest.mark.parametrize("n_layers", [1, 2, 3, 5])
def test_mode_strength_solves_its_equation(n_layers):
    times = np.linspace(0, 3, 3001)
    for target in (2.0, 0.0):
        u = mode_strength(times, target, 0.1, n_layers)
        slope = np.gradient(u, times)
        wanted = n_layers * u ** (2 - 2 / n_layers) * (target - u)
        np.testing.assert_allclose(slope[1:-1], wanted[1:-1], atol=2e-4)
        assert u[0] == pytest.approx(0.1)


@pytest.mark.parametrize("n_layers", [1, 2, 3, 5])
@pytest.mark.parametrize("target", [2.0, 0.0])
def test_a_mode_that_starts_above_its_target_solves_the_equation_too(n_layers, target):
    times = np.linspace(0, 0.2, 4001)
    u = mode_strength(times, target, 5.0, n_layers)
    slope = np.gradient(u, times)
    wanted = n_layers * u ** (2 - 2 / n_layers) * (target - u)
    np.testing.assert_allclose(slope[40:-1], wanted[40:-1], rtol=2e-4)


@pytest.mark.parametrize("n_layers", [1, 2, 3, 5, 10])
def test_a_mode_comes_to_rest_at_its_target_from_both_sides(n_layers):
    for start in (1e-12, 1.0, 2.0, 3.0, 1e6):
        end = mode_strength(np.array([0.0, 1e12]), 2.0, start, n_layers)
        assert end[0] == start
        assert end[1] == pytest.approx(2.0, rel=1e-14)


@pytest.mark.parametrize("n_layers", [1, 2, 3, 5])
def test_learning_time_is_when_the_mode_is_there(n_layers):
    time = learning_time(2.0, 0.01, n_layers)
    assert mode_strength(np.array([0.0, time]), 2.0, 0.01, n_layers)[-1] == pytest.approx(1.98)
    assert learning_time(2.0, 3.0, n_layers) == 0


def exact_time(target, start, n_layers, share):
    """∫ w^(2/L - 2)/(1 - w) dw by the hypergeometric series, over L s^(2 - 2/L)."""
    with mp.workdps(40):
        s, b = mp.mpf(target), mp.mpf(2) / n_layers - 1

        def area(w):
            first = mp.log(w) if b == 0 else w**b / b
            return first + w ** (b + 1) / (b + 1) * mp.hyp2f1(1, b + 1, b + 2, w)

        between = area(mp.mpf(share)) - area(mp.mpf(start) / s)
        return float(between / (n_layers * s ** (1 - b)))


@pytest.mark.parametrize("n_layers", [1, 2, 3, 5, 10, 40])
@pytest.mark.parametrize(
    ("target", "start", "share"),
    [
        (2.0, 0.01, 0.99),
        (1e300, 1e290, 0.99),
        (1e300, 1e5, 0.5),
        (1e200, 1e-90, 0.9),
        (1e-290, 1e-295, 0.3),
        (1e-310, 1e-315, 0.5),
        (1.0, 1e-300, 1 - 1e-12),
    ],
)
def test_learning_time_agrees_with_mpmath_at_any_size(target, start, n_layers, share):
    wanted = exact_time(target, start, n_layers, share)
    if wanted == np.inf:
        with pytest.raises(InputError, match="beyond the largest float64"):
            learning_time(target, start, n_layers, share)
    else:
        found = learning_time(target, start, n_layers, share)
        assert found == pytest.approx(wanted, rel=1e-12, abs=0)


@pytest.mark.parametrize("n_layers", [2, 3, 5, 10])
@pytest.mark.parametrize(
    ("target", "start", "end"),
    [(2.0, 5.0, 2.1), (1e-300, 1.0, 1e-3), (1e-100, 1e100, 1e-60), (1e5, 1e300, 1e200)],
)
def test_a_fall_from_any_height_agrees_with_mpmath(target, start, end, n_layers):
    with mp.workdps(40):
        s, p = mp.mpf(target), 2 - mp.mpf(2) / n_layers

        def area(u):
            return (s / u) ** p / p * mp.hyp2f1(1, p, p + 1, s / u)

        time = float((area(mp.mpf(end)) - area(mp.mpf(start))) / (n_layers * s**p))
    if time > 1e-307:  # with all its digits
        found = mode_strength(np.array([time]), target, start, n_layers)
        np.testing.assert_allclose(found, [end], rtol=1e-10)


def test_one_layer_takes_any_start():
    for start in (1e-300, 1e-20):
        assert learning_time(1e10, start, 1, 0.5) == pytest.approx(np.log(2), rel=1e-14)


def test_one_layer_keeps_a_start_far_below_its_target():
    found = mode_strength(np.array([1e-300, 1e-290]), 1e300, 1e5, 1)
    np.testing.assert_allclose(found, [1e5 + 1, 1e10 + 1e5], rtol=1e-14)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n_layers", [1, 2, 3, 5])
@pytest.mark.parametrize(
    ("target", "start"),
    [(2.0, 0.01), (2.0, 5.0), (2.0, 2.0), (0.0, 1e300), (1e300, 1.0), (1e-300, 1.0)],
)
def test_after_infinite_time_a_mode_is_at_its_target(target, start, n_layers):
    found = mode_strength([0.0, np.inf], target, start, n_layers)
    assert found.tolist() == [start, target]


@pytest.mark.parametrize(("target", "start"), [(2.0, 0.01), (2.0, 5.0), (0.0, 1.0), (2.0, 2.0)])
@pytest.mark.parametrize("n_layers", [1, 3])
def test_a_single_time_gives_a_single_strength(target, start, n_layers):
    wanted = mode_strength(np.array([0.0, 1.0]), target, start, n_layers)
    for i, time in enumerate((0.0, 1.0)):
        found = mode_strength(time, target, start, n_layers)
        assert found.shape == ()
        assert found == pytest.approx(wanted[i], rel=1e-14)


BAD_TIMES = [
    ((np.nan, 0.01, 2), "start must be positive"),
    ((2.0, -0.01, 2), "start must be positive"),
    ((2.0, np.nan, 2), "start must be positive"),
    ((2.0, np.inf, 2), "start must be positive"),
    ((np.inf, 0.01, 2), "start must be positive"),
    ((-2.0, 0.01, 2), "start must be positive"),
    ((2.0, 0.01, 0), "n_layers at least 1"),
    ((2.0, 0.01, 2, 1.5), "share must lie between 0 and 1"),
    ((2.0, 0.01, 2, 1.0), "share must lie between 0 and 1"),
    ((2.0, 0.01, 2, 0.0), "share must lie between 0 and 1"),
    ((2.0, 0.01, 2, np.nan), "share must lie between 0 and 1"),
    ((1e10, 1e-300, 2), "within a factor"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_TIMES)
def test_a_time_that_does_not_exist_is_refused(arguments, message):
    with pytest.raises(InputError, match=f"learning_time: .*{message}"):
        learning_time(*arguments)


@pytest.mark.parametrize(("target", "start"), [(1e10, 1e-300), (1e-300, 1e10)])
def test_a_start_too_far_from_its_target_is_refused(target, start):
    with pytest.raises(InputError, match="within a factor"):
        mode_strength(np.array([1.0]), target, start, 3)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (np.zeros((2, 2)), r"be of shape \(t,\)"),
        ("soon", "be numbers"),
        ([[1.0], [1.0, 2.0]], "be numbers"),
    ],
)
def test_what_is_no_list_of_times_is_refused(times, message):
    plain = inspect.unwrap(mode_strength)  # without the types that the tests hold it to
    with pytest.raises(InputError, match=message):
        plain(times, 2.0, 0.01, 2)


@pytest.mark.parametrize(
    "arguments", [(1.0, 0.0, 2), (1.0, -1.0, 2), (-1.0, 0.1, 2), (1.0, 0.1, 0), (np.nan, 0.1, 2)]
)
def test_a_mode_does_not_start_from_zero(arguments):
    with pytest.raises(InputError, match="start must be positive"):
        mode_strength(np.array([0.0]), *arguments)


def test_times_do_not_run_backwards_from_the_start():
    with pytest.raises(InputError, match="times must not be negative"):
        mode_strength(np.array([0.0, -1.0]), 1.0, 0.1, 3)
