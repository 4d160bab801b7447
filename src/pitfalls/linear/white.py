"""A point in white, even and isometric coordinates, and how well it is known there."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pitfalls.linear.derivatives import prefixes, pull_back, size_exponents
from pitfalls.linear.gauge import Gauge, even_gauge, isometric_gauge
from pitfalls.linear.margins import CLEAR, EPS, ROOM, product_rounding
from pitfalls.linear.modes import DataModes
from pitfalls.linear.network import Matrix, multiply

__all__ = ["WhitePoint"]


@dataclass(frozen=True, eq=False)
class WhitePoint:
    """The layers on white inputs, all in units of the data's strongest mode.

    Twice: *even*, with hidden nodes scaled by powers of two, where no digit is lost; and in the
    isometric gauge, where ranks can be read off.

    Parameters
    ----------
    modes : DataModes
    unit : float
        The strongest mode, or the size of the map's terms where the data have none.
    even : tuple of ndarray
        The layers, with W_1 E in place of W_1, and the last one divided by `unit`.
    scales : tuple of ndarray
        The powers of two, by hidden node.
    squares : tuple of ndarray
        Of the terms that the even layers were summed from: of W_1 E those of all products.
    gauge : Gauge
        From the even layers to isometric ones.
    target : ndarray of shape (p, rank X)
        K / unit.
    residual : ndarray of shape (p, rank X)
        G = M - K, over unit.
    relative_gradients : tuple of float
        By layer: the norm of the gradient as a share of what it would be if the signs of all it is
        made of were random. Free of all scales; rounding leaves some 1e-16.
    noise : float
        How well the isometric layers are known, as a share of their size: rounding, the weights' own
        precision, the data's rounding, and the gradient, where it is not zero.
    """

    modes: DataModes
    unit: float
    even: tuple[Matrix, ...]
    scales: tuple[Matrix, ...]
    squares: tuple[Matrix, ...]
    gauge: Gauge
    target: Matrix
    residual: Matrix
    relative_gradients: tuple[float, ...]
    noise: float

    @classmethod
    def of(
        cls, layers: Sequence[Matrix], modes: DataModes, precision: float, *, exact: bool
    ) -> "WhitePoint":
        """Bring layers into these coordinates.

        Parameters
        ----------
        layers : sequence of ndarray
            W_1, ..., W_L, checked.
        modes : DataModes
        precision : float
            How far a weight may lie from the number meant, as a share of it.
        exact : bool
            Whether the gradient is zero to the last bit: then the weights are what is meant.
        """
        white, whole, terms = _on_white_inputs(layers, modes, precision)
        blind = bool((whole != white[0]).any())
        made_of = [terms, *(w**2 for w in layers[1:])]
        top = float(modes.values.max(initial=0.0))
        # without modes the map must vanish beside what it was multiplied from
        unit = top or float(np.sqrt(multiply(made_of).sum())) or 1.0
        white[-1] = white[-1] / unit
        even, scales = even_gauge(white, exact=exact)
        squares = [w**2 for w in even]
        squares[0] = terms * (scales[0][:, None] ** 2 if scales else unit**-2)
        product = multiply(even)
        target = modes.correlation / unit
        residual = product - target
        width = max(max(w.shape) for w in layers)
        if exact:
            relative = (0.0,) * len(layers)
        else:
            error = max(EPS, modes.rounding / unit / ROOM)
            relative = _relative_gradients(even, squares, residual, target, error)
            if blind:  # what was taken for that may be seen: a slope is one only if both have it
                seen = [scales[0][:, None] * whole if scales else whole / unit, *even[1:]]
                rest = multiply(seen) - target
                other = _relative_gradients(seen, squares, rest, target, error)
                relative = tuple(map(min, relative, other))
        known = max(precision, product_rounding(1, width), *relative)
        gauge = isometric_gauge(even, known, float(np.sqrt(squares[0].sum())))
        moved = float(np.linalg.norm(multiply(gauge.layers) - product))
        noise = max(
            known * gauge.condition,
            moved,
            gauge.cut,
            modes.rounding / top / ROOM if top else 0.0,  # which has its room already
            *_gauge_gradients(gauge.layers, residual, float(np.linalg.norm(product, 2))),
        )
        return cls(
            modes=modes,
            unit=unit,
            even=tuple(even),
            scales=tuple(scales),
            squares=tuple(squares),
            gauge=gauge,
            target=target,
            residual=residual,
            relative_gradients=relative,
            noise=noise,
        )

    @property
    def zero(self) -> float:
        """Below this, in these units, a number is zero."""
        return ROOM * self.noise

    @property
    def nonzero(self) -> float:
        """Above this it is not."""
        return CLEAR * self.zero

    @property
    def layers(self) -> tuple[Matrix, ...]:
        """The layers in the isometric gauge."""
        return self.gauge.layers

    @cached_property
    def map_svd(self) -> tuple[Matrix, Matrix, Matrix]:
        """Singular value decomposition of M."""
        left, values, right = np.linalg.svd(self.residual + self.target, full_matrices=False)
        return left, values, right

    @cached_property
    def residual_svd(self) -> tuple[Matrix, Matrix, Matrix]:
        """Singular value decomposition of -G, what is left over of K."""
        left, values, right = np.linalg.svd(-self.residual, full_matrices=False)
        return left, values, right

    @property
    def kept(self) -> Matrix:
        """Singular values of M: the modes that the map holds."""
        return self.map_svd[1]

    @property
    def left(self) -> Matrix:
        """Singular values of G: the modes left over."""
        return self.residual_svd[1]

    @cached_property
    def before(self) -> list[Matrix]:
        """B_i = W_{i-1}...W_1 for i = 2..L, at index i - 2."""
        return prefixes(self.layers)[1:-1]

    @cached_property
    def after(self) -> list[Matrix]:
        """A_i = W_L...W_{i+1} for i = 1..L, at index i - 1."""
        products = [np.eye(self.target.shape[0])]
        for layer in self.layers[:0:-1]:
            products.append(products[-1] @ layer)
        return products[::-1]

    def between(self, i: int, j: int) -> Matrix:
        """Multiply W_{i-1}...W_{j+1}, the identity for i = j + 1."""
        product = np.eye(len(self.layers[j - 1]))
        for layer in self.layers[j : i - 1]:
            product = layer @ product
        return product

    def around(self, i: int, j: int) -> Matrix:
        """Multiply B_j G' A_i: what is left over, seen from between layers j and i."""
        seen = self.residual.T @ self.after[i - 1]
        return seen if j == 1 else self.before[j - 2] @ seen

    def original(self, direction: Sequence[Matrix]) -> list[Matrix]:
        """Bring a direction of the isometric layers back to the original ones."""
        moved = self.gauge.pull_back(direction)
        for i, scale in enumerate(self.scales):
            moved[i] = moved[i] / scale[:, None]
            moved[i + 1] = moved[i + 1] * scale
        moved[0] = moved[0] @ self.modes.whiten.T
        moved[-1] = moved[-1] * self.unit
        return moved

    def evened(self, direction: Sequence[Matrix]) -> tuple[list[Matrix], list[Matrix]]:
        """Bring a direction of the original layers to the even ones; and the squares of its terms."""
        steps = [direction[0] @ self.modes.colour, *direction[1:]]
        terms = [direction[0] ** 2 @ self.modes.colour**2, *(v**2 for v in direction[1:])]
        for moved, power in ((steps, 1), (terms, 2)):
            for i, scale in enumerate(self.scales):
                moved[i] = scale[:, None] ** power * moved[i]
                moved[i + 1] = moved[i + 1] / scale**power
            moved[-1] = moved[-1] / self.unit**power
        return steps, terms


