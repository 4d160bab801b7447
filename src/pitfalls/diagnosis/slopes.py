"""Whether the gradient that the backward pass gives is the slope of the loss."""

import dataclasses
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call

from pitfalls.diagnosis.adapter import call
from pitfalls.diagnosis.evidence.wiring import Slope
from pitfalls.diagnosis.guard import SAME_NUMBERS
from pitfalls.diagnosis.nested import Nest, map_leaves
from pitfalls.diagnosis.reach import graph_leaves
from pitfalls.diagnosis.stand_ins import takes_steps, without_stops
from pitfalls.diagnosis.subject import Subject, SubjectError, dense, widened
from pitfalls.diagnosis.trace import rounding_unit

__all__ = ["check_slopes", "precise_risk"]

_STEPS = (1e-3, 1e-4, 1e-5, 1e-6)
_MOST_TENSORS = 40
_NUDGE = 1e-3


def precise_risk(
    subject: Subject, rows: NDArray[np.int64], *, precise: bool = True
) -> tuple[Callable[[dict[str, Tensor]], Tensor], dict[str, Tensor], torch.dtype]:
    """Return the risk in evaluation mode as a function of parameters, in float64 if it runs so.

    Without ``precise`` it is the model's own precision.

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
    whole = _Whole(subject)

    def build(dtype: torch.dtype | None) -> tuple[Any, dict[str, Tensor]]:
        def cast(t: Tensor) -> Tensor:
            return t.detach() if dtype is None else _as_precise(t.detach(), dtype)

        own = {id(p): name for name, p in subject.parameters().items()}
        places = whole.places()
        others = {place: cast(t) for place, t in places.items() if id(t) not in own}
        inputs, labels = map_leaves(cast, x), map_leaves(cast, y)

        def risk(parameters: dict[str, Tensor]) -> Tensor:
            subject.seed_numbers(SAME_NUMBERS)  # a network that draws numbers draws the same ones
            values = {at: parameters[own[id(t)]] for at, t in places.items() if id(t) in own}
            batch: Nest = map_leaves(torch.clone, inputs)
            value: Tensor = functional_call(
                whole, {**values, **others}, (batch, labels), tie_weights=False
            )
            return value

        return risk, {name: cast(p) for name, p in subject.parameters().items()}

    if isinstance(subject.model, torch.jit.ScriptModule):
        raise SubjectError(f"{subject.who}: TorchScript does not run with other parameters")
    for dtype in (torch.float64, None) if precise else (None,):
        risk, parameters = build(dtype)
        try:
            with subject.mode("eval"), torch.enable_grad():
                value = risk(parameters)
        except SubjectError:
            if dtype is None:
                raise
            continue
        _refuse_other_ways(subject, value)
        return risk, parameters, dtype or next(iter(parameters.values())).real.dtype
    raise AssertionError("the loop returns or raises")


class _Whole(nn.Module):
    """Model and loss as one, so that what the loss sees of the model, as a penalty does, moves along."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.model = subject.model
        if isinstance(subject.loss, nn.Module):
            self.loss = subject.loss
        self._subject = (subject,)

    def places(self) -> dict[str, Tensor]:
        """Return every place that holds a tensor, once: a module that both hold is one, tied weights two."""
        return {
            f"{path}.{name}": tensor
            for path, module in self.named_modules()
            for held in (module._parameters, module._buffers)
            for name, tensor in held.items()
            if tensor is not None
        }

    def forward(self, batch: Nest, labels: Nest) -> Tensor:
        (subject,) = self._subject
        with subject.users_code("the model"):
            out = subject.run(lambda: call(self.model, batch))
        return subject.loss_of(out, labels)


def _refuse_other_ways(subject: Subject, value: Tensor) -> None:
    """Refuse a loss that reaches the model's own tensors, as by a list of them: those stay where they are."""
    own = {id(p) for p in subject.parameters().values()}
    if any(id(leaf) in own for leaf in graph_leaves(value)):
        raise SubjectError(
            f"{subject.who}: the loss, or the model, holds parameters in a list of its own, which do not "
            "move with the model's; take them from model.parameters() each time"
        )


