"""One target for all examples: nothing to learn, or the task itself, as of a residual to be made zero?"""

from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pitfalls.diagnosis.nested import leaves
from pitfalls.diagnosis.subject import Subject, SubjectError

__all__ = ["is_constant_target"]

Rows: TypeAlias = NDArray[np.int64]

_ROWS = 64
_STEPS = 150
_RATES = (3e-2, 3e-3)
_FELT = 1e-3  # share of what training gains: less is the end of a descent
_FURTHER = 0.1  # share of the bias's loss that training must go below it


def is_constant_target(subject: Subject) -> bool:
    """Whether labels are real and all the same, and training gets further than one bias does.

    The last linear layer that runs, its weights zero, gives the same for all inputs. Where its bias alone
    attains what training attains, inputs have no part in the task. A residual that an equation makes zero,
    or an error of building the input again, needs them. Weights and buffers come back as they were.
    """
    targets = list(leaves(subject.samples.y))
    if not targets or not all(t.is_floating_point() for t in targets):
        return False
    if any(bool((t != t[:1]).any()) for t in targets):
        return False
    everything = [*subject.model.parameters(), *subject.model.buffers()]
    kept = [(t, t.detach().clone()) for t in everything]
    try:
        with subject.mode("eval"), subject.same_numbers(), torch.enable_grad():
            return _gets_further(subject, kept)
    except SubjectError:
        return False
    finally:
        _put_back(kept)


def _gets_further(subject: Subject, kept: list[tuple[Tensor, Tensor]]) -> bool:
    rows = np.arange(min(_ROWS, subject.n))
    last = _last_linear(subject, rows)
    if last is None:
        return False
    with torch.no_grad():
        start = float(subject.risk(rows))
        last.weight.zero_()
    by_bias = _least_by_bias(subject, rows, last)
    _put_back(kept)
    trained = _least(subject, rows, list(subject.trainable().values()), kept)
    gain = by_bias - trained
    return gain > _FURTHER * abs(by_bias) and gain > _FELT * abs(start - trained)


def _least_by_bias(subject: Subject, rows: Rows, last: nn.Linear) -> float:
    """Return the least loss by a vector added to what a layer gives, whether it has a bias or not."""
    shape = (-1, *[1] * (last.weight.ndim - 2))  # channels come before the places of a picture
    added = last.weight.new_zeros(len(last.weight)).requires_grad_(True)
    handle = last.register_forward_hook(lambda _, __, out: out + added.reshape(shape))
    optimizer = torch.optim.LBFGS([added], max_iter=_STEPS, line_search_fn="strong_wolfe")
    found = []

    def closure() -> Tensor:
        value = subject.risk(rows)
        found.append(float(value.detach()))
        (added.grad,) = subject.backward(value, [added])
        return value

    try:
        optimizer.step(closure)  # type: ignore[no-untyped-call]
    finally:
        handle.remove()
    return min(value for value in [*found, float("inf")] if not np.isnan(value))


def _last_linear(subject: Subject, rows: Rows) -> nn.Linear | None:
    """Return the linear or convolutional layer that runs last."""
    ran: list[nn.Linear] = []
    kinds = (nn.Linear, nn.modules.conv._ConvNd)
    handles = [
        m.register_forward_hook(lambda module, *_: ran.append(module))
        for m in subject.model.modules()
        if isinstance(m, kinds)
    ]
    try:
        with torch.no_grad():
            subject.forward(subject.batch(rows)[0])
    finally:
        for handle in handles:
            handle.remove()
    return ran[-1] if ran else None


def _least(
    subject: Subject,
    rows: Rows,
    parameters: list[nn.Parameter],
    kept: list[tuple[Tensor, Tensor]],
) -> float:
    """Return the least loss that Adam reaches in the parameters, at the better of two rates."""
    least = float("inf")
    for rate in _RATES:
        _put_back(kept)
        optimizer = torch.optim.Adam(parameters, lr=rate)
        for _ in range(_STEPS):
            value = subject.risk(rows)
            if not bool(torch.isfinite(value)):
                break
            least = min(least, float(value.detach()))
            gradients = subject.backward(value, parameters)
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
            optimizer.step()
        for parameter in parameters:
            parameter.grad = None
    return least


def _put_back(kept: list[tuple[Tensor, Tensor]]) -> None:
    for tensor, copied in kept:
        tensor.data.copy_(copied)