def _on_white_inputs(
    layers: Sequence[Matrix], modes: DataModes, precision: float
) -> tuple[list[Matrix], Matrix, Matrix]:
    """W_1 E, W_2, ..., W_L with zeros where it is blind, W_1 E as it is, and its terms' squares."""
    inputs = modes.inputs
    first, terms = layers[0] @ inputs.colour, layers[0] ** 2 @ inputs.colour**2
    # columns that depend on others are known as well as the combination is
    known = max(precision, EPS * (inputs.amplification if len(inputs.dropped) else 1.0))
    # E itself is known to a share of its rows
    lengths = layers[0] ** 2 @ np.sum(inputs.colour**2, axis=1)
    blind = np.abs(first) <= ROOM * known * np.sqrt(lengths)[:, None]
    return [np.where(blind, 0.0, first), *layers[1:]], first, terms


def _relative_gradients(
    layers: Sequence[Matrix],
    squares: Sequence[Matrix],
    residual: Matrix,
    target: Matrix,
    error: float,
) -> tuple[float, ...]:
    """Gradients over the root of the sum of the squares of their terms, less what rounding makes.

    An entry of K or of W_1 E may be nothing but rounding, `error` of what K is, EPS of what the row of
    W_1 E is; a gradient made of such entries alone is large beside them, and zero.
    """
    rows = [np.broadcast_to(squares[0].sum(axis=1, keepdims=True), squares[0].shape), *squares[1:]]
    spread = np.full(target.shape, error**2 / target.size)
    spread += EPS**2 * (prefixes(rows)[-1] + target**2)
    made_of = prefixes(squares)[-1] + target**2
    # all three by the same powers of two a layer, lest products of many small layers vanish
    exponents = size_exponents(layers)
    chains = [
        [np.ldexp(w, -k * e) for w, e in zip(chain, exponents, strict=True)]
        for chain, k in ((layers, 1), (squares, 2), (rows, 2))
    ]
    found, terms, noise = (
        pull_back(chain, prefixes(chain), message)
        for chain, message in zip(chains, (residual, made_of, spread), strict=True)
    )
    relative = []
    for g, t, e in zip(found, terms, noise, strict=True):
        beyond = float(np.linalg.norm(g)) - ROOM * float(np.sqrt(e.sum()))
        size = float(np.sqrt(t.sum()))
        relative.append(beyond / size if beyond > 0 and size > 0 else 0.0)
    return tuple(relative)


def _gauge_gradients(layers: Sequence[Matrix], residual: Matrix, size: float) -> list[float]:
    """Gradients in the isometric gauge, whose layers are of size 1 but for the last."""
    last = float(np.linalg.norm(layers[-1], 2))
    found = pull_back(layers, prefixes(layers), residual)
    scales = [last] * (len(layers) - 1) + [1.0]
    return [
        float(np.linalg.norm(g)) / (max(1.0, size) * scale) if scale > 0 else 0.0
        for g, scale in zip(found, scales, strict=True)
    ]
