"""What may come in as data, and what the refusal says."""

from typing import Any

import numpy as np
import pandas
import pytest
import scipy.sparse
import torch

from pitfalls.errors import InputError
from pitfalls.moments import SecondMoments

X = np.random.default_rng(0).standard_normal((6, 3))
Y = X[:, :2] + 1


def same(a, b):
    return all(np.array_equal(getattr(a, k), getattr(b, k)) for k in ("sxx", "syx", "syy"))


def test_outputs_of_shape_n_are_one_column():
    one = SecondMoments.from_arrays(X, Y[:, 0])
    assert one.n_outputs == 1
    assert same(one, SecondMoments.from_arrays(X, Y[:, :1]))
    assert same(SecondMoments.from_arrays(X, torch.tensor(Y[:, 0])), one)
    batches = [(X[:2], Y[:2, 0]), (X[2:], Y[2:, :1])]
    np.testing.assert_allclose(SecondMoments.from_batches(batches).syx, one.syx, rtol=1e-13)


def test_the_sum_of_shards_is_their_merge():
    shards = [SecondMoments.from_arrays(X[i : i + 2], Y[i : i + 2]) for i in (0, 2, 4)]
    assert same(sum(shards), shards[0] + shards[1] + shards[2])
    whole = sum(shards)
    assert isinstance(whole, SecondMoments)
    assert whole.n == 6
    with pytest.raises(TypeError):
        sum(shards, start=1)


@pytest.mark.parametrize("side", ["x", "y"])
def test_masked_values_are_refused_with_the_way_to_fill_them(side):
    masked: dict[str, Any] = {"x": X, "y": Y}
    masked[side] = np.ma.masked_less(masked[side], np.sort(masked[side].ravel())[2])
    with pytest.raises(InputError, match=rf"{side} has 2 masked values.*{side}\.filled\(") as error:
        SecondMoments.from_arrays(**masked)
    assert "\n" not in str(error.value)


def test_a_masked_array_without_a_mask_is_an_array():
    assert same(SecondMoments.from_arrays(np.ma.array(X), Y), SecondMoments.from_arrays(X, Y))


@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.coo_array])
def test_sparse_data_are_refused_with_the_way_to_make_them_dense(make):
    with pytest.raises(InputError, match=r"x is sparse, of shape \(6, 3\). Give x.toarray\(\)"):
        SecondMoments.from_arrays(make(X), Y)
    with pytest.raises(InputError, match=r"y is sparse.*from_batches"):
        SecondMoments.from_arrays(X, make(Y))
    with pytest.raises(InputError, match=r"x is sparse.*to_dense\(\)"):
        SecondMoments.from_arrays(torch.tensor(X).to_sparse(), Y)


def test_nullable_columns_of_a_table_are_numbers():
    frame = pandas.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, -1.0]}).convert_dtypes()
    assert same(
        SecondMoments.from_arrays(frame, frame["a"]),
        SecondMoments.from_arrays(np.array([[1, 0.5], [2, 1.5], [3, -1]]), np.array([1.0, 2, 3])),
    )


def test_a_table_that_cannot_say_what_is_missing_is_read_as_it_is():
    class Table:
        def __init__(self, values):
            self.values = values

        def __array__(self, dtype=None, copy=None):
            return np.array(self.values, dtype=object)

        def to_numpy(self, dtype):
            return np.array(self.values, dtype=dtype)

    rows = [[1.0, 2], [3, 5], [4, 4]]
    assert same(
        SecondMoments.from_arrays(Table(rows), np.ones(3)),  # type: ignore[arg-type]
        SecondMoments.from_arrays(np.array(rows), np.ones(3)),
    )


def test_outputs_of_more_axes_are_refused():
    with pytest.raises(InputError, match=r"y of shape \(n, p\) or \(n,\)"):
        SecondMoments.from_arrays(np.ones((3, 2)), np.ones((3, 2, 2)))


def test_missing_values_of_a_table_are_refused_with_the_way_to_fill_them():
    frame = pandas.DataFrame({"a": [1, None, 3], "b": [None, 1.5, -1.0]}).convert_dtypes()
    with pytest.raises(InputError, match=r"x has 2 missing values.*x\.fillna\(") as error:
        SecondMoments.from_arrays(frame, np.ones(3))
    assert "\n" not in str(error.value)


def test_a_table_with_a_column_of_words_is_refused():
    frame = pandas.DataFrame({"a": [1, 2, 3], "b": ["p", "q", "r"]}).convert_dtypes()
    with pytest.raises(InputError, match="x must hold real numbers, and a column") as error:
        SecondMoments.from_arrays(frame, np.ones(3))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, bool])
def test_whole_numbers_are_summed_exactly(dtype):
    x = np.random.default_rng(1).integers(0, 2, (50, 3)).astype(dtype)
    x[:, 0] *= np.array(100 if dtype is not bool else 1, dtype=dtype)
    exact = x.astype(object).T @ x.astype(object)
    moments = SecondMoments.from_arrays(x, x[:, 0])
    np.testing.assert_allclose(moments.sxx, exact.astype(float), rtol=1e-14)


@pytest.mark.parametrize("x", [X + 1j, torch.tensor(X) * 1j], ids=["numpy", "torch"])
def test_complex_values_are_refused_with_what_to_do(x):
    with pytest.raises(InputError, match=r"x must .*real.* as columns"):
        SecondMoments.from_arrays(x, Y)
    with pytest.raises(InputError, match=r"y must .*real.* as columns"):
        SecondMoments.from_arrays(X, x)


@pytest.mark.parametrize(
    "wrong",
    [
        (X, Y),
        (np.zeros((2, 5, 3)), np.zeros((2, 5, 2))),  # whose two rows are matrices, like x and y
        (torch.tensor(X), torch.tensor(Y)),
        [(X, Y, Y)],
        [{"x": X, "y": Y}],
        7,
    ],
)
def test_what_is_no_stream_of_batches_is_told_from_one(wrong):
    with pytest.raises(InputError, match=r"takes an iterable of batches \(x, y\)"):
        SecondMoments.from_batches(wrong)
    loader: Any = [[X, Y]]
    assert same(SecondMoments.from_batches(loader), SecondMoments.from_arrays(X, Y))


@pytest.mark.parametrize("wrong", [2.5, "3", True, 0])
def test_chunks_have_a_whole_number_of_rows(wrong):
    with pytest.raises(InputError, match="chunk_size must be"):
        SecondMoments.from_arrays(X, Y, chunk_size=wrong)
