"""Matrices without rounding, on sympy's `DomainMatrix`: integers, rationals, or polynomials.

sympy multiplies and eliminates; here stands what it has no word for, and the notation of the claims.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import QQ, ZZ, ring
from sympy.polys.matrices import DomainMatrix
from sympy.polys.matrices.exceptions import DMError
from sympy.polys.rings import PolyElement

from pitfalls.errors import InputError

__all__ = [
    "Entry",
    "Matrix",
    "determinant",
    "factor",
    "gradient",
    "inverse",
    "normal_form",
    "null_space",
    "orthogonal",
    "product",
    "rank",
    "row_basis",
    "solve",
    "unknowns",
]

Entry = Any
"""int, Fraction or an element of a sympy ring: whatever adds and multiplies exactly."""


class Matrix:
    """An immutable matrix over the integers, the rationals or a polynomial ring, at least 1 by 1.

    Parameters
    ----------
    rows : iterable of iterables of int, Fraction or sympy ring element
        Polynomials must come from one ring, as `unknowns` makes them.

    Examples
    --------
    >>> a = Matrix([[1, 2], [3, 4]])
    >>> (a @ a.T)[0, 1], a.squared_norm()
    (11, 30)
    """

    __slots__ = ("domain_matrix",)

    def __init__(self, rows: Iterable[Iterable[Entry]]) -> None:
        entries = [list(row) for row in rows]
        if not entries or not entries[0] or len({len(row) for row in entries}) != 1:
            raise InputError("Matrix: rows must be of one length and at least 1 by 1.")
        domain = _domain(a for row in entries for a in row)
        shape = (len(entries), len(entries[0]))
        self.domain_matrix = DomainMatrix(
            [[_element(a, domain) for a in row] for row in entries], shape, domain
        )

    @classmethod
    def wrap(cls, domain_matrix: DomainMatrix) -> "Matrix":
        """Take over a matrix of sympy's."""
        made = cls.__new__(cls)
        made.domain_matrix = domain_matrix
        return made

    @classmethod
    def build(cls, n_rows: int, n_columns: int, entry: Callable[[int, int], Entry]) -> "Matrix":
        """Build a matrix from its entries as a function of row and column."""
        return cls([[entry(i, j) for j in range(n_columns)] for i in range(n_rows)])

    @classmethod
    def zeros(cls, n_rows: int, n_columns: int) -> "Matrix":
        """Return the zero matrix."""
        return cls([[0] * n_columns] * n_rows)

    @classmethod
    def partial_identity(cls, n_rows: int, n_columns: int, size: int) -> "Matrix":
        """Return the matrix with ``size`` ones at the head of its diagonal and zeros elsewhere."""
        return cls.build(n_rows, n_columns, lambda i, j: int(i == j < size))

    @classmethod
    def identity(cls, size: int) -> "Matrix":
        """Return the identity."""
        return cls.partial_identity(size, size, size)

    @classmethod
    def single(
        cls, n_rows: int, n_columns: int, row: int, column: int, value: Entry = 1
    ) -> "Matrix":
        """Return the matrix with one non-zero entry."""
        return cls.build(n_rows, n_columns, lambda i, j: value if (i, j) == (row, column) else 0)

    @classmethod
    def random(
        cls, generator: np.random.Generator, n_rows: int, n_columns: int, size: int = 3
    ) -> "Matrix":
        """Draw integer entries uniformly from -size to size."""
        return cls(generator.integers(-size, size + 1, (n_rows, n_columns)).tolist())

    @classmethod
    def from_array(cls, values: npt.ArrayLike) -> "Matrix":
        """Take over floats as the fractions that they are, without rounding."""
        array = np.atleast_2d(np.asarray(values, dtype=np.float64))
        return cls([[Fraction(value) for value in row] for row in array.tolist()])

    def to_array(self) -> npt.NDArray[np.float64]:
        """Round every entry to the nearest float."""
        return np.array([[float(value) for value in row] for row in self.rows])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        n_rows, n_columns = self.domain_matrix.shape
        return int(n_rows), int(n_columns)

    @property
    def rows(self) -> tuple[tuple[Entry, ...], ...]:
        """The entries: int, Fraction or ring element."""
        domain = self.domain_matrix.domain
        return tuple(tuple(_entry(a, domain) for a in row) for row in self.domain_matrix.to_list())

    @property
    def T(self) -> "Matrix":  # noqa: N802  the name that the mathematics and NumPy use
        """The transpose."""
        return Matrix.wrap(self.domain_matrix.transpose())

    def __getitem__(self, place: tuple[int, int]) -> Entry:
        return _entry(self.domain_matrix.rep.getitem(*place), self.domain_matrix.domain)

    def __add__(self, other: "Matrix") -> "Matrix":
        self._match(other)
        return Matrix.wrap(self.domain_matrix + other.domain_matrix)

    def __sub__(self, other: "Matrix") -> "Matrix":
        self._match(other)
        return Matrix.wrap(self.domain_matrix - other.domain_matrix)

    def __rmul__(self, scalar: Entry) -> "Matrix":
        domain = self.domain_matrix.domain.unify(_domain([scalar]))
        return Matrix.wrap(self.domain_matrix.convert_to(domain) * domain.convert(scalar))

    def __matmul__(self, other: "Matrix") -> "Matrix":
        if self.shape[1] != other.shape[0]:
            raise InputError(f"Matrix: shapes {self.shape} and {other.shape} do not multiply.")
        return Matrix.wrap(self.domain_matrix * other.domain_matrix)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Matrix) and bool(self.domain_matrix.unify_eq(other.domain_matrix))

    def __hash__(self) -> int:
        return hash(self.rows)

    def __repr__(self) -> str:
        return "[" + "; ".join(" ".join(str(a) for a in row) for row in self.rows) + "]"

    def squared_norm(self) -> Entry:
        """Return the sum of the squared entries."""
        domain = self.domain_matrix.domain
        return _entry(sum((a * a for a in self.domain_matrix.to_list_flat()), domain.zero), domain)

    def trace(self) -> Entry:
        """Return the sum of the diagonal."""
        return sum(self[i, i] for i in range(min(self.shape)))

    def is_zero(self) -> bool:
        """Whether every entry is zero."""
        return bool(self.domain_matrix.is_zero_matrix)

    def largest(self) -> Entry:
        """Return the largest absolute value of an entry (integers and fractions only)."""
        return max(abs(a) for row in self.rows for a in row)

    def _match(self, other: "Matrix") -> None:
        if self.shape != other.shape:
            raise InputError(f"Matrix: shapes {self.shape} and {other.shape} differ.")


