"""What question 4 finds: units and layers."""

from dataclasses import dataclass

import numpy as np

from pitfalls.diagnosis.cards import Evidence

__all__ = ["DEAD", "SATURATED", "LayerGradient", "LayerUnits", "UnitsEvidence"]

DEAD = 0.9  # share of a layer's units from which on nothing passes it
SATURATED = 0.75  # of a layer's values; a cause only where another start or scale does much better


@dataclass(frozen=True)
class LayerUnits:
    """Units of one activation.

    Parameters
    ----------
    place, kind : str
    n_units : int
    dead : tuple of int
        Units of ReLU and its like without a slope on any example or position, by index.
    saturated : float
        Share of (example, unit) pairs with a slope below a twentieth of the steepest.
    constant : tuple of int
        Units with one value on all examples, by index.
    identical : bool
        Whether all units (of two or more) do the same on every example, and vary with it.
    last : bool
        Whether these are the network's outputs.
    """

    place: str
    kind: str
    n_units: int
    dead: tuple[int, ...]
    saturated: float
    constant: tuple[int, ...]
    identical: bool
    last: bool

    @property
    def dead_share(self) -> float:
        """Share of dead units."""
        return len(self.dead) / self.n_units


@dataclass(frozen=True)
class LayerGradient:
    """Gradient of one weight matrix or kernel.

    Parameters
    ----------
    name : str
    gradient, weight : float
        Euclidean norms.
    """

    name: str
    gradient: float
    weight: float

    @property
    def relative(self) -> float:
        """Gradient over weight: how fast a step changes the layer."""
        return self.gradient / self.weight if self.weight > 0 else float("nan")


@dataclass(frozen=True)
class UnitsEvidence(Evidence):
    """What holds of units and layers.

    Parameters
    ----------
    layers : tuple of LayerUnits
    gradients : tuple of LayerGradient
        Of weights with two axes or more, in the model's order.
    scales : tuple of (str, float)
        Root mean square of what each linear operation gives.
    entrance : float
        Spread over examples of what the first linear operation reads that reads not the very same for
        all (learned queries, say), over its size: 0 where it is no more than rounding, and the network does
        not look at its input.
    expected_ratio : float
        Least ratio of gradients between layers that depth alone predicts: a quarter a sigmoid times
        the layers' mean gain.
    zero_weights : tuple of str
        Weights that are zero everywhere.
    zero_gradients : tuple of str
        Weights whose gradient is exactly zero.
    output_spread : float
        Standard deviation of the outputs over examples, over their root mean square.
    loss : float
        Of the batch.
    """

    layers: tuple[LayerUnits, ...] = ()
    gradients: tuple[LayerGradient, ...] = ()
    scales: tuple[tuple[str, float], ...] = ()
    entrance: float = 1.0
    expected_ratio: float = 1.0
    zero_weights: tuple[str, ...] = ()
    zero_gradients: tuple[str, ...] = ()
    output_spread: float = 1.0
    loss: float = float("nan")

    @property
    def hidden(self) -> tuple[LayerUnits, ...]:
        """All activations but the network's outputs."""
        return tuple(layer for layer in self.layers if not layer.last)

    @property
    def ratio(self) -> float:
        """Smallest over largest relative gradient of the layers; 1 for a single one."""
        relative = [g.relative for g in self.gradients if np.isfinite(g.relative)]
        top = max(relative, default=0.0)
        return min(relative) / top if len(relative) > 1 and top > 0 else (1.0 if top > 0 else 0.0)

    @property
    def level(self) -> bool:
        """Whether none of several weights has a gradient: it vanishes on the way to none of them."""
        return len(self.gradients) > 1 and not any(g.gradient for g in self.gradients)

    @property
    def blind(self) -> bool:
        """Whether the first linear operation reads the same for all examples, but for rounding."""
        return self.entrance == 0

    @property
    def largest_gradient(self) -> float:
        """Largest relative gradient of a layer."""
        return max((g.relative for g in self.gradients if np.isfinite(g.relative)), default=0.0)

    @property
    def growth(self) -> float:
        """Largest factor by which the scale of signals grows from one linear operation on."""
        sizes = [s for _, s in self.scales if s > 0]
        return sizes[-1] / sizes[0] if len(sizes) > 1 else 1.0
