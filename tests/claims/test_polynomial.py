from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import QQ, ring

from pitfalls.claims.exact import Matrix, determinant, gradient, unknowns

RING, X, Y = ring("x,y", QQ)
coefficients = st.fractions(-3, 3, max_denominator=3)
monomials = st.tuples(st.integers(0, 2), st.integers(0, 1))
polynomials = st.dictionaries(monomials, coefficients, max_size=4).map(
    lambda terms: sum((a * X**i * Y**j for (i, j), a in terms.items()), RING.zero)
)


def at(polynomial, x, y):
    """Evaluate without sympy."""
    return sum((Fraction(str(a)) * x**i * y**j for (i, j), a in polynomial.terms()), Fraction(0))


@settings(max_examples=60, deadline=None)
@given(polynomials, polynomials, coefficients, coefficients)
def test_sums_and_products_evaluate_to_sums_and_products(p, q, x, y):
    assert at(p + q, x, y) == at(p, x, y) + at(q, x, y)
    assert at(p - q, x, y) == at(p, x, y) - at(q, x, y)
    assert at(p * q, x, y) == at(p, x, y) * at(q, x, y)
    assert at(2 - p, x, y) == 2 - at(p, x, y)
    assert at(3 * p, x, y) == 3 * at(p, x, y)


@settings(max_examples=60, deadline=None)
@given(polynomials, polynomials)
def test_the_derivative_obeys_the_product_rule(p, q):
    for unknown in (X, Y):
        assert (p * q).diff(unknown) == p.diff(unknown) * q + p * q.diff(unknown)


@settings(max_examples=60, deadline=None)
@given(polynomials)
def test_equal_polynomials_have_equal_hashes_and_a_zero_difference(p):
    same = p + 0
    assert same == p
    assert hash(same) == hash(p)
    assert p - p == 0
    assert repr(p - p) == "0"


def test_the_derivative_of_powers_counts_them():
    assert (X * X * X * Y).diff(X) == 3 * X * X * Y
    assert (X * X).diff(Y) == 0
    w, x = unknowns(W=(2, 2), X=(2, 1))
    assert gradient((w @ x).squared_norm(), w) == 2 * (w @ x @ x.T)


def test_a_product_through_a_narrow_layer_has_no_large_minor():
    b, a = unknowns(B=(3, 2), A=(2, 3))
    narrow = b @ a
    assert determinant(narrow) == 0
    assert determinant(Matrix([row[:2] for row in narrow.rows[:2]])) != 0


def test_unknowns_are_named_after_their_place():
    matrix, other = unknowns(W=(2, 3), V=(1, 1))
    assert str(matrix[1, 2]) == "W_1_2"
    assert repr(other) == "[V_0_0]"
    assert matrix[0, 0] * other[0, 0] == other[0, 0] * matrix[0, 0]