def _domain(entries: Iterable[Entry]) -> Any:
    """Return the smallest of sympy's domains that holds the entries."""
    found = ZZ
    for entry in entries:
        if isinstance(entry, PolyElement):
            return entry.ring.to_domain()
        if isinstance(entry, Fraction):
            found = QQ
    return found


def _element(value: Entry, domain: Any) -> Any:
    """Return a number or a ring element as what sympy computes with."""
    if domain.is_QQ:
        return domain(value.numerator, value.denominator)
    return domain(value) if domain.is_ZZ else domain.convert(value)


def _entry(value: Any, domain: Any) -> Entry:
    """Return an element as Python's own number where it is one, whatever sympy computes with."""
    if domain.is_QQ:
        return Fraction(int(value.numerator), int(value.denominator))
    return int(value) if domain.is_ZZ else value


def unknowns(**shapes: tuple[int, int]) -> tuple[Matrix, ...]:
    """Return matrices with an unknown in every place, all of one polynomial ring over the rationals.

    Examples
    --------
    >>> w, x = unknowns(W=(1, 2), X=(2, 1))
    >>> w @ x
    [W_0_0*X_0_0 + W_0_1*X_1_0]
    """
    names = [f"{n}_{i}_{j}" for n, (b, a) in shapes.items() for i in range(b) for j in range(a)]
    _, *generators = ring(names, QQ)
    places = iter(generators)
    return tuple(Matrix.build(b, a, lambda i, j: next(places)) for b, a in shapes.values())


def gradient(value: Entry, places: Matrix) -> Matrix:
    """Return the partial derivatives of a polynomial in every entry of a matrix of unknowns."""
    return Matrix([value.diff(unknown) for unknown in row] for row in places.rows)


