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
    with pytest.raises(InputError, match="n_features must be >= 1"):
        ParityTask.random(0, seed=0)
    with pytest.raises(InputError, match="between 0 and n_features = 3"):
        ParityTask.random(3, seed=0, weight=4)
    with pytest.raises(InputError, match=r"shape \(\.\.\., 2\)"):
        ParityTask([0, 1]).labels(torch.zeros(4, 3))
    with pytest.raises(ResourceError, match="gradient_signal"):
        cube(30)
