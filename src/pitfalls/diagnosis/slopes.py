"""Whether the gradient that the backward pass gives is the slope of the loss."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call

from pitfalls.diagnosis.nested import Nest, map_leaves
from pitfalls.diagnosis.subject import Subject, SubjectError

__all__ = ["Slope", "SlopeWitness", "check_slopes", "precise_risk"]

_STEPS = (1e-3, 1e-4, 1e-5, 1e-6)
_MOST_TENSORS = 40
_WRONG = 0.05  # relative error of the gradient that is called wrong
_CONVERGED = 0.005  # of the finite differences among themselves


@dataclass(frozen=True)
class Slope:
    """Slope of the loss along the gradient of one parameter tensor.

    Parameters
    ----------
    name : str
    by_gradient : float
        What the backward pass says: the norm of that gradient.
    by_difference : float
        What central differences of the loss say.
    spread : float
        Difference between the two best steps: how far they can be trusted.
    rounding : float
        Size of the rounding of the user's gradient in its own precision.
    """

    name: str
    by_gradient: float
    by_difference: float
    spread: float
    rounding: float

    @property
    def agrees(self) -> bool | None:
        """Whether the two are the same; None where the differences do not settle."""
        size = max(abs(self.by_gradient), abs(self.by_difference))
        if size == 0:
            return True
        if not np.isfinite([size, self.spread]).all():
            return None
        gap = abs(self.by_gradient - self.by_difference)
        if gap <= 0.01 * size + 3 * self.spread + self.rounding:
            return True
        wrong = (
            gap > _WRONG * size + 10 * self.spread + 10 * self.rounding
            and self.spread <= _CONVERGED * size
        )
        return False if wrong else None


def precise_risk(
    subject: Subject, rows: NDArray[np.int64]
) -> tuple[Callable[[dict[str, Tensor]], Tensor], dict[str, Tensor], torch.dtype]:
    """Return the risk in evaluation mode as a function of parameters, in float64 if it runs so.

    Returns
    -------
    risk : callable
        From parameters by name to one number, differentiable.
    parameters : dict of str to Tensor
        Where the model is, detached.
    dtype : torch.dtype
        float64, or the model's own where its code does not run in float64.
    """
    x, y = subject.batch(rows)
    own = {name: p.detach() for name, p in subject.parameters().items()}

    def build(dtype: torch.dtype | None) -> tuple[Any, dict[str, Tensor]]:
        def cast(t: Tensor) -> Tensor:
            return t.to(dtype) if dtype is not None and t.is_floating_point() else t

        buffers = {name: cast(b) for name, b in subject.model.named_buffers()}
        inputs, labels = map_leaves(cast, x), map_leaves(cast, y)
        loss_values: dict[str, Tensor] = {}
        if isinstance(subject.loss, nn.Module):
            loss_values = {
                name: cast(t.detach())
                for name, t in [*subject.loss.named_parameters(), *subject.loss.named_buffers()]
            }

        def risk(parameters: dict[str, Tensor]) -> Tensor:
            with subject.users_code("the model"):
                batch: Nest = map_leaves(torch.clone, inputs)
                arguments = batch if isinstance(batch, tuple | list) else (batch,)
                named = batch if isinstance(batch, dict) else {}
                values = {**parameters, **buffers}
                out = functional_call(subject.model, values, () if named else arguments, named)
            if not isinstance(subject.loss, nn.Module):
                return subject.loss_of(out, labels)
            with subject.users_code("the loss"):
                value: Tensor = functional_call(subject.loss, loss_values, (out, labels))
            return value.reshape(())

        return risk, {name: cast(p) for name, p in own.items()}

    if isinstance(subject.model, torch.jit.ScriptModule):
        raise SubjectError(f"{subject.who}: TorchScript does not run with other parameters")
    for dtype in (torch.float64, None):
        risk, parameters = build(dtype)
        try:
            with subject.mode("eval"), torch.no_grad():
                risk(parameters)
        except SubjectError:
            if dtype is None:
                raise
            continue
        return risk, parameters, dtype or next(iter(parameters.values())).dtype
    raise AssertionError("the loop returns or raises")


def check_slopes(
    subject: Subject, rows: NDArray[np.int64], names: tuple[str, ...] | None = None
) -> tuple[Slope, ...]:
    """Compare the user's gradient with central differences of the loss, tensor by tensor.

    The gradient is taken as in training: by a backward pass on the model's own parameters, hooks
    and all, in evaluation mode so that the loss is a function.
    """
    risk, at, dtype = precise_risk(subject, rows)
    with subject.mode("eval"), torch.backends.cudnn.flags(enabled=False):
        value = subject.risk(rows)
        if not value.requires_grad:
            return ()
        for parameter in subject.parameters().values():
            parameter.grad = None
        with subject.users_code("the backward pass"):
            value.backward()  # type: ignore[no-untyped-call]
        subject.count(gradients=1)
        gradients = {
            name: p.grad.detach().to(dtype)
            for name, p in subject.parameters().items()
            if p.grad is not None
        }
        for parameter in subject.parameters().values():
            parameter.grad = None
        # a tensor whose gradient cancels keeps the rounding of what cancelled
        whole = sum(float(g.double().square().sum()) for g in gradients.values()) ** 0.5
        coarsest = max(torch.finfo(p.dtype).eps for p in subject.trainable().values())
        rounding = 30 * coarsest * whole
        chosen = names or tuple(
            sorted(gradients, key=lambda n: -float(gradients[n].norm()))[:_MOST_TENSORS]
        )
        slopes: list[Slope] = []
        for name in chosen:
            if name not in gradients or (slopes and subject.left() < 0):
                continue
            slopes.append(_slope(risk, at, name, gradients[name], rounding))
            subject.count(examples=2 * len(_STEPS) * len(rows))
    return tuple(slopes)


@torch.no_grad()
def _slope(
    risk: Callable[[dict[str, Tensor]], Tensor],
    at: dict[str, Tensor],
    name: str,
    gradient: Tensor,
    floor: float,
) -> Slope:
    dtype = gradient.dtype
    size = float(gradient.double().norm())
    if not np.isfinite(size):
        return Slope(name, size, float("nan"), float("inf"), floor)
    if size > 0:
        direction = gradient / size
    else:  # a gradient of zero points nowhere: any direction must be level
        generator = torch.Generator().manual_seed(0)
        direction = torch.randn(gradient.shape, generator=generator, dtype=torch.float64)
        direction = (direction / direction.norm()).to(gradient)
    scale = float(at[name].norm()) or 1.0
    steps = _STEPS if dtype == torch.float64 else (1e-1, 3e-2, 1e-2, 3e-3)
    middle = float(risk(at))
    found, doubts = [], []
    for step in steps:
        h = step * scale
        up = float(risk({**at, name: at[name] + h * direction}))
        down = float(risk({**at, name: at[name] - h * direction}))
        rounding = 8 * torch.finfo(dtype).eps * max(abs(up), abs(down)) / (2 * h)
        found.append((up - down) / (2 * h))
        # at a kink (ReLU at exactly 0) the one-sided slopes differ however small the step
        doubts.append(rounding + abs(up + down - 2 * middle) / (2 * h))
    # the best pair of neighbouring steps: large ones curve, small ones round
    spreads = np.abs(np.diff(found)) + np.array(doubts[1:])
    best = int(np.nanargmin(spreads)) if np.isfinite(spreads).any() else 0
    return Slope(name, size, found[best + 1], float(spreads[best]), floor)


@dataclass(frozen=True)
class SlopeWitness:
    """A parameter tensor along whose gradient the loss does not fall as the gradient says.

    Parameters
    ----------
    rows : tuple of int
    slope : Slope
    """

    rows: tuple[int, ...]
    slope: Slope

    def check(self, subject: Subject) -> bool:
        """Take gradient and differences again."""
        again = check_slopes(subject, np.array(self.rows), (self.slope.name,))
        return bool(again) and again[0].agrees == self.slope.agrees
