import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.errors import InputError, ResourceError
from pitfalls.parity import ParityTask, cube


@given(st.lists(st.integers(0, 1), min_size=1, max_size=8))
def test_labels_are_the_sign_of_the_parity_on_every_input(mask):
    task = ParityTask(mask)
    x = task.all_inputs()
    expected = [(-1.0) ** sum(v * int(b) for v, b in zip(mask, row, strict=True)) for row in x]
    assert task.labels(x).tolist() == expected


def test_cube_lists_every_input_once_with_bit_j_in_column_j():
    x = cube(5, dtype=torch.float64)
    assert x.shape == (32, 5)
    assert (x @ 2.0 ** torch.arange(5, dtype=torch.float64)).tolist() == list(range(32))


def test_index_of_a_mask_is_its_row_in_the_cube():
    task = ParityTask([0, 1, 1, 0, 1])
    assert cube(5)[task.index].tolist() == list(task.mask)


TYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int8, torch.int64]


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_labels_are_exact_for_every_type(dtype):
    task = ParityTask.random(600, seed=0)
    x, y = task.sample(200, torch.Generator().manual_seed(1), dtype=torch.float64)
    labels = task.labels(x.to(dtype))
    assert labels.dtype == dtype
    assert torch.equal(labels.double(), y)
    picked = x.bool().numpy() & np.array(task.mask, bool)
    assert y.tolist() == [(-1.0) ** int(row.sum()) for row in picked]


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.complex64], ids=str)
def test_types_without_minus_one_are_refused(dtype):
    with pytest.raises(InputError, match="can hold -1"):
        ParityTask([1, 0]).labels(torch.zeros(3, 2, dtype=dtype))


@pytest.mark.parametrize("value", [-1.0, 2.0, 0.5, torch.nan, torch.inf])
def test_inputs_other_than_zero_and_one_are_refused(value):
    x = torch.zeros(3, 2)
    x[1, 1] = value
    with pytest.raises(InputError, match=r"0 or 1.*signs give \(1 - x\) / 2"):
        ParityTask([1, 0]).labels(x)


def test_the_label_of_one_input_is_a_number_and_of_none_is_empty():
    task = ParityTask([1, 1])
    assert task.labels(torch.tensor([1.0, 0.0])).item() == -1
    assert task.labels(torch.zeros(0, 2)).shape == (0,)
    assert task.labels(torch.ones(2, 3, 2)).shape == (2, 3)


@pytest.mark.parametrize("weight", [None, 0, 3, 9])
def test_random_mask_is_determined_by_its_seed_and_has_its_weight(weight):
    first, again = (ParityTask.random(9, seed=4, weight=weight) for _ in range(2))
    assert first == again
    assert weight is None or first.weight == weight
    assert ParityTask.random(30, seed=1) != ParityTask.random(30, seed=2)


def test_sample_is_uniform_and_labelled():
    task = ParityTask([1, 0, 1, 1])
    x, y = task.sample(4000, torch.Generator().manual_seed(0))
    assert torch.equal(y, task.labels(x))
    counts = torch.bincount((x @ 2.0 ** torch.arange(4)).long(), minlength=16).double()
    chi_square = float(((counts - 250) ** 2 / 250).sum())
    assert chi_square < 37.7  # 0.999 quantile with 15 degrees of freedom


@pytest.mark.parametrize("mask", [[0, 2], [0.5], [[0, 1]], [], np.array([0, -1])])
def test_mask_other_than_a_row_of_zeros_and_ones_is_refused(mask):
    with pytest.raises(InputError, match="mask must be"):
        ParityTask(mask)


def test_bad_sizes_are_refused_in_one_line():
    with pytest.raises(InputError, match="n_features must be at least 1"):
        ParityTask.random(0, seed=0)
    with pytest.raises(InputError, match="between 0 and n_features = 3"):
        ParityTask.random(3, seed=0, weight=4)
    with pytest.raises(InputError, match=r"shape \(\.\.\., 2\)"):
        ParityTask([0, 1]).labels(torch.zeros(4, 3))
    with pytest.raises(ResourceError, match="gradient_signal"):
        cube(30)
