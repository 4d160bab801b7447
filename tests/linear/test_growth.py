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


@pytest.mark.parametrize(
    "arguments", [(1.0, 0.0, 2), (1.0, -1.0, 2), (-1.0, 0.1, 2), (1.0, 0.1, 0), (np.nan, 0.1, 2)]
)
def test_a_mode_does_not_start_from_zero(arguments):
    with pytest.raises(InputError, match="start must be positive"):
        mode_strength(np.array([0.0]), *arguments)


def test_times_do_not_run_backwards_from_the_start():
    with pytest.raises(InputError, match="times must not be negative"):
        mode_strength(np.array([0.0, -1.0]), 1.0, 0.1, 3)
