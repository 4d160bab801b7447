from collections import Counter

import numpy as np

from pitfalls.claims import Search
from pitfalls.claims.critical_points import _hessian, draw_point, dressed, pivots
from pitfalls.claims.exact import Matrix, product, rank
from pitfalls.claims.layers import layer_gradients
from pitfalls.claims.risk import arrays, library_risk
from pitfalls.linear import dense_hessian


def white_data(point):
    return Matrix.identity(point.target.shape[1]), point.target.T


def test_points_are_critical_and_hold_the_modes_they_say_dressed_or_not():
    search = Search("quick", 0)
    for _ in range(30):
        plain = draw_point(search)
        for point in (plain, dressed(search, plain)):
            assert all(s.is_zero() for s in layer_gradients(point.layers, *white_data(point)))
            whole = product(point.layers)
            assert rank(whole) == point.rank
            assert whole.squared_norm() == sum(s * s for s in point.kept)
            assert point.residual.squared_norm() == sum(s * s for s in point.left)
            for i, j in pivots(point.depth):
                assert point.tightened(i, j) == plain.tightened(i, j)


def test_the_exact_hessian_and_its_sign_are_those_of_the_library():
    search = Search("quick", 1)
    for _ in range(25):
        point = draw_point(search, (5, 3, 2))
        exact = _hessian(point).astype(float)
        found = dense_hessian(library_risk(*white_data(point)), arrays(point.layers))
        np.testing.assert_allclose(exact, found, atol=1e-9 * max(1.0, np.abs(exact).max()))
        lowest = np.linalg.eigvalsh(exact)[0]
        assert point.is_semidefinite() == (lowest > -1e-9 * max(1.0, np.abs(exact).max()))


def test_every_kind_of_point_is_drawn_and_nothing_to_learn_as_well():
    search = Search("quick", 0)
    seen: Counter[str] = Counter()
    for _ in range(200):
        point = draw_point(search)
        tight = all(point.tightened(i, j) for i, j in pivots(point.depth))
        seen["minimum" if point.is_global else "tight" if tight else "loose"] += 1
        seen["swap"] += not point.holds_strongest
        seen["K = 0"] += point.target.is_zero()
        seen["nearly equal"] += 1_000_001 in point.kept + point.left
        seen["four layers"] += point.depth == 4
    assert min(seen.values()) >= 5
    assert len(seen) == 7
