"""The transform against the dense Hadamard matrix, its inverse, Parseval and autograd."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard

from pitfalls.errors import InputError
from pitfalls.parity import (
    ParityTask,
    cube,
    inverse_walsh_hadamard_transform,
    walsh_hadamard_transform,
)
from pitfalls.parity.walsh import _by_products, _overlaps_itself

# torch's own forward mode compiles its decompositions with this
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")

TYPES = [np.float32, np.float64]


def whole_numbers(shape, dtype, seed=0):
    """Small integers, whose transform is exact in floating point."""
    return np.random.default_rng(seed).integers(-8, 9, shape).astype(dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("bits", range(13))
def test_transform_equals_the_dense_matrix_to_the_bit_on_whole_numbers(bits, dtype):
    x = whole_numbers((3, 2**bits), dtype)
    expected = x @ hadamard(2**bits, dtype=dtype)
    assert np.array_equal(walsh_hadamard_transform(x), expected)
    by_torch = _by_products(torch.from_numpy(x), 1, 1.0)
    assert np.array_equal(by_torch.numpy(), expected)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("bits", [14, 15, 16, 17, 18, 21])
def test_kernel_and_torch_agree_to_the_bit_past_the_cache(bits, dtype):
    x = whole_numbers((1, 2**bits), dtype)
    by_torch = _by_products(torch.from_numpy(x), 1, 1.0)
    assert np.array_equal(walsh_hadamard_transform(x), by_torch.numpy())


def test_rows_that_grow_with_the_array_change_no_bit(monkeypatch):
    x = whole_numbers((1, 2**18), np.float64)
    expected = walsh_hadamard_transform(x)
    monkeypatch.setattr("pitfalls.parity.walsh_kernel._CACHED_BYTES", 1 << 10)
    monkeypatch.setattr("pitfalls.parity.walsh_kernel._MANY_ROWS", 1 << 8)
    monkeypatch.setattr("pitfalls.parity.walsh_kernel._SHARED_SIZE", 1 << 10)
    assert np.array_equal(walsh_hadamard_transform(x), expected)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 11), st.integers(0, 2**31), st.sampled_from(TYPES), st.booleans())
def test_inverse_undoes_the_transform(bits, seed, dtype, normalize):
    x = np.random.default_rng(seed).normal(size=(2, 2**bits)).astype(dtype)
    there = walsh_hadamard_transform(x, normalize=normalize)
    back = inverse_walsh_hadamard_transform(there, normalize=normalize)
    assert back.dtype == dtype
    np.testing.assert_allclose(back, x, rtol=0, atol=64 * np.finfo(dtype).eps)


@pytest.mark.parametrize("bits", [5, 16, 18])
def test_orthonormal_transform_keeps_length(bits):
    x = np.random.default_rng(bits).normal(size=2**bits)
    done = walsh_hadamard_transform(x, normalize=True)
    assert np.linalg.norm(done) == pytest.approx(np.linalg.norm(x), rel=1e-13)


def test_rows_are_correlations_with_parities():
    d = 5
    values = np.random.default_rng(0).normal(size=2**d)
    done = walsh_hadamard_transform(values)
    for mask in cube(d):
        task = ParityTask(mask)
        labels = task.labels(cube(d, dtype=torch.float64)).numpy()
        assert done[task.index] == pytest.approx(labels @ values, rel=1e-12)


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("as_torch", [False, True])
def test_any_axis_of_any_layout_is_transformed(dim, as_torch):
    x = whole_numbers((4, 8, 16), np.float64).transpose(2, 0, 1)  # not contiguous
    expected = np.moveaxis(
        np.moveaxis(x, dim, -1) @ hadamard(x.shape[dim], dtype=np.float64), -1, dim
    )
    given = torch.from_numpy(x) if as_torch else x
    assert np.array_equal(np.asarray(walsh_hadamard_transform(given, dim)), expected)
    assert np.array_equal(np.asarray(walsh_hadamard_transform(given, dim, inplace=True)), expected)
    assert np.array_equal(x, expected)


@pytest.mark.parametrize("as_torch", [False, True])
def test_input_is_kept_unless_it_is_to_be_overwritten(as_torch):
    x = whole_numbers((2, 64), np.float32)
    given = torch.from_numpy(x) if as_torch else x
    before = x.copy()
    done = walsh_hadamard_transform(given)
    assert np.array_equal(x, before)
    assert walsh_hadamard_transform(given, inplace=True) is given
    assert np.array_equal(x, np.asarray(done))


@pytest.mark.parametrize("normalize", [False, True])
def test_autograd_follows_the_transform(normalize):
    def transform(x):
        return walsh_hadamard_transform(x, 1, normalize=normalize)

    x = torch.randn(2, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        transform,
        x,
        check_forward_ad=True,
        check_batched_grad=True,
        check_batched_forward_grad=True,
    )
    assert torch.autograd.gradgradcheck(transform, x)


H8 = torch.from_numpy(hadamard(8, dtype=np.float64))


@pytest.mark.parametrize(
    "jacobian", [torch.func.jacfwd, torch.func.jacrev], ids=["forward", "reverse"]
)
@pytest.mark.parametrize("normalize", [False, True])
def test_the_jacobian_is_the_matrix_in_either_mode(jacobian, normalize):
    x = torch.randn(8, dtype=torch.float64)
    there = jacobian(lambda x: walsh_hadamard_transform(x, normalize=normalize))(x)
    torch.testing.assert_close(there, H8 / (8**0.5 if normalize else 1), rtol=1e-14, atol=0)
    back = jacobian(lambda x: inverse_walsh_hadamard_transform(x, normalize=normalize))(x)
    torch.testing.assert_close(back, H8 / (8**0.5 if normalize else 8), rtol=1e-14, atol=0)


@pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node")
def test_forward_derivatives_are_the_transform_of_the_tangent():
    x, tangent = torch.randn(2, 3, 8, dtype=torch.float64)
    expected = tangent @ H8
    torch.testing.assert_close(
        torch.func.jvp(walsh_hadamard_transform, (x,), (tangent,))[1], expected
    )
    _, linear = torch.func.linearize(walsh_hadamard_transform, x)
    torch.testing.assert_close(linear(tangent), expected)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, tangent)
        seen = torch.autograd.forward_ad.unpack_dual(walsh_hadamard_transform(dual)).tangent
    torch.testing.assert_close(seen, expected)


@pytest.mark.parametrize("in_dim", [0, 1, 2, -1])
@pytest.mark.parametrize("dim", [0, 1, -1, -2])
def test_vmap_transforms_each_member_of_a_batch(in_dim, dim):
    x = torch.randn(4, 8, 16, dtype=torch.float64)
    batched = torch.func.vmap(lambda row: walsh_hadamard_transform(row, dim), in_dim)(x)
    alone = torch.stack([walsh_hadamard_transform(row, dim) for row in x.unbind(in_dim)])
    torch.testing.assert_close(batched, alone, rtol=1e-14, atol=1e-14)


def test_a_hessian_through_the_transform_is_that_through_the_matrix():
    x = torch.randn(8, dtype=torch.float64)
    ours = torch.func.hessian(lambda x: (walsh_hadamard_transform(x) ** 3).sum())(x)
    torch.testing.assert_close(ours, torch.func.hessian(lambda x: ((H8 @ x) ** 3).sum())(x))
    rows = torch.randn(3, 8, dtype=torch.float64)
    gradient = torch.func.vmap(torch.func.grad(lambda r: (walsh_hadamard_transform(r) ** 2).sum()))
    torch.testing.assert_close(gradient(rows), 16 * rows)


def test_overwriting_counts_as_a_change_for_autograd():
    x = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    y = x * 1
    loss = (y**2).sum()
    with torch.no_grad():
        walsh_hadamard_transform(y, inplace=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("as_torch", [False, True])
def test_entries_that_share_their_memory_are_not_overwritten(as_torch):
    if as_torch:
        one = torch.ones(1)
        with pytest.raises(InputError, match="share their memory"):
            walsh_hadamard_transform(one.expand(8), inplace=True)
        assert one.item() == 1
        assert walsh_hadamard_transform(one.expand(8)).tolist() == [8, *[0] * 7]
        return
    single = np.ones(1)
    shared = np.lib.stride_tricks.as_strided(single, (8,), (0,), writeable=True)
    with pytest.raises(InputError, match="share their memory"):
        walsh_hadamard_transform(shared, inplace=True)
    assert walsh_hadamard_transform(shared).tolist() == [8, *[0] * 7]


LAYOUTS = {  # shape and strides in entries, all from entry 64, and whether two entries are one
    "rows that overlap": ((3, 4), (1, 1), True),
    "windows": ((4, 8), (4, 1), True),
    "a step of zero far apart": ((2, 4), (0, 9), True),
    "two axes that meet": ((4, 4), (2, 3), True),
    "a plain block": ((3, 4), (4, 1), False),
    "turned": ((4, 8), (1, 4), False),
    "with gaps": ((4, 4), (9, 2), False),
    "axes that interleave and do not meet": ((2, 4), (3, 2), False),
    "an axis of length one": ((1, 4), (0, 1), False),
    "no entry": ((0, 4), (0, 1), False),
}


@pytest.mark.parametrize("as_torch", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_only_entries_that_share_their_memory_are_refused(layout, as_torch):
    shape, steps, shared = LAYOUTS[layout]
    memory = whole_numbers(128, np.float64)
    before = memory.copy()
    strides = [8 * step for step in steps]
    x = np.lib.stride_tricks.as_strided(memory[64:], shape, strides, writeable=True)
    expected = x @ hadamard(shape[1], dtype=np.float64)
    given: Any = x
    if as_torch:
        given = torch.from_numpy(memory)[64:].as_strided(shape, steps)
    assert np.array_equal(np.asarray(walsh_hadamard_transform(given)), expected)
    if shared:
        with pytest.raises(InputError, match=r"share their memory\. Use inplace=False"):
            walsh_hadamard_transform(given, inplace=True)
        assert np.array_equal(memory, before)
    else:
        assert walsh_hadamard_transform(given, inplace=True) is given
        assert np.array_equal(x, expected)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(-30, 30)), min_size=1, max_size=3),
    st.sampled_from(TYPES),
)
def test_overlap_is_decided_as_by_marking_every_byte(axes, dtype):
    size = np.dtype(dtype).itemsize
    shape, strides = zip(*axes, strict=True)
    memory = np.zeros(1024, np.uint8)
    x = np.ndarray(shape, dtype, memory, 512, strides)
    starts = [512 + int(np.dot(place, strides)) for place in np.ndindex(*shape)]
    touched = [start + byte for start in starts for byte in range(size)]
    assert _overlaps_itself(x) is (len(set(touched)) < len(touched))


def test_rows_of_a_field_that_others_lie_between_are_overwritten():
    table = np.zeros((4, 8), dtype=[("value", np.float64), ("label", np.int32)])
    table["value"] = whole_numbers((4, 8), np.float64)
    table["label"] = 7
    expected = table["value"] @ hadamard(8, dtype=np.float64)
    walsh_hadamard_transform(table["value"], inplace=True)
    assert np.array_equal(table["value"], expected)
    assert (table["label"] == 7).all()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("bits", range(12))
@pytest.mark.parametrize("dim", [0, 1])
def test_the_products_of_other_devices_give_the_kernels_values_once_scaled(bits, dim, dtype):
    x = whole_numbers((2**bits, 2), dtype) if dim == 0 else whole_numbers((2, 2**bits), dtype)
    done = _by_products(torch.from_numpy(x), dim, 0.25).numpy()
    assert np.array_equal(done, 0.25 * walsh_hadamard_transform(x, dim))


def test_the_operator_keeps_torchs_rules_for_operators():
    x = torch.randn(3, 8, dtype=torch.float64)
    for tensor, dim in ((x, 1), (x.T, 0)):
        torch.library.opcheck(torch.ops.pitfalls.walsh_hadamard.default, (tensor, dim, 0.5))


def test_empty_batch_stays_empty():
    assert walsh_hadamard_transform(np.empty((0, 8))).shape == (0, 8)


@pytest.mark.gpu
def test_device_path_equals_the_kernel():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    x = torch.randn(3, 4096, dtype=torch.float64)
    torch.testing.assert_close(
        walsh_hadamard_transform(x.cuda()).cpu(), walsh_hadamard_transform(x)
    )


def test_bad_input_is_refused_in_one_line():
    with pytest.raises(InputError, match=r"power of two. Got 6; pad with zeros to 8"):
        walsh_hadamard_transform(np.zeros((2, 6)))
    with pytest.raises(InputError, match="Got 0; pad with zeros to 1"):
        walsh_hadamard_transform(np.zeros((2, 0)))
    with pytest.raises(InputError, match=r"float32 or float64\. Got int64"):
        walsh_hadamard_transform(np.arange(4))  # type: ignore[type-var]
    for other in ([1.0, 2.0], (1.0, 2.0), 1.0, None):
        with pytest.raises(InputError, match="x must be an array or a tensor"):
            walsh_hadamard_transform(other)  # type: ignore[type-var]
        with pytest.raises(InputError, match="x must be an array or a tensor"):
            inverse_walsh_hadamard_transform(other)  # type: ignore[type-var]
    with pytest.raises(InputError, match="Got float16"):
        walsh_hadamard_transform(torch.zeros(4, dtype=torch.float16))
    with pytest.raises(InputError, match="has 1 axes"):
        walsh_hadamard_transform(np.zeros(4), dim=1)
    frozen = np.zeros(4)
    frozen.flags.writeable = False
    with pytest.raises(InputError, match="read-only"):
        walsh_hadamard_transform(frozen, inplace=True)
    with pytest.raises(InputError, match="masked"):
        walsh_hadamard_transform(np.ma.masked_less(np.arange(4.0), 2))
    with pytest.raises(InputError, match="needs a gradient"):
        walsh_hadamard_transform(torch.zeros(4, requires_grad=True), inplace=True)
