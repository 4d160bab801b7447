"""The risk along lines and across planes in the space of the weights."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.linear.curvature import as_direction, even_out, flatten, unflatten
from pitfalls.linear.network import Layer, Weights, as_weights, require_shapes
from pitfalls.linear.risk import SquaredRisk

__all__ = ["Plane", "plane_through", "risk_along", "risk_on_plane"]


@dataclass(frozen=True, eq=False, repr=False)
class Plane(Displayed):
    """A plane in the space of the weights with two orthonormal axes.

    Parameters
    ----------
    origin : tuple of ndarray
        Layers at coordinates (0, 0).
    first, second : tuple of ndarray
        Directions of the axes, each of Frobenius norm 1 over all layers.
    span : float
        Coordinate of the second point on the first axis.
    """

    origin: tuple[Layer, ...]
    first: tuple[Layer, ...]
    second: tuple[Layer, ...]
    span: float

    def at(self, a: float, b: float) -> list[Layer]:
        """Return the layers at coordinates (a, b)."""
        return [
            o + a * u + b * v for o, u, v in zip(self.origin, self.first, self.second, strict=True)
        ]

    def coordinates(self, weights: Weights) -> tuple[float, float, float]:
        """Project a point; the third number is its distance from the plane."""
        layers = as_weights(weights, "Plane.coordinates")
        require_shapes(layers, self.origin, "Plane.coordinates", "the point")
        step = flatten(layers) - flatten(self.origin)
        u, v = flatten(self.first), flatten(self.second)
        a, b = float(step @ u), float(step @ v)
        return a, b, float(np.linalg.norm(step - a * u - b * v))


def risk_along(
    risk: SquaredRisk,
    weights: Weights,
    direction: Weights,
    lengths: Float64[np.ndarray, " t"],
) -> Float64[np.ndarray, " t"]:
    """Evaluate R at weights + length * direction.

    Parameters
    ----------
    risk : SquaredRisk
    weights : network, or sequence of arrays or tensors
    direction : network, or sequence of arrays or tensors
        Of the layers' shapes; not scaled.
    lengths : ndarray of shape (t,)

    Returns
    -------
    ndarray of shape (t,)
        A polynomial of degree 2L in the length.
    """
    layers = as_weights(weights, "risk_along")
    steps = as_direction(direction, layers, "risk_along")
    lengths = np.asarray(lengths, dtype=np.float64)
    if lengths.ndim != 1:
        raise InputError(f"risk_along: lengths must be of shape (t,). Got shape {lengths.shape}.")
    return np.array(
        [
            float(risk.value([w + t * v for w, v in zip(layers, steps, strict=True)]))
            for t in lengths
        ]
    )


def plane_through(here: Weights, there: Weights, towards: Weights) -> Plane:
    """Lay a plane through two points and along a direction.

    Parameters
    ----------
    here, there : weights
        Two different points; the first becomes the origin, the second lies on the first axis.
    towards : network, or sequence of arrays or tensors
        A direction of the layers' shapes that is not along the line between them (a saddle's escape
        direction, say).

    Returns
    -------
    Plane
    """
    layers = as_weights(here, "plane_through")
    end = as_weights(there, "plane_through")
    require_shapes(end, layers, "plane_through", "the second point")
    step = flatten(end) - flatten(layers)
    span = float(np.linalg.norm(step))
    if span == 0:
        raise InputError("plane_through: the two points are the same. Give two different ones.")
    first = step / span
    steps = as_direction(towards, layers, "plane_through")
    second = flatten(even_out(steps, "plane_through"))
    size = float(np.linalg.norm(second))
    for _ in range(2):  # twice, for orthogonality to rounding
        second = second - (second @ first) * first
    length = float(np.linalg.norm(second))
    if length <= 1e-9 * size:
        raise InputError(
            "plane_through: the direction lies along the line between the points. Give another one."
        )
    return Plane(
        layers,
        tuple(unflatten(first, layers)),
        tuple(unflatten(second / length, layers)),
        span,
    )


def risk_on_plane(
    risk: SquaredRisk, plane: Plane, a: Float64[np.ndarray, " i"], b: Float64[np.ndarray, " j"]
) -> Float64[np.ndarray, "j i"]:
    """Evaluate R on a grid of a plane.

    Parameters
    ----------
    risk : SquaredRisk
    plane : Plane
    a, b : ndarray of shape (i,) and (j,)
        Coordinates along the first and the second axis.

    Returns
    -------
    ndarray of shape (j, i)
        Row by second coordinate, as pictures are.

    Examples
    --------
    The saddle at zero lies between two valleys of global minima:

    .. plot::
       :include-source:

       import matplotlib.pyplot as plt
       import numpy as np
       from pitfalls.linear import SquaredRisk, plane_through, risk_on_plane
       from pitfalls.moments import SecondMoments

       x = np.random.default_rng(0).standard_normal((50, 1))
       risk = SquaredRisk(SecondMoments.from_arrays(x, x))
       saddle, minimum = [np.zeros((1, 1))] * 2, [np.ones((1, 1))] * 2
       plane = plane_through(saddle, minimum, [np.ones((1, 1)), np.zeros((1, 1))])
       a = np.linspace(-2, 2, 41)
       heights = np.log10(1e-3 + risk_on_plane(risk, plane, a, a))
       contours = plt.contourf(a, a, heights, levels=20, cmap="cividis")
       plt.colorbar(contours, label="log10 of the risk")
       plt.plot([0, plane.span], [0, 0], "wo")
       plt.xlabel("towards a global minimum")
       plt.ylabel("across")
    """
    return np.array([[float(risk.value(plane.at(s, t))) for s in a] for t in b])
