from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pitfalls.errors import InputError
from pitfalls.moments import SecondMoments
from pitfalls.moments.streaming import torch_sums

SUMS = ("sxx", "syx", "syy")


def data(n=50, d=4, p=3, offset=0.0, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d)) + offset
    return x, x @ rng.standard_normal((d, p)) + rng.standard_normal((n, p))


def assert_same(a, b, rtol=1e-12):
    assert a.n == b.n
    for name in ("mean_x", "mean_y", "scatter_xx", "scatter_yx", "scatter_yy", *SUMS):
        left, right = getattr(a, name), getattr(b, name)
        scale = max(1.0, float(np.abs(right).max()))
        np.testing.assert_allclose(left, right, rtol=0, atol=rtol * scale, err_msg=name)


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("chunk_size", [None, 1, 7, 50, 1000])
def test_moments_equal_the_plain_products(center, chunk_size):
    x, y = data(offset=3.0)
    moments = SecondMoments.from_arrays(x, y, center=center, chunk_size=chunk_size)
    if center:
        x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    np.testing.assert_allclose(moments.sxx, x.T @ x, rtol=1e-12)
    np.testing.assert_allclose(moments.syx, y.T @ x, rtol=1e-12)
    np.testing.assert_allclose(moments.syy, y.T @ y, rtol=1e-12)
    assert (moments.n, moments.n_features, moments.n_outputs) == (50, 4, 3)


@given(
    cuts=st.lists(st.integers(1, 59), max_size=5, unique=True).map(sorted),
    offset=st.sampled_from([0.0, 1.0, 1e4]),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=60, deadline=None)
def test_merging_shards_in_any_order_gives_the_moments_of_the_whole(cuts, offset, order):
    x, y = data(n=60, offset=offset)
    shards = [
        SecondMoments.from_arrays(a, b)
        for a, b in zip(np.split(x, cuts), np.split(y, cuts), strict=True)
    ]
    order.shuffle(shards)
    total = shards[0]
    for shard in shards[1:]:
        total = total + shard
    # the shards' means are rounded too: far from zero that is what the merge can know
    assert_same(total, SecondMoments.from_arrays(x, y), rtol=1e-12 + 1e-15 * offset)


def test_merging_is_associative_and_commutative_to_rounding():
    parts = [SecondMoments.from_arrays(*data(n=5 + i, offset=10.0 * i, seed=i)) for i in range(3)]
    first = (parts[0] + parts[1]) + parts[2]
    for a, b, c in permutations(parts):
        assert_same(a + (b + c), first)


def test_batches_give_what_arrays_give():
    x, y = data(n=100)
    stream = ((x[i : i + 9], y[i : i + 9]) for i in range(0, 100, 9))
    assert_same(SecondMoments.from_batches(stream), SecondMoments.from_arrays(x, y))


def test_empty_batches_are_skipped():
    x, y = data()
    assert SecondMoments.from_batches([(x[:0], y[:0]), (x, y)]).n == 50


def test_centred_sums_keep_their_digits_far_from_zero():
    x, y = data(n=500)
    exact = np.round(x * 2**20) / 2**20  # so that adding 2^26 rounds nothing away
    near = SecondMoments.from_arrays(exact, y, center=True)
    far = SecondMoments.from_arrays(exact + 2.0**26, y, center=True, chunk_size=64)
    np.testing.assert_allclose(far.sxx, near.sxx, rtol=0, atol=1e-9 * near.sxx.max())


def test_drifting_rows_keep_their_digits():
    rng = np.random.default_rng(1)
    x = (
        rng.integers(-4, 5, (4000, 2)).astype(float)
        + np.repeat(np.arange(4.0) * 1e7, 1000)[:, None]
    )
    moments = SecondMoments.from_arrays(x, x[:, :1], chunk_size=100)
    mean = [sum(map(int, x[:, j])) / 4000 for j in range(2)]
    exact = sum((int(a) - mean[0]) * (int(b) - mean[1]) for a, b in x)
    assert moments.scatter_xx[0, 1] == pytest.approx(exact, rel=1e-13)


@pytest.mark.parametrize(
    "convert",
    [
        lambda a: a.astype(np.float32),
        lambda a: a.astype(np.uint8),
        lambda a: a.astype(np.int64),
        lambda a: torch.from_numpy(a),
        lambda a: torch.from_numpy(a.astype(np.uint8)),
        lambda a: torch.from_numpy(a).to(torch.bfloat16),
        lambda a: torch.from_numpy(a).float().requires_grad_(),
    ],
    ids=["f32", "u8", "i64", "torch", "torch-u8", "torch-bf16", "torch-grad"],
)
def test_every_dtype_is_summed_in_float64_without_loss(convert):
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 200, (300, 5)).astype(float), np.eye(3)[rng.integers(0, 3, 300)]
    moments = SecondMoments.from_arrays(convert(x), y)
    assert moments.sxx.dtype == np.float64
    np.testing.assert_allclose(moments.sxx, x.T @ x, rtol=1e-14)
    np.testing.assert_allclose(moments.syx, y.T @ x, rtol=1e-14)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_tensors_give_what_arrays_give():
    x, y = data(n=1000, offset=5.0)
    cuda = SecondMoments.from_arrays(torch.from_numpy(x).cuda(), torch.from_numpy(y).cuda())
    assert_same(cuda, SecondMoments.from_arrays(x, y))


