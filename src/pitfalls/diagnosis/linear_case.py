"""A network that is linear: what it can fit is known exactly."""

import numpy as np
import torch
from torch import Tensor, nn

from pitfalls.diagnosis.evidence.capacity import LinearCase
from pitfalls.diagnosis.nested import leaves
from pitfalls.diagnosis.subject import Subject
from pitfalls.hooks import is_hooked
from pitfalls.linear import DeepLinearNetwork, SquaredRisk
from pitfalls.moments import SecondMoments

__all__ = ["linear_case"]

_PLAIN = (nn.Linear, nn.Flatten, nn.Identity, nn.Unflatten)
_MOST_FEATURES = 2048


def linear_case(subject: Subject) -> LinearCase | None:
    """Solve the network exactly if all its layers are linear and the labels are vectors."""
    xs, ys = list(leaves(subject.samples.x)), list(leaves(subject.samples.y))
    if len(xs) != 1 or len(ys) != 1:
        return None
    narrowest = _narrowest(subject.model, places=xs[0].ndim > 2)
    if narrowest is None:
        return None
    x, y = xs[0].flatten(1), ys[0].reshape(len(ys[0]), -1)
    if not (x.is_floating_point() and y.is_floating_point()) or x.shape[1] > _MOST_FEATURES:
        return None
    if not bool(torch.isfinite(x).all() and torch.isfinite(y).all()):
        return None  # labels nobody measured, which the loss passes over
    moments = SecondMoments.from_arrays(_array(x), _array(y), center=True)
    risk = SquaredRisk(moments)
    total = 0.5 * float(np.trace(moments.syy))
    if total <= 0:
        return None
    return LinearCase(
        narrowest,
        1 - risk.minimum(narrowest).value / total,
        1 - risk.minimum().value / total,
        len(x),
    )


def _array(t: Tensor) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    array: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = t.detach().double().cpu().numpy()
    return array


def _narrowest(model: nn.Module, *, places: bool) -> int | None:
    """Return the least width of a plain stack of linear layers, or None for anything else.

    A subclass, a hook or an exchanged ``forward`` may do more, and layers that act at each of several
    ``places`` of an example are no map of so low a rank.
    """
    if any(is_hooked(m) or "forward" in vars(m) for m in model.modules()):
        return None
    if type(model) is DeepLinearNetwork:
        return None if places else model.capacity
    if type(model) not in (nn.Sequential, nn.Linear):
        return None
    layers = [m for m in model.modules() if type(m) is not nn.Sequential]
    linear = [m for m in layers if isinstance(m, nn.Linear)]
    if not linear or not all(type(m) in _PLAIN for m in layers):
        return None
    flattened = any(_flattens(m) for m in layers[: layers.index(linear[0])])
    before = layers[: layers.index(linear[-1])]
    inner = (m for m in before if type(m) in (nn.Flatten, nn.Unflatten))
    if (places and not flattened) or not all(map(_flattens, inner)):
        return None
    return min(width for m in linear for width in (m.in_features, m.out_features))


def _flattens(layer: nn.Module) -> bool:
    """Whether a layer makes one row of each example."""
    return type(layer) is nn.Flatten and (layer.start_dim, layer.end_dim) == (1, -1)
