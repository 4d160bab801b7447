import numpy as np
import pytest

from pitfalls.linear import SquaredRisk
from pitfalls.moments import SecondMoments


@pytest.mark.parametrize("seed", range(12))
def test_few_rows_whiten_in_the_order_of_the_columns_whatever_the_pivots(seed):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 6))
    n = int(rng.integers(max(1, d - 1), d + 2))  # as many rows as columns, or about
    x = rng.integers(-3, 4, (n, d)).astype(float) * 10.0 ** rng.integers(-2, 3, d)
    y = rng.integers(-3, 4, (n, 2)).astype(float)
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    colour, whiten = risk.modes.colour, risk.modes.whiten
    size = np.outer(*2 * [np.linalg.norm(x, axis=0)])
    np.testing.assert_allclose(colour @ colour.T, x.T @ x, atol=1e-12 * size.max(), rtol=1e-9)
    np.testing.assert_allclose(whiten.T @ colour, np.eye(risk.modes.rank_x), atol=1e-9)
    weights = rng.standard_normal((2, d))
    residual = x @ weights.T - y
    assert risk.value([weights]) == pytest.approx(0.5 * np.sum(residual**2))
