"""Matrices without rounding: integer, rational or polynomial entries, and exact elimination.

Everything that asks whether an entry is zero (rank, solve, null space) needs integers or fractions;
sums and products work over any ring, so also over `pitfalls.claims.polynomial.Polynomial`.
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import Any

import numpy as np
import numpy.typing as npt

from pitfalls.errors import InputError

__all__ = [
    "Entry",
    "Matrix",
    "determinant",
    "factor",
    "inverse",
    "normal_form",
    "null_space",
    "orthogonal",
    "product",
    "rank",
    "row_basis",
    "solve",
]

Entry = Any
"""int, Fraction or Polynomial: whatever adds and multiplies exactly."""


class Matrix:
    """An immutable matrix over a ring, at least 1 by 1.

    Parameters
    ----------
    rows : iterable of iterables of int, Fraction or Polynomial

    Examples
    --------
    >>> a = Matrix([[1, 2], [3, 4]])
    >>> (a @ a.T)[0, 1], a.squared_norm()
    (11, 30)
    """

    __slots__ = ("rows", "shape")

    def __init__(self, rows: Iterable[Iterable[Entry]]) -> None:
        self.rows = tuple(tuple(row) for row in rows)
        if not self.rows or not self.rows[0] or len({len(row) for row in self.rows}) != 1:
            raise InputError("Matrix: rows must be of one length and at least 1 by 1.")
        self.shape = (len(self.rows), len(self.rows[0]))

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
        values = generator.integers(-size, size + 1, (n_rows, n_columns))
        return cls([[int(value) for value in row] for row in values])

    @classmethod
    def from_array(cls, values: npt.ArrayLike) -> "Matrix":
        """Take over floats as the fractions that they are, without rounding."""
        array = np.atleast_2d(np.asarray(values, dtype=np.float64))
        return cls([[Fraction(float(value)) for value in row] for row in array])

    def to_array(self) -> npt.NDArray[np.float64]:
        """Round every entry to the nearest float."""
        return np.array([[float(value) for value in row] for row in self.rows])

    @property
    def T(self) -> "Matrix":  # noqa: N802  the name that the mathematics and NumPy use
        """The transpose."""
        return Matrix(zip(*self.rows, strict=True))

    def __getitem__(self, place: tuple[int, int]) -> Entry:
        return self.rows[place[0]][place[1]]

    def __add__(self, other: "Matrix") -> "Matrix":
        self._match(other)
        return Matrix(
            [a + b for a, b in zip(r, s, strict=True)]
            for r, s in zip(self.rows, other.rows, strict=True)
        )

    def __sub__(self, other: "Matrix") -> "Matrix":
        self._match(other)
        return Matrix(
            [a - b for a, b in zip(r, s, strict=True)]
            for r, s in zip(self.rows, other.rows, strict=True)
        )

    def __rmul__(self, scalar: Entry) -> "Matrix":
        return Matrix([scalar * a for a in row] for row in self.rows)

    def __matmul__(self, other: "Matrix") -> "Matrix":
        if self.shape[1] != other.shape[0]:
            raise InputError(f"Matrix: shapes {self.shape} and {other.shape} do not multiply.")
        columns = tuple(zip(*other.rows, strict=True))
        return Matrix(
            [sum(a * b for a, b in zip(row, column, strict=True)) for column in columns]
            for row in self.rows
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Matrix) and self.rows == other.rows

    def __hash__(self) -> int:
        return hash(self.rows)

    def __repr__(self) -> str:
        return "[" + "; ".join(" ".join(str(a) for a in row) for row in self.rows) + "]"

    def squared_norm(self) -> Entry:
        """Return the sum of the squared entries."""
        return sum(a * a for row in self.rows for a in row)

    def trace(self) -> Entry:
        """Return the sum of the diagonal."""
        return sum(self.rows[i][i] for i in range(min(self.shape)))

    def is_zero(self) -> bool:
        """Whether every entry is zero."""
        return all(a == 0 for row in self.rows for a in row)

    def largest(self) -> Entry:
        """Return the largest absolute value of an entry (integers and fractions only)."""
        return max(abs(a) for row in self.rows for a in row)

    def _match(self, other: "Matrix") -> None:
        if self.shape != other.shape:
            raise InputError(f"Matrix: shapes {self.shape} and {other.shape} differ.")


def product(layers: Sequence[Matrix]) -> Matrix:
    """Multiply layers given input first: W_L ... W_1."""
    result = layers[0]
    for layer in layers[1:]:
        result = layer @ result
    return result


def _cleared(matrix: Matrix) -> list[list[int]]:
    """Scale every row to integers; rank and row space stay."""
    rows = []
    for row in matrix.rows:
        scale = lcm(*(Fraction(a).denominator for a in row))
        rows.append([int(a * scale) for a in row])
    return rows


def _eliminate(rows: list[list[int]]) -> tuple[int, int, int]:
    """Bareiss's fraction-free elimination, in place.

    Returns the rank, the last pivot and the sign of the row exchanges.
    """
    done, last, sign = 0, 1, 1
    for column in range(len(rows[0])):
        found = next((i for i in range(done, len(rows)) if rows[i][column]), None)
        if found is None:
            continue
        if found != done:
            rows[done], rows[found] = rows[found], rows[done]
            sign = -sign
        head = rows[done]
        pivot = head[column]
        for i in range(done + 1, len(rows)):
            row, factor_ = rows[i], rows[i][column]
            # exact: every 2 by 2 minor is divisible by the pivot before (Bareiss 1968)
            rows[i] = [(pivot * a - factor_ * b) // last for a, b in zip(row, head, strict=True)]
        last, done = pivot, done + 1
        if done == len(rows):
            break
    return done, last, sign


def rank(matrix: Matrix) -> int:
    """Return the exact rank, by fraction-free elimination.

    References
    ----------
    E. H. Bareiss, Sylvester's identity and multistep integer-preserving Gaussian elimination,
    Mathematics of Computation 22 (1968).
    """
    return _eliminate(_cleared(matrix))[0]


def determinant(matrix: Matrix) -> Entry:
    """Return the determinant by expansion along rows: works over any ring, meant for small sizes."""
    rows = matrix.rows
    if len(rows) == 1:
        return rows[0][0]
    return sum(
        (-1 if j % 2 else 1)
        * rows[0][j]
        * determinant(Matrix(row[:j] + row[j + 1 :] for row in rows[1:]))
        for j in range(len(rows))
    )


def _reduced(matrix: Matrix) -> tuple[list[list[Fraction]], list[int]]:
    """Return the reduced row echelon form and its pivot columns."""
    rows = [[Fraction(a) for a in row] for row in matrix.rows]
    pivots: list[int] = []
    for column in range(matrix.shape[1]):
        done = len(pivots)
        found = next((i for i in range(done, len(rows)) if rows[i][column]), None)
        if found is None:
            continue
        rows[done], rows[found] = rows[found], rows[done]
        pivot = rows[done][column]
        rows[done] = [a / pivot for a in rows[done]]
        for i, row in enumerate(rows):
            if i != done and row[column]:
                scale = row[column]
                rows[i] = [a - scale * b for a, b in zip(row, rows[done], strict=True)]
        pivots.append(column)
        if len(pivots) == len(rows):
            break
    return rows, pivots


def row_basis(matrix: Matrix) -> Matrix | None:
    """Return a basis of the row space as rows, or None for the zero matrix."""
    rows, pivots = _reduced(matrix)
    return Matrix(rows[: len(pivots)]) if pivots else None


def null_space(matrix: Matrix) -> list[Matrix]:
    """Return a basis of {x: matrix @ x = 0} as columns, empty if only zero is in it."""
    rows, pivots = _reduced(matrix)
    size = matrix.shape[1]
    basis = []
    for free in (j for j in range(size) if j not in pivots):
        vector = [Fraction(0)] * size
        vector[free] = Fraction(1)
        for row, pivot in zip(rows, pivots, strict=False):
            vector[pivot] = -row[free]
        basis.append(Matrix([a] for a in vector))
    return basis


def solve(matrix: Matrix, right: Matrix) -> Matrix | None:
    """Return one x with matrix @ x = right, or None if there is none; free entries are zero."""
    size = matrix.shape[1]
    rows, pivots = _reduced(Matrix(a + b for a, b in zip(matrix.rows, right.rows, strict=True)))
    if any(pivot >= size for pivot in pivots):
        return None
    solution = [[Fraction(0)] * right.shape[1] for _ in range(size)]
    for row, pivot in zip(rows, pivots, strict=False):
        solution[pivot] = row[size:]
    return Matrix(solution)


def inverse(matrix: Matrix) -> Matrix:
    """Return the exact inverse.

    Raises
    ------
    InputError
        If the matrix is not square or has none.
    """
    size = matrix.shape[0]
    if matrix.shape != (size, size) or rank(matrix) < size:
        raise InputError(f"inverse: the {matrix.shape} matrix has no inverse.")
    found = solve(matrix, Matrix.identity(size))
    assert found is not None
    return found


def normal_form(matrix: Matrix) -> tuple[Matrix, int, Matrix]:
    """Split a matrix into P @ N @ Q with P, Q invertible and N its rank-r partial identity.

    Returns
    -------
    tuple
        P, r, Q.
    """
    n_rows, n_columns = matrix.shape
    identity = Matrix.identity(n_rows)
    rows, _ = _reduced(Matrix(a + b for a, b in zip(matrix.rows, identity.rows, strict=True)))
    _, pivots = _reduced(matrix)
    reduced = [row[:n_columns] for row in rows[: len(pivots)]]
    moves = Matrix(row[n_columns:] for row in rows)  # moves @ matrix is reduced
    free = [j for j in range(n_columns) if j not in pivots]
    completed = reduced + [[Fraction(int(j == k)) for k in range(n_columns)] for j in free]
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
