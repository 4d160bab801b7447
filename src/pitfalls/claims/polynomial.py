"""Polynomials in many unknowns with exact coefficients, to prove identities once and for all."""

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import TypeAlias

from pitfalls.claims.exact import Matrix

__all__ = ["Polynomial", "unknowns"]

Scalar: TypeAlias = int | Fraction
Monomial = tuple[str, ...]
"""The unknowns of a product, sorted, each as often as its power."""


class Polynomial:
    """A polynomial as a mapping from monomials to non-zero coefficients.

    Parameters
    ----------
    terms : mapping of tuple of str to int or Fraction

    Examples
    --------
    >>> x, y = Polynomial({("x",): 1}), Polynomial({("y",): 1})
    >>> (x + y) * (x - y) == x * x - y * y
    True
    >>> (x * x * y).derivative("x")
    2 x y
    """

    __slots__ = ("terms",)

    def __init__(self, terms: Mapping[Monomial, Scalar]) -> None:
        self.terms = {monomial: value for monomial, value in terms.items() if value}

    @staticmethod
    def _of(value: "Polynomial | Scalar") -> "Polynomial":
        return value if isinstance(value, Polynomial) else Polynomial({(): value})

    def __add__(self, other: "Polynomial | Scalar") -> "Polynomial":
        terms = dict(self.terms)
        for monomial, value in Polynomial._of(other).terms.items():
            terms[monomial] = terms.get(monomial, 0) + value
        return Polynomial(terms)

    __radd__ = __add__

    def __neg__(self) -> "Polynomial":
        return Polynomial({monomial: -value for monomial, value in self.terms.items()})

    def __sub__(self, other: "Polynomial | Scalar") -> "Polynomial":
        return self + -Polynomial._of(other)

    def __rsub__(self, other: "Polynomial | Scalar") -> "Polynomial":
        return -self + other

    def __mul__(self, other: "Polynomial | Scalar") -> "Polynomial":
        if not isinstance(other, Polynomial | int | Fraction):
            return NotImplemented  # a matrix, which scales itself
        terms: dict[Monomial, Scalar] = {}
        right = Polynomial._of(other).terms
        for m, a in self.terms.items():
            for n, b in right.items():
                monomial = tuple(sorted(m + n))
                terms[monomial] = terms.get(monomial, 0) + a * b
        return Polynomial(terms)

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polynomial | int | Fraction) and not (self - other).terms

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    def __repr__(self) -> str:
        return (
            " + ".join(
                " ".join(([] if value == 1 and m else [str(value)]) + list(m))
                for m, value in sorted(self.terms.items())
            )
            or "0"
        )

    def derivative(self, unknown: str) -> "Polynomial":
        """Return the partial derivative in one unknown."""
        terms: dict[Monomial, Scalar] = {}
        for monomial, value in self.terms.items():
            power = Counter(monomial)[unknown]
            if power:
                at = monomial.index(unknown)
                terms[monomial[:at] + monomial[at + 1 :]] = power * value
        return Polynomial(terms)


def unknowns(name: str, n_rows: int, n_columns: int) -> Matrix:
    """Return a matrix whose entries are unknowns, named after their place."""
    return Matrix.build(n_rows, n_columns, lambda i, j: Polynomial({(f"{name}[{i},{j}]",): 1}))


def unknown_name(value: Polynomial) -> str:
    """Return the name of a polynomial that is a single unknown."""
    ((monomial, _),) = value.terms.items()
    return monomial[0]
