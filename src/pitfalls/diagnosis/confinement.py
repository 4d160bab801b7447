"""Outputs that their last function confines, and how low that leaves the loss."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pitfalls.diagnosis.evidence.capacity import Confinement
from pitfalls.diagnosis.nested import Nest
from pitfalls.diagnosis.subject import Subject, SubjectError
from pitfalls.diagnosis.trace import last_function

__all__ = ["find_confinement", "least_by_one_output"]

_STEPS = 200
_SIZES = (0.1, 0.03)
_MOST_NUMBERS = 1 << 20  # in outputs that are moved freely
_HISTORY = 10


def find_confinement(subject: Subject, rows: NDArray[np.int64]) -> Confinement | None:
    """Minimise the loss over outputs with and without the last function; None where there is none."""
    x, y = subject.batch(rows)
    with subject.mode("eval"):
        function = last_function(lambda: subject.forward(x))
        with torch.no_grad():
            out = subject.forward(subject.batch(rows)[0])
    if function is None or not isinstance(out, Tensor) or out.ndim == 0:
        return None
    if out.numel() > _MOST_NUMBERS and len(rows) > 2:
        return find_confinement(subject, rows[: max(2, len(rows) * _MOST_NUMBERS // out.numel())])
    maps = {
        "softmax": lambda z: torch.softmax(z, -1),
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": lambda z: (z + 1).square(),  # nears 0 as fast as any other value
    }
    if function == "softmax":
        if out.ndim < 2 or not bool(torch.isclose(out.sum(-1), out.new_ones(())).all()):
            return None
        if not _shift_free(subject, out, y):
            return None  # a loss of probabilities: the softmax belongs to it
    try:
        confined = _least(subject, maps[function], torch.zeros_like(out), y)
        free = _least(subject, lambda z: z, out.detach().clone(), y)
        constant = _least(subject, lambda z: z.expand_as(out), out.mean(0, keepdim=True), y)
    except SubjectError:
        return None  # a loss that only takes what the function gives
    if not np.isfinite([confined, free, constant]).all() or free < min(0.0, confined) - 1e-6:
        return None
    return Confinement(function, confined, free, constant)


def least_by_one_output(subject: Subject, rows: NDArray[np.int64]) -> float:
    """Least loss of one output for all examples; infinite where outputs are no tensor of rows."""
    x, y = subject.batch(rows)
    with subject.mode("eval"), torch.no_grad():
        out = subject.forward(x)
    if not isinstance(out, Tensor) or not subject.rows_first or not out.is_floating_point():
        return float("inf")
    try:
        return _least(subject, lambda z: z.expand_as(out), out.mean(0, keepdim=True), y)
    except SubjectError:
        return float("inf")


def _shift_free(subject: Subject, out: Tensor, y: Nest) -> bool:
    """Whether the loss does not see a constant added to all outputs of an example."""
    with torch.no_grad():
        here = float(subject.loss_of(out, y))
        moved = float(subject.loss_of(out + 3, y))
    return abs(here - moved) <= 1e-4 * max(abs(here), 1e-6)


def _least(subject: Subject, shape: Callable[[Tensor], Tensor], start: Tensor, y: Nest) -> float:
    """Return the least loss that Adam and a line search reach: labels may be of any size."""

    def loss_of(z: Tensor) -> Tensor:
        return subject.loss_of(shape(z).to(start.dtype), y)

    def backward(z: Tensor, value: Tensor) -> None:
        z.grad = None
        with subject.users_code("the loss's backward pass"):
            value.backward()  # type: ignore[no-untyped-call]

    least = float("inf")
    for size in _SIZES:
        z = start.detach().clone().float().requires_grad_(True)
        optimizer = torch.optim.Adam([z], lr=size * 3)
        for _ in range(_STEPS):
            value = loss_of(z)
            if not value.requires_grad or not bool(torch.isfinite(value)):
                break
            backward(z, value)
            optimizer.step()
            least = min(least, float(value.detach()))
    return min(least, _searched(loss_of, backward, start))


def _searched(
    loss_of: Callable[[Tensor], Tensor], backward: Callable[[Tensor, Tensor], None], start: Tensor
) -> float:
    """Return the least loss that LBFGS meets, whose steps have no size of their own."""
    z = start.detach().clone().double().requires_grad_(True)
    optimizer = torch.optim.LBFGS(
        [z], max_iter=_STEPS, history_size=_HISTORY, line_search_fn="strong_wolfe",
        tolerance_grad=0, tolerance_change=0,  # losses may be of any size
    )  # fmt: skip
    found = [float("inf")]

    def closure() -> Tensor:
        value = loss_of(z)
        if not value.requires_grad:
            z.grad = torch.zeros_like(z)
            return value
        backward(z, value)
        if bool(torch.isfinite(value)):
            found.append(float(value.detach()))
        return value

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return min(found)