def _as_precise(t: Tensor, dtype: torch.dtype) -> Tensor:
    """Bring real and complex numbers to a precision; others stay."""
    if t.is_complex():
        return t.to(dtype.to_complex())
    return t.to(dtype) if t.is_floating_point() else t


def check_slopes(
    subject: Subject, rows: NDArray[np.int64], names: tuple[str, ...] | None = None
) -> tuple[Slope, ...]:
    """Compare the user's gradient with central differences of the loss, tensor by tensor.

    The gradient is taken as in training: by a backward pass on the model's own parameters, hooks
    and all, in evaluation mode so that the loss is a function.

    Where the two disagree, both are taken again beside the user's point. A start may lie on many kinks
    at once (a gain of zero feeds a ReLU exact zeros), whose one-sided slopes can cancel in the second
    difference that would show them; a wrong backward pass is as wrong beside it.
    """
    slopes = _slopes_here(subject, rows, names)
    wrong = tuple(slope.name for slope in slopes if slope.agrees is False)
    if not wrong:
        return slopes
    kept = {name: p.data.clone() for name, p in subject.parameters().items()}
    _nudge(subject)
    try:
        beside = {slope.name: slope for slope in _slopes_here(subject, rows, wrong)}
    finally:
        for name, parameter in subject.parameters().items():
            parameter.data.copy_(kept[name])
    return tuple(beside.get(slope.name, slope) for slope in slopes)


@torch.no_grad()
def _nudge(subject: Subject) -> None:
    """Move every parameter by a thousandth of its size, the same way each time."""
    generator = torch.Generator().manual_seed(SAME_NUMBERS)
    for parameter in subject.parameters().values():
        if parameter.is_floating_point():
            size = float(widened(parameter).square().mean().sqrt()) or 1.0
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.data += (_NUDGE * size * noise).to(parameter)


@torch.no_grad()
def _draws(subject: Subject, rows: NDArray[np.int64]) -> bool:
    """Whether the network draws numbers in evaluation mode: in float64 it would draw others."""
    found = []
    with subject.mode("eval"):
        for seed in (SAME_NUMBERS, SAME_NUMBERS + 1):
            subject.seed_numbers(seed)
            found.append(float(subject.risk(rows)))
    return found[0] != found[1]


def _slopes_here(
    subject: Subject, rows: NDArray[np.int64], names: tuple[str, ...] | None
) -> tuple[Slope, ...]:
    if not subject.trainable():
        return ()
    risk, at, dtype = precise_risk(subject, rows, precise=not _draws(subject, rows))
    with subject.mode("eval"), torch.backends.cudnn.flags(enabled=False):
        subject.seed_numbers(SAME_NUMBERS)
        own = max(torch.finfo(p.dtype).eps for p in subject.trainable().values())
        unit = max(own, rounding_unit(lambda: subject.risk(rows)))
        gradients = _gradients(subject, rows, dtype)
        # a tensor whose gradient cancels keeps the rounding of what cancelled, and one that is smaller
        # than the rounding of the numbers it was computed with (half precision inside) is not wrong
        whole = sum(float(widened(g).square().sum()) for g in gradients.values()) ** 0.5
        rounding = 30 * unit * whole
        chosen = names or tuple(
            sorted(gradients, key=lambda n: -float(gradients[n].norm()))[:_MOST_TENSORS]
        )
        # code that casts inside computes the differences as coarsely, whatever it is given
        finest = max(torch.finfo(dtype).eps, rounding_unit(lambda: risk(at)))
        slopes: list[Slope] = []
        for name in chosen:
            if name not in gradients or (slopes and subject.left() < 0):
                continue
            slopes.append(_slope(risk, at, name, gradients[name], rounding, finest))
            subject.count(examples=2 * len(_STEPS) * len(rows))
        if any(slope.agrees is False for slope in slopes):
            return _with_stops(subject, rows, slopes, gradients, dtype)
    return tuple(slopes)


