"""One target for all examples: nothing to learn, or the task itself, as of a residual to be made zero?"""

import itertools
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pitfalls.diagnosis.nested import leaves
from pitfalls.diagnosis.reach import given_to
from pitfalls.diagnosis.steps import train_steps
from pitfalls.diagnosis.subject import Subject, SubjectError
from pitfalls.diagnosis.trace import Operations
from pitfalls.diagnosis.weights import put_weights, take_weights

__all__ = ["is_constant_target"]

Rows: TypeAlias = NDArray[np.int64]

_ROWS = 64
_STEPS = 150
_RATES = (3e-2, 3e-3)
_FELT = 1e-3  # share of what training gains: less is the end of a descent
_FURTHER = 0.1  # share of the bias's loss that training must go below it


def is_constant_target(subject: Subject) -> bool:
    """Whether labels are all the same, and training gets further than one bias does.

    The last linear layer that runs, its weights zero, gives the same for all inputs. Where its bias alone
    attains what training attains, inputs have no part in the task. A residual that an equation makes zero,
    an error of building the input again, or the place of the right one among several that are scored
    alike needs them. Where a network that is not trained judges what is made, as of a generator, nothing
    is asked: trained by turns, it does not stay as it is. Weights and buffers come back as they were.
    """
    targets = list(leaves(subject.samples.y))
    if not targets or any(bool((t != t[:1]).any()) for t in targets):
        return False
    kept = take_weights(subject)
    try:
        with subject.mode("eval"), subject.same_numbers(), torch.enable_grad():
            return _gets_further(subject, kept)
    except SubjectError:
        return False
    finally:
        put_weights(subject, kept)


def _gets_further(subject: Subject, kept: Mapping[str, np.ndarray]) -> bool:
    rows = np.arange(min(_ROWS, subject.n))
    last = _last_linear(subject, rows)
    if last is None:
        return False
    if not _is_trained(subject, last) or _loss_has_layers(subject, rows):
        return True
    with torch.no_grad():
        start = float(subject.risk(rows))
        last.weight.zero_()
    by_bias = _least_by_bias(subject, rows, last)
    trained = _least(subject, rows, kept)
    gain = by_bias - trained
    return gain > _FURTHER * abs(by_bias) and gain > _FELT * abs(start - trained)


def _is_trained(subject: Subject, layer: nn.Linear) -> bool:
    given = given_to(subject.optimizer, subject)
    names = {name for name, p in subject.trainable().items() if p is layer.weight}
    return bool(names) and (given is None or not names.isdisjoint(given))


@torch.no_grad()
def _loss_has_layers(subject: Subject, rows: Rows) -> bool:
    """Whether the loss runs a network of its own on the outputs."""
    x, y = subject.batch(rows)
    out = subject.forward(x)
    names: set[str] = set()
    with Operations(lambda name, *_: names.add(name)):
        subject.loss_of(out, y)
    return not names.isdisjoint(("addmm", "convolution"))


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


def _least(subject: Subject, rows: Rows, kept: Mapping[str, np.ndarray]) -> float:
    """Return the least loss that Adam reaches in the parameters, at the better of two rates."""
    losses: list[float] = []
    for rate in _RATES:
        put_weights(subject, kept)
        optimizer = torch.optim.Adam(subject.trainable().values(), lr=rate)
        taken = train_steps(subject, optimizer, itertools.repeat(rows), _STEPS, mode="eval")
        optimizer.zero_grad()
        if taken.failed:
            raise SubjectError(taken.failed)
        losses += filter(np.isfinite, taken.losses)
    return min(losses, default=float("inf"))
