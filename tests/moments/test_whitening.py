import numpy as np
import pytest

from pitfalls.moments import SecondMoments, whiten_inputs


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("n", [2, 3, 4, 9])
def test_the_root_is_in_the_order_of_the_columns_whatever_the_order_of_the_pivots(n, center):
    rng = np.random.default_rng(n)
    for _ in range(10):  # n = d and n = d + 1 are where all columns are kept after pivoting
        x = rng.integers(-3, 4, (n, 3)) * 10.0 ** rng.integers(-6, 7, 3)
        moments = SecondMoments.from_arrays(x, x, center=center)
        white = whiten_inputs(moments)
        size = np.sqrt(np.maximum(np.diag(moments.sxx), 1e-300))
        error = np.abs(white.colour @ white.colour.T - moments.sxx)
        assert np.all(error <= 1e-10 * np.outer(size, size))
        assert np.allclose(white.whiten.T @ white.colour, np.eye(white.rank), atol=1e-9)
        assert np.allclose(white.lift(np.eye(white.rank)), white.whiten)
        error = np.abs(white.project(moments.sxx) - white.colour.T)
        assert np.all(error <= 1e-9 * size)
