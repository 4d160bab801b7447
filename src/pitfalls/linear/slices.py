"""The risk along a line: a polynomial, with what each of its coefficients was summed from.

On white inputs R = ½‖M − K‖² + floor and M(t) = M_0 + t M_1 + ... + t^L M_L along W_i + t V_i, so
R(t) − R(0) = t ⟨G, M_1⟩ + t² (½‖M_1‖² + ⟨G, M_2⟩) + ...: no difference of large numbers is taken. Beside
every matrix goes the sum of the squares of its terms, whose root times a few roundings is its error.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pitfalls.linear.margins import CLEAR, product_rounding
from pitfalls.linear.network import Matrix
from pitfalls.linear.white import WhitePoint

__all__ = ["Slice", "cut"]

_LENGTHS = 0.5 ** np.arange(60)  # steps tried, in sizes of the layers, the longest first


@dataclass(frozen=True, eq=False)
class Slice:
    """R(t) − R(0) along a direction, over unit²; at t = 1 the step is as long as the layers.

    Parameters
    ----------
    coefficients : ndarray of shape (2L,)
        Of t, t², ...
    rounding : ndarray of shape (2L,)
        How far each may be off by rounding of the arithmetic and of the data.
    hidden : float
        Bound on the second derivative that the noise of the point may hide.
    length : float
        What t = 1 is along the direction as it was given.
    """

    coefficients: Matrix
    rounding: Matrix
    hidden: float
    length: float

    @property
    def curvature(self) -> float:
        """The second derivative by t."""
        return 2.0 * float(self.coefficients[1])

    @property
    def proves(self) -> bool:
        """Whether no point within the noise has curvature zero along this direction."""
        return -self.curvature > self.hidden

    def step_down(self) -> float | None:
        """Return the length of a step that lowers the risk both ways, by more than rounding.

        None where there is none: a slope may outweigh the curvature, or rounding hide it.
        """
        powers = _LENGTHS[:, None] ** np.arange(1, len(self.coefficients) + 1)
        sign = (-1.0) ** np.arange(1, len(self.coefficients) + 1)
        higher = np.maximum(powers @ self.coefficients, powers @ (sign * self.coefficients))
        lower = higher < -(powers @ self.rounding)
        return float(_LENGTHS[int(np.argmax(lower))]) * self.length if lower.any() else None


def cut(point: WhitePoint, direction: Sequence[Matrix]) -> Slice:
    """Cut the landscape along a direction in the original coordinates, not zero."""
    steps, terms = point.evened(direction)
    size = max(float(np.linalg.norm(w)) for w in point.even) or 1.0
    largest = max(float(np.linalg.norm(v)) for v in steps)
    length = size / largest if largest > 0 else 1.0  # zero where only blind inputs are moved
    width = max(max(w.shape) for w in point.even)
    share = product_rounding(len(steps) + 1, width)
    with np.errstate(over="ignore", invalid="ignore"):  # an infinite error proves nothing
        moved, squares = _expand(point, [v * length for v in steps], [v * length**2 for v in terms])
        rounding = share * _rounding(point, moved, squares, share)
    data = point.modes.rounding / point.unit
    for k, change in enumerate(moved[1:]):
        rounding[k] += data * float(np.linalg.norm(change))
    return Slice(
        coefficients=_coefficients(point.residual, moved, len(steps)),
        rounding=rounding,
        hidden=CLEAR * point.noise * _second_order_size(point, steps) * length**2,
        length=length,
    )


def _expand(
    point: WhitePoint, steps: Sequence[Matrix], terms: Sequence[Matrix]
) -> tuple[list[Matrix], list[Matrix]]:
    """M_0, ..., M_L of (W_L + t V_L)...(W_1 + t V_1) and their squares; zeros at the end are left out.

    The squares of a product are those of its factors multiplied, and its own: what adds up instead of
    cancelling is larger than its terms.
    """
    products, squares = [point.even[0]], [point.squares[0]]
    if np.any(steps[0]):
        products, squares = [*products, steps[0]], [*squares, terms[0]]
    for layer, square, step, term in zip(
        point.even[1:], point.squares[1:], steps[1:], terms[1:], strict=True
    ):
        after, after_squares = [layer @ m for m in products], [square @ m for m in squares]
        if np.any(step):
            after.append(np.zeros_like(after[0]))
            after_squares.append(np.zeros_like(after[0]))
            for k, (product, its_square) in enumerate(zip(products, squares, strict=True)):
                after[k + 1] = after[k + 1] + step @ product
                after_squares[k + 1] = after_squares[k + 1] + term @ its_square
        products = after
        squares = [s + m**2 for s, m in zip(after_squares, after, strict=True)]
    return products, squares


def _rounding(
    point: WhitePoint, moved: Sequence[Matrix], squares: Sequence[Matrix], share: float
) -> Matrix:
    """Error of every coefficient where every matrix errs by `share` of the root of its squares."""
    found = np.zeros(2 * len(point.even))
    left = point.residual**2, squares[0] + point.target**2
    pairs = [(m**2, s) for m, s in zip(moved[1:], squares[1:], strict=True)]
    for k, (value, made_of) in enumerate(pairs):
        found[k] += _product_error(*left, value, made_of, share)
        for m, other in enumerate(pairs):
            found[k + m + 1] += 0.5 * _product_error(value, made_of, *other, share)
    return found


def _product_error(a: Matrix, made_a: Matrix, b: Matrix, made_b: Matrix, share: float) -> float:
    """Of ⟨A, B⟩ from the squares of A and B and of what they are made of, over `share`."""
    first_order = np.sqrt(np.sum(a * made_b)) + np.sqrt(np.sum(made_a * b))
    return float(first_order + share * np.sqrt(np.sum(made_a * made_b)) + np.sqrt(np.sum(a * b)))


def _coefficients(gradient: Matrix, moved: Sequence[Matrix], n_layers: int) -> Matrix:
    """Of ⟨G, ΔM⟩ + ½‖ΔM‖² in powers of t, from t to t^2L."""
    degree = len(moved) - 1
    found = np.zeros(2 * n_layers)
    if degree:
        flat = np.array([m.ravel() for m in moved[1:]])
        found[:degree] = flat @ gradient.ravel()
        gram = 0.5 * (flat @ flat.T)
        for k in range(degree):
            found[k + 1 : k + 1 + degree] += gram[k]
    return found


def _second_order_size(point: WhitePoint, steps: Sequence[Matrix]) -> float:
    """Bound on the second derivative along a direction if nothing in it cancelled.

    In the isometric gauge, where layers are of size 1 but for the last.
    """
    norms = [float(np.linalg.norm(v)) for v in point.gauge.carry(steps)]
    last = float(np.linalg.norm(point.layers[-1], 2))
    left = float(np.linalg.norm(point.residual, 2))
    lower, top = norms[:-1], norms[-1]
    first_order = last * sum(lower) + top
    pairs = last * (sum(lower) ** 2 - sum(v**2 for v in lower)) + 2 * top * sum(lower)
    return first_order**2 + left * pairs