def test_images_are_flattened():
    x, y = data(n=20, d=12)
    images = x.reshape(20, 3, 2, 2)
    assert_same(SecondMoments.from_arrays(images, y), SecondMoments.from_arrays(x, y))


def test_memory_mapped_arrays_are_read_in_chunks(tmp_path):
    x, y = data()
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert_same(SecondMoments.from_arrays(mapped, y, chunk_size=8), SecondMoments.from_arrays(x, y))


def test_raw_and_centred_come_from_the_same_pass():
    x, y = data(offset=2.0)
    moments = SecondMoments.from_arrays(x, y)
    assert_same(moments.centered(), SecondMoments.from_arrays(x, y, center=True))
    assert_same(moments.centered().raw(), moments)


@pytest.mark.parametrize("center", [False, True])
def test_rescaling_the_moments_equals_rescaling_the_data(center):
    x, y = data(offset=100.0)
    scale, shift = np.array([0.5, 2.0, 1.0, 3.0]), np.array([1.0, 0.0, -60.0, 2.0])
    moments = SecondMoments.from_arrays(x, y, center=center)
    assert_same(
        moments.rescaled(scale, shift).rescaled(2.0, 1.0, of="y"),
        SecondMoments.from_arrays(x * scale + shift, 2 * y + 1, center=center),
    )


def test_one_row_has_no_scatter():
    moments = SecondMoments.from_arrays(np.array([[2.0, 3.0]]), np.array([[1.0]]))
    assert not moments.centered().sxx.any()
    np.testing.assert_array_equal(moments.sxx, [[4.0, 6.0], [6.0, 9.0]])


def test_same_input_gives_the_same_bits():
    x, y = data(n=1000)
    a, b = SecondMoments.from_arrays(x, y), SecondMoments.from_arrays(x, y)
    assert all((getattr(a, name) == getattr(b, name)).all() for name in SUMS)


X, Y = data(n=6)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:0], Y[:0], "no rows"),
        (X, Y[:5], "as many rows. Got 6 and 5"),
        (X[:, 0], Y, r"\(6,\).*x\[:, None\]"),
        (X[0], Y, "of shape"),
        (X[:, :0], Y, "need columns"),
        (np.where(X[3, 1] == X, np.nan, X), Y, "NaN or infinite values from row"),
        (X, np.where(Y[0, 0] == Y, np.inf, Y), "NaN or infinite"),
        (X + 1j, Y, "real numbers. Got dtype complex128"),
        (np.array([["a"]]), Y[:1], "real numbers"),
        (torch.from_numpy(X) * 1j, Y, "must be real"),
    ],
)
def test_bad_data_is_refused_in_one_line(x, y, message):
    with pytest.raises(InputError, match=message) as error:
        SecondMoments.from_arrays(x, y)
    assert "\n" not in str(error.value)


def test_batches_with_other_columns_are_refused():
    with pytest.raises(InputError, match="same columns"):
        SecondMoments.from_batches([(X, Y), (X[:, :2], Y)])


def test_no_batches_are_refused():
    with pytest.raises(InputError, match="no rows"):
        SecondMoments.from_batches(iter([]))


def test_merging_different_columns_or_centring_is_refused():
    moments = SecondMoments.from_arrays(X, Y)
    with pytest.raises(InputError, match="same columns and centring"):
        moments + SecondMoments.from_arrays(X[:, :2], Y)
    with pytest.raises(InputError, match="same columns and centring"):
        moments + moments.centered()
    with pytest.raises(TypeError):
        moments + 1


def test_non_finite_and_ill_shaped_moments_are_refused():
    m = SecondMoments.from_arrays(X, Y)
    with pytest.raises(InputError, match="scatter_xx has NaN"):
        SecondMoments(6, m.mean_x, m.mean_y, m.scatter_xx * np.nan, m.scatter_yx, m.scatter_yy)
    with pytest.raises(InputError, match="do not go with"):
        SecondMoments(6, m.mean_x, m.mean_y, m.scatter_yy, m.scatter_yx, m.scatter_yy)


def test_chunk_size_below_one_is_refused():
    with pytest.raises(InputError, match="chunk_size must be at least 1"):
        SecondMoments.from_arrays(X, Y, chunk_size=0)