def _gradients(subject: Subject, rows: NDArray[np.int64], dtype: torch.dtype) -> dict[str, Tensor]:
    """Take the user's backward pass; none where the loss has no graph."""
    subject.seed_numbers(SAME_NUMBERS)
    value = subject.risk(rows)
    if not value.requires_grad:
        return {}
    for parameter in subject.parameters().values():
        parameter.grad = None
    with subject.users_code("the backward pass"):
        value.backward()  # type: ignore[no-untyped-call]
    subject.count(gradients=1)
    gradients = {
        name: _as_precise(dense(p.grad.detach()), dtype)
        for name, p in subject.parameters().items()
        if p.grad is not None
    }
    for parameter in subject.parameters().values():
        parameter.grad = None
    return gradients


def _with_stops(
    subject: Subject,
    rows: NDArray[np.int64],
    slopes: list[Slope],
    gradients: dict[str, Tensor],
    dtype: torch.dtype,
) -> tuple[Slope, ...]:
    """Mark the wrong slopes that are true once nothing is stopped: somebody stopped or changed the gradient.

    So are those of a loss that is level there, or of a network that takes steps on its way: somebody gave
    a step function a gradient.
    """
    through: dict[str, Tensor] = {}
    with suppress(SubjectError), without_stops(subject, rows):
        through = _gradients(subject, rows, dtype)
    steps = takes_steps(subject, rows)

    def stopped(slope: Slope) -> bool:
        if slope.agrees is not False or slope.name not in through:
            return False
        direction = _direction(gradients[slope.name])
        along = float((widened(through[slope.name]) * widened(direction)).sum())
        return dataclasses.replace(slope, by_gradient=along).agrees is True

    def marked(slope: Slope) -> Slope:
        stops = stopped(slope)
        stepped = slope.agrees is False and (steps or slope.level) and not stops
        return dataclasses.replace(slope, stopped=stops, stepped=stepped)

    return tuple(map(marked, slopes))


def _direction(gradient: Tensor) -> Tensor:
    """Return a gradient's direction, of length 1."""
    size = float(widened(gradient).norm())
    if size > 0:
        return gradient / size
    # a gradient of zero points nowhere: any direction must be level
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(gradient.shape, generator=generator, dtype=torch.float64)
    direction: Tensor = (drawn / drawn.norm()).to(gradient)
    return direction


@torch.no_grad()
def _slope(
    risk: Callable[[dict[str, Tensor]], Tensor],
    at: dict[str, Tensor],
    name: str,
    gradient: Tensor,
    floor: float,
    unit: float,
) -> Slope:
    size = float(widened(gradient).norm())
    if not np.isfinite(size):
        return Slope(name, size, float("nan"), float("inf"), floor)
    direction = _direction(gradient)
    scale = float(at[name].norm()) or 1.0
    steps = _STEPS if unit < 1e-9 else (1e-1, 3e-2, 1e-2, 3e-3)
    middle = float(risk(at))
    found, doubts = [], []
    for step in steps:
        h = step * scale
        up = float(risk({**at, name: at[name] + h * direction}))
        down = float(risk({**at, name: at[name] - h * direction}))
        rounding = 8 * unit * max(abs(up), abs(down)) / (2 * h)
        found.append((up - down) / (2 * h))
        # at a kink (ReLU at exactly 0) the one-sided slopes differ however small the step
        doubts.append(rounding + abs(up + down - 2 * middle) / (2 * h))
    # the best pair of neighbouring steps: large ones curve, small ones round
    spreads = np.abs(np.diff(found)) + np.array(doubts[1:])
    best = int(np.nanargmin(spreads)) if np.isfinite(spreads).any() else 0
    return Slope(name, size, found[best + 1], float(spreads[best]), floor)
