import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from pitfalls.errors import CapacityError, InputError
from pitfalls.linear import (
    balancedness,
    end_to_end,
    factorize,
    nearest_representable,
    numerical_rank,
)
from pitfalls.moments import SecondMoments
from tests.linear.problems import data


@st.composite
def representable(draw):
    """Widths and a target that they can represent."""
    widths = draw(st.lists(st.integers(1, 6), min_size=2, max_size=6))
    rank = draw(st.integers(0, min(widths)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    target = rng.standard_normal((widths[-1], rank)) @ rng.standard_normal((rank, widths[0]))
    return widths, target * 10.0 ** draw(st.integers(-6, 6)), rank


@given(representable())
@settings(max_examples=150, deadline=None)
def test_factorize_restores_the_target_with_balanced_layers(case):
    widths, target, rank = case
    layers = factorize(target, widths)
    assert [w.shape for w in layers] == list(zip(widths[1:], widths[:-1], strict=True))
    size = float(np.linalg.norm(target))
    np.testing.assert_allclose(end_to_end(layers), target, rtol=0, atol=1e-13 * size)
    if len(layers) > 1:
        assert balancedness(layers) <= 1e-12 * size ** (2 / len(layers))
    assert numerical_rank(target) == rank


@given(representable(), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_no_product_of_layers_exceeds_the_narrowest_width(case, seed):
    widths, _, _ = case
    rng = np.random.default_rng(seed)
    layers = [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]
    assert numerical_rank(end_to_end(layers)) == min(widths)


def test_too_high_a_rank_is_refused_with_the_way_out():
    with pytest.raises(
        CapacityError,
        match=r"rank\(target\) is 3 but the narrowest width is 2 \(widths\[1\]\)\. "
        "Widen it, or call nearest_representable first",
    ):
        factorize(np.eye(3), [3, 2, 3])


def test_the_target_is_not_modified_and_kind_and_dtype_are_kept():
    target = torch.eye(3)
    layers = factorize(target, [3, 4, 3])
    assert all(isinstance(w, torch.Tensor) and w.dtype == torch.float32 for w in layers)
    (only,) = factorize(np.eye(3), [3, 3])
    only[0, 0] = 5
    array = np.eye(2)
    factorize(array, [2, 2])[0][0, 0] = 7
    assert array[0, 0] == 1


@pytest.mark.parametrize("widths", [[2, 3], [3, 2, 2], [2, 2, 3]])
def test_widths_that_do_not_fit_the_target_are_refused(widths):
    with pytest.raises(InputError, match="asks for widths from"):
        factorize(np.ones((2, 2)) if widths[0] == 3 or widths[-1] == 3 else np.eye(4), widths)


def test_nearest_representable_is_the_best_of_its_rank_in_the_frobenius_norm():
    rng = np.random.default_rng(0)
    target = rng.standard_normal((4, 5))
    nearest = nearest_representable(target, [5, 2, 4])
    values = np.linalg.svd(target, compute_uv=False)
    assert numerical_rank(nearest) == 2
    assert np.linalg.norm(target - nearest) == pytest.approx(np.linalg.norm(values[2:]))
    assert len(factorize(nearest, [5, 2, 4])) == 2


@pytest.mark.parametrize("rank_x", [None, 3])
def test_nearest_representable_beats_a_search_in_the_metric_of_the_data(rank_x):
    x, y = data(d=4, p=3, rank=rank_x)
    rng = np.random.default_rng(1)
    target = rng.standard_normal((3, 4))
    found = nearest_representable(target, [4, 1, 3], SecondMoments.from_arrays(x, y))

    def distance(v):
        return np.sum((np.outer(v[:3], v[3:]) @ x.T - target @ x.T) ** 2)

    best = min(
        minimize(
            distance,
            rng.standard_normal(7),
        ).fun
        for _ in range(5)
    )
    assert np.sum(((found - target) @ x.T) ** 2) <= best * (1 + 1e-8)
    assert numerical_rank(found) == 1


def test_representable_targets_are_their_own_nearest_on_the_data():
    x, y = data(d=4, p=3, rank=2)
    target = np.random.default_rng(1).standard_normal((3, 4))
    found = nearest_representable(target, [4, 3, 3], SecondMoments.from_arrays(x, y))
    np.testing.assert_allclose(found @ x.T, target @ x.T, atol=1e-9)


def test_moments_of_other_features_are_refused():
    with pytest.raises(InputError, match="takes 4 features, the moments have 5"):
        nearest_representable(np.ones((3, 4)), [4, 3], SecondMoments.from_arrays(*data()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, np.float32])
def test_rounding_of_coarser_numbers_is_no_rank(dtype):
    rng = np.random.default_rng(0)
    full = rng.standard_normal((6, 6))
    torchs = isinstance(dtype, torch.dtype)
    target: Any = torch.from_numpy(full).to(dtype) if torchs else full.astype(dtype)
    assert numerical_rank(target) == 6
    nearest = nearest_representable(target, [6, 2, 6])
    nearest = nearest if torchs else nearest.astype(dtype)
    assert numerical_rank(nearest) == 2
    assert len(factorize(nearest, [6, 2, 6])) == 2  # the way out that the refusal names
    assert numerical_rank(nearest, 1e-10) == 6


def test_a_large_matrix_of_coarse_numbers_has_a_rank():
    draw = torch.Generator().manual_seed(0)
    left, right = (torch.randn(*shape, generator=draw) for shape in ((600, 3), (3, 500)))
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        assert numerical_rank((left @ right).to(dtype)) == 3


@pytest.mark.parametrize("offset", [1e6, 1e8])
@pytest.mark.parametrize("center", [False, True])
def test_nearest_representable_keeps_what_stands_beside_a_large_mean(offset, center):
    rng = np.random.default_rng(0)
    spread = rng.integers(-3, 4, (50, 3)).astype(float)
    found = nearest_representable(
        np.eye(3), [3, 2, 3], SecondMoments.from_arrays(spread + offset, spread, center=center)
    )
    rows = spread - spread.mean(axis=0) if center else spread + offset
    least = np.linalg.svd(rows, compute_uv=False)[2]
    assert np.sum((rows @ (found - np.eye(3)).T) ** 2) <= least**2 * (1 + 1e-4)


@pytest.mark.parametrize("rtol", [-1.0, 1.0, float("nan")])
def test_a_threshold_that_is_no_share_is_refused(rtol):
    with pytest.raises(InputError, match=r"rtol must be in \[0, 1\)"):
        factorize(np.eye(3), [3, 3, 3], rtol=rtol)