def test_constant_tensors_leave_nothing_where_the_sums_are_made_by_torch():
    x = torch.tensor([[0.1, 1.0]]).double().repeat(1000, 1)
    x[:, 1] += torch.arange(1000)
    mean_x, mean_y, xx, yx, yy = torch_sums(x, x[:, :1])
    assert mean_x[0] == mean_y[0] == x[0, 0].item()
    assert xx[0].tolist() == [0.0, 0.0]
    assert yy[0, 0] == yx[0, 1] == 0.0
    assert xx[1, 1] == pytest.approx(1000 * (1000**2 - 1) / 12, rel=1e-14)


def test_the_sums_that_torch_makes_are_those_about_the_mean():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((50, 3)) + 5, rng.standard_normal((50, 2)) - 2
    found = torch_sums(torch.from_numpy(x), torch.from_numpy(y))
    a, b = x - x.mean(axis=0), y - y.mean(axis=0)
    for got, wanted in zip(found, (x.mean(0), y.mean(0), a.T @ a, b.T @ a, b.T @ b), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("side", ["x", "y"])
def test_columns_whose_squares_vanish_are_refused_and_constant_ones_are_not(side):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((9, 2)), rng.standard_normal((9, 2))
    small = {"x": x, "y": y} | {side: rng.standard_normal((9, 2)) * [1.0, 1e-170]}
    with pytest.raises(InputError, match=r"its squares are beyond float64\. Rescale"):
        SecondMoments.from_arrays(**small)
    small[side][:, 1] = 1e-170
    assert SecondMoments.from_arrays(**small, chunk_size=2).n == 9
    # what is small in the first rows alone is no loss
    small[side][:, 1] = [1e-170, 2e-170, *np.arange(7.0)]
    assert SecondMoments.from_arrays(**small, chunk_size=2).n == 9


def test_a_side_is_rescaled_by_its_own_name_alone():
    moments = SecondMoments.from_arrays(np.eye(3), np.eye(3))
    with pytest.raises(InputError, match=r"of must be 'x' or 'y'\. Got 'X'"):
        moments.rescaled(2.0, of="X")  # type: ignore[arg-type]


@pytest.mark.parametrize("side", ["x", "y"])
def test_columns_whose_squares_vanish_by_another_scale_are_refused(side):
    x, y = data()
    x[:, 0] = y[:, 0] = 3.0
    moments = SecondMoments.from_arrays(x, y)
    with pytest.raises(InputError, match=r"its squares are beyond float64\. Rescale"):
        moments.rescaled(1e-170, of=side)
    # a constant column and a factor of zero lose nothing
    first = np.where(np.arange(4 if side == "x" else 3) == 0, 1e-170, 1.0)
    assert moments.rescaled(first, of=side).n == 50
    assert moments.rescaled(0.0, of=side).n == 50


@pytest.mark.parametrize("side", ["x", "y"])
def test_a_sum_refuses_columns_whose_squares_vanish_between_its_parts(side):
    """Constant in each of them, and nothing would be left of it that they are not together."""
    x, y = data()
    parts = []
    for value in (0.0, 1e-170):
        {"x": x, "y": y}[side][:, 1] = value
        parts.append(SecondMoments.from_arrays(x, y))
    with pytest.raises(InputError, match=r"its squares are beyond float64\. Rescale"):
        _ = parts[0] + parts[1]
    assert (parts[1] + parts[1]).n == 100


class ThereTensor(torch.Tensor):
    """One that says it lies on a GPU."""

    is_cuda = True


@pytest.mark.parametrize("side", ["x", "y"])
@pytest.mark.parametrize("chunk_size", [None, 1])
def test_columns_whose_squares_vanish_are_refused_on_a_gpu_as_well(side, chunk_size):
    x, y = (torch.randn(9, 2, dtype=torch.float64) for _ in "xy")
    small = {"x": x, "y": y}[side]
    small[:, 1] *= 1e-170
    there = [x.as_subclass(ThereTensor), y]
    with pytest.raises(InputError, match=r"its squares are beyond float64\. Rescale"):
        SecondMoments.from_arrays(*there, chunk_size=chunk_size)
    small[:, 1] = 1e-170
    assert_same(SecondMoments.from_arrays(*there), SecondMoments.from_arrays(x, y))


def test_scale_and_shift_are_a_number_for_each_column():
    moments = SecondMoments.from_arrays(*data())
    for wrong in (np.zeros((4, 1)), np.zeros((4, 4)), np.zeros((5, 4)), np.zeros(3)):
        for name in ("scale", "shift"):
            with pytest.raises(InputError, match=rf"{name} must be a number or of shape \(4,\)"):
                moments.rescaled(wrong if name == "scale" else 1.0, wrong)
    both = moments.rescaled(np.full(4, 2.0), np.arange(4.0))
    np.testing.assert_allclose(both.mean_x, 2 * moments.mean_x + np.arange(4.0))
