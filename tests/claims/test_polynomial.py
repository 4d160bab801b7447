from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from pitfalls.claims.exact import Matrix, determinant
from pitfalls.claims.polynomial import Polynomial, unknown_name, unknowns

NAMES = ("x", "y")
coefficients = st.fractions(-3, 3, max_denominator=3)
monomials = st.lists(st.sampled_from(NAMES), max_size=3).map(lambda names: tuple(sorted(names)))
polynomials = st.dictionaries(monomials, coefficients, max_size=4).map(Polynomial)


def at(polynomial, x, y):
    total = Fraction(0)
    for monomial, value in polynomial.terms.items():
        for name in monomial:
            value *= {"x": x, "y": y}[name]
        total += value
    return total


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
    for name in NAMES:
        left = (p * q).derivative(name)
        assert left == p.derivative(name) * q + p * q.derivative(name)


@settings(max_examples=60, deadline=None)
@given(polynomials)
def test_equal_polynomials_have_equal_hashes_and_a_zero_difference(p):
    same = p + 0
    assert same == p
    assert hash(same) == hash(p)
    assert p - p == 0
    assert repr(p - p) == "0"


def test_the_derivative_of_powers_counts_them():
    x, y = (Polynomial({(name,): 1}) for name in NAMES)
    assert (x * x * x * y).derivative("x") == 3 * x * x * y
    assert (x * x).derivative("y") == 0


def test_a_product_through_a_narrow_layer_has_no_large_minor():
    narrow = unknowns("B", 3, 2) @ unknowns("A", 2, 3)
    assert determinant(narrow) == 0
    assert determinant(Matrix([row[:2] for row in narrow.rows[:2]])) != 0


def test_unknowns_are_named_after_their_place():
    matrix = unknowns("W", 2, 3)
    assert unknown_name(matrix[1, 2]) == "W[1,2]"
    assert repr(matrix[0, 0]) == "W[0,0]"
