"""A network that is linear: what it can fit is known exactly."""

import numpy as np
from torch import Tensor, nn

from pitfalls.diagnosis.evidence.capacity import LinearCase
from pitfalls.diagnosis.nested import leaves
from pitfalls.diagnosis.subject import Subject
from pitfalls.linear import DeepLinearNetwork, SquaredRisk
from pitfalls.moments import SecondMoments

__all__ = ["linear_case"]

_PLAIN = (nn.Linear, nn.Flatten, nn.Identity, nn.Unflatten)
_MOST_FEATURES = 2048


def linear_case(subject: Subject) -> LinearCase | None:
    """Solve the network exactly if all its layers are linear and the labels are vectors."""
    narrowest = _narrowest(subject.model)
    xs, ys = list(leaves(subject.samples.x)), list(leaves(subject.samples.y))
    if narrowest is None or len(xs) != 1 or len(ys) != 1:
        return None
    x, y = xs[0].flatten(1), ys[0].reshape(len(ys[0]), -1)
    if not (x.is_floating_point() and y.is_floating_point()) or x.shape[1] > _MOST_FEATURES:
        return None
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


def _narrowest(model: nn.Module) -> int | None:
    """Return the least width of a plain stack of linear layers, or None for anything else."""
    if isinstance(model, DeepLinearNetwork):
        return model.capacity
    layers = [m for m in model.modules() if not any(m.children())]
    stacked = isinstance(model, nn.Sequential | nn.Linear)
    inner = [m for m in model.modules() if any(m.children())]
    if not stacked or not all(isinstance(m, nn.Sequential) for m in inner):
        return None
    if not all(isinstance(m, _PLAIN) for m in layers):
        return None
    widths = [
        w for m in layers if isinstance(m, nn.Linear) for w in (m.in_features, m.out_features)
    ]
    return min(widths) if widths else None