def product(layers: Sequence[Matrix]) -> Matrix:
    """Multiply layers given input first: W_L ... W_1."""
    return reduce(lambda below, layer: layer @ below, layers)


def rank(matrix: Matrix) -> int:
    """Return the exact rank."""
    return int(matrix.domain_matrix.rank())


def determinant(matrix: Matrix) -> Entry:
    """Return the determinant, over any of the domains."""
    return _entry(matrix.domain_matrix.det(), matrix.domain_matrix.domain)


def _reduced(*blocks: Matrix) -> tuple[Matrix, tuple[int, ...]]:
    """Return the reduced row echelon form of blocks side by side, and its pivot columns."""
    first, *rest = (block.domain_matrix.to_field() for block in blocks)
    found, pivots = first.hstack(*rest).rref()
    return Matrix.wrap(found), pivots


def row_basis(matrix: Matrix) -> Matrix | None:
    """Return rows of the matrix that are a basis of its row space, or None for the zero matrix."""
    _, _, pivots = matrix.T.domain_matrix.rref_den()
    rows = matrix.rows
    return Matrix(rows[i] for i in pivots) if pivots else None


def null_space(matrix: Matrix) -> list[Matrix]:
    """Return a basis of {x: matrix @ x = 0} as columns, empty if only zero is in it."""
    basis = Matrix.wrap(matrix.domain_matrix.nullspace())
    return [Matrix([a] for a in row) for row in basis.rows]


def solve(matrix: Matrix, right: Matrix) -> Matrix | None:
    """Return one x with matrix @ x = right, or None if there is none; free entries are zero."""
    size = matrix.shape[1]
    reduced, pivots = _reduced(matrix, right)
    if any(pivot >= size for pivot in pivots):
        return None
    rows: Mapping[int, Sequence[Entry]] = dict(zip(pivots, reduced.rows, strict=False))
    return Matrix(rows[j][size:] if j in rows else [0] * right.shape[1] for j in range(size))


def inverse(matrix: Matrix) -> Matrix:
    """Return the exact inverse.

    Raises
    ------
    InputError
        If the matrix is not square or has none.
    """
    try:
        return Matrix.wrap(matrix.domain_matrix.to_field().inv())
    except DMError:
        raise InputError(f"inverse: the {matrix.shape} matrix has no inverse.") from None


def normal_form(matrix: Matrix) -> tuple[Matrix, int, Matrix]:
    """Split a matrix into P @ N @ Q with P, Q invertible and N its rank-r partial identity.

    Returns
    -------
    tuple
        P, r, Q.
    """
    n_rows, n_columns = matrix.shape
    rows = _reduced(matrix, Matrix.identity(n_rows))[0].rows
    pivots = _reduced(matrix)[1]
    moves = Matrix(row[n_columns:] for row in rows)  # moves @ matrix is reduced
    reduced = [row[:n_columns] for row in rows[: len(pivots)]]
    free = [j for j in range(n_columns) if j not in pivots]
    completed = [*reduced, *([int(j == k) for k in range(n_columns)] for j in free)]
    return inverse(moves), len(pivots), Matrix(completed)


def factor(target: Matrix, widths: Sequence[int]) -> list[Matrix]:
    """Split a matrix into exact layers of given widths, as the derivation of 2a does.

    Parameters
    ----------
    target : Matrix of shape (d_L, d_0)
    widths : sequence of int
        d_0, ..., d_L.

    Raises
    ------
    InputError
        If the rank of ``target`` exceeds the smallest width.
    """
    left, size, right = normal_form(target)
    if size > min(widths):
        raise InputError(f"factor: rank {size} does not pass through width {min(widths)}.")
    layers = [Matrix.partial_identity(out, in_, size) for in_, out in pairwise(widths)]
    layers[0] = layers[0] @ right
    layers[-1] = left @ layers[-1]
    return layers


def orthogonal(generator: np.random.Generator, size: int) -> Matrix:
    """Draw a rational orthogonal matrix: Cayley's (I - K)(I + K)^-1 of a random skew K."""
    upper = Matrix.random(generator, size, size, 2)
    skew = Matrix.build(size, size, lambda i, j: upper[min(i, j), max(i, j)] * ((j > i) - (j < i)))
    identity = Matrix.identity(size)
    return (identity - skew) @ inverse(identity + skew)
