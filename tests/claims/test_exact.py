from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitfalls.claims.exact import (
    Matrix,
    determinant,
    factor,
    inverse,
    normal_form,
    null_space,
    orthogonal,
    product,
    rank,
    row_basis,
    solve,
)
from pitfalls.errors import InputError

sizes = st.integers(1, 4)


@st.composite
def matrices(draw, n_rows=None, n_columns=None):
    rows = draw(sizes) if n_rows is None else n_rows
    columns = draw(sizes) if n_columns is None else n_columns
    entries = st.fractions(-3, 3, max_denominator=4)
    matrix = Matrix(
        draw(
            st.lists(
                st.lists(entries, min_size=columns, max_size=columns), min_size=rows, max_size=rows
            )
        )
    )
    if draw(st.booleans()) and rows > 1:  # a repeated row: rank-deficient now and then
        matrix = Matrix([*matrix.rows[:-1], matrix.rows[0]])
    return matrix


@settings(max_examples=40, deadline=None)
@given(matrices())
def test_rank_is_the_size_of_the_largest_minor_that_is_not_zero(matrix):
    n_rows, n_columns = matrix.shape
    largest = 0
    for size in range(1, min(n_rows, n_columns) + 1):
        for rows in combinations(range(n_rows), size):
            for columns in combinations(range(n_columns), size):
                if determinant(Matrix([[matrix[i, j] for j in columns] for i in rows])) != 0:
                    largest = size
    assert rank(matrix) == largest


@settings(max_examples=40, deadline=None)
@given(matrices())
def test_rank_plus_nullity_is_the_number_of_columns(matrix):
    kernel = null_space(matrix)
    assert len(kernel) + rank(matrix) == matrix.shape[1]
    assert all((matrix @ vector).is_zero() for vector in kernel)


@settings(max_examples=40, deadline=None)
@given(matrices())
def test_the_normal_form_restores_the_matrix(matrix: Matrix):
    left, size, right = normal_form(matrix)
    assert left @ Matrix.partial_identity(*matrix.shape, size) @ right == matrix
    assert size == rank(matrix)
    assert inverse(left) @ left == Matrix.identity(matrix.shape[0])
    assert inverse(right) @ right == Matrix.identity(matrix.shape[1])


@settings(max_examples=40, deadline=None)
@given(matrices())
def test_the_row_basis_spans_the_rows(matrix):
    basis = row_basis(matrix)
    if basis is None:
        assert matrix.is_zero()
    else:
        assert basis.shape[0] == rank(matrix) == rank(Matrix([*basis.rows, *matrix.rows]))


@settings(max_examples=40, deadline=None)
@given(matrices(), st.integers(1, 3), st.randoms(use_true_random=False))
def test_solve_finds_a_solution_exactly_when_there_is_one(matrix, n_columns, chance):
    planted = Matrix(
        [[chance.randint(-3, 3) for _ in range(n_columns)] for _ in range(matrix.shape[1])]
    )
    right: Matrix = matrix @ planted
    found = solve(matrix, right)
    assert found is not None
    assert matrix @ found == right
    off = right + Matrix.single(*right.shape, 0, 0)
    solvable = rank(Matrix([a + b for a, b in zip(matrix.rows, off.rows, strict=True)])) == rank(
        matrix
    )
    assert (solve(matrix, off) is not None) == solvable


@settings(max_examples=30, deadline=None)
@given(matrices(), st.lists(sizes, max_size=3))
def test_factor_multiplies_back_or_refuses_what_does_not_fit(target, hidden):
    widths = [target.shape[1], *hidden, target.shape[0]]
    if rank(target) > min(widths):
        with pytest.raises(InputError, match="does not pass"):
            factor(target, widths)
    else:
        layers = factor(target, widths)
        assert product(layers) == target
        assert [w.shape for w in layers] == list(zip(widths[1:], widths[:-1], strict=True))


def test_determinant_and_inverse_on_a_known_matrix():
    matrix = Matrix([[2, 1], [7, 4]])
    assert determinant(matrix) == 1
    assert inverse(matrix) == Matrix([[4, -1], [-7, 2]])


def test_cayley_matrices_are_exactly_orthogonal():
    generator = np.random.default_rng(0)
    for size in range(1, 6):
        matrix = orthogonal(generator, size)
        assert matrix @ matrix.T == Matrix.identity(size)


def test_floats_are_taken_over_without_rounding():
    matrix = Matrix.from_array([[0.1, 0.5]])
    assert matrix[0, 0] == Fraction(0.1) != Fraction(1, 10)
    assert (matrix.to_array() == [[0.1, 0.5]]).all()


def test_arithmetic_agrees_with_numpy():
    generator = np.random.default_rng(1)
    a, b = Matrix.random(generator, 3, 4), Matrix.random(generator, 4, 2)
    c = Matrix.random(generator, 3, 4)
    assert ((a @ b).to_array() == a.to_array() @ b.to_array()).all()
    assert ((a + 2 * c - a).to_array() == 2 * c.to_array()).all()
    assert a.squared_norm() == (a.to_array() ** 2).sum()
    assert (a @ a.T).trace() == a.squared_norm()
    assert a.largest() == np.abs(a.to_array()).max()
    assert hash(a) == hash(Matrix(a.rows))
    assert repr(Matrix([[1, Fraction(1, 2)], [0, 3]])) == "[1 1/2; 0 3]"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Matrix([]),
        lambda: Matrix([[1, 2], [3]]),
        lambda: Matrix([[1]]) + Matrix([[1, 2]]),
        lambda: Matrix([[1, 2]]) @ Matrix([[1, 2]]),
        lambda: inverse(Matrix([[1, 2], [2, 4]])),
        lambda: inverse(Matrix([[1, 2]])),
    ],
)
def test_shapes_that_do_not_fit_are_refused(wrong):
    with pytest.raises(InputError):
        wrong()
