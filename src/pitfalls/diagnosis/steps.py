"""Training steps on the user's own objects, and whether what was learned holds on unseen examples."""

import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.diagnosis.evidence.schedule import Knowledge
from pitfalls.diagnosis.nested import Nest, leaves, select
from pitfalls.diagnosis.subject import Mode, Subject, SubjectError, dense

__all__ = ["Steps", "batches", "knowledge", "needs_closure", "risk_on", "train_steps"]

Rows = NDArray[np.int64]

_ENOUGH, _FEWEST = 10, 99
_CLEAR = 6.0  # standard deviations
_PERMUTING = 4.0  # seconds of the processor


@dataclass(frozen=True)
class Steps:
    """A stretch of training.

    Parameters
    ----------
    losses : tuple of float
        Of each batch before its step.
    finite : bool
        Whether it ended because the loss left the finite numbers.
    failed : str
        What the optimizer or the loss raised, or empty.
    """

    losses: tuple[float, ...]
    finite: bool = True
    failed: str = ""


def batches(rows: Rows, size: int, rng: np.random.Generator) -> Iterator[Rows]:
    """Go through the rows in random batches, epoch after epoch without end."""
    size = min(size, len(rows))
    while True:
        order = rng.permutation(rows)
        for at in range(0, len(rows) - size + 1, size):
            yield order[at : at + size]


def train_steps(
    subject: Subject,
    optimizer: Any,
    data: Iterator[Rows],
    count: int,
    *,
    mode: Mode = "given",
    seconds: float = float("inf"),
    until: Callable[[int, float], bool] | None = None,
    before_step: Callable[[int], None] | None = None,
) -> Steps:
    """Take steps as a training loop does: zero_grad, forward, backward, step.

    Parameters
    ----------
    optimizer : Optimizer
        Of the user, or our own over the same parameters.
    data : iterator of arrays of int
        Rows of each batch.
    count : int
        Steps at most.
    mode : str
        Of the modules.
    seconds : float
        Time at most; at least three steps are taken.
    until : callable, optional
        Called with (steps done, loss); True ends the stretch.
    before_step : callable, optional
        Called with the number of the step that comes.
    """
    losses: list[float] = []
    deadline = subject.left() - seconds
    closure_needed = needs_closure(optimizer)
    with subject.mode(mode):
        for step in range(count):
            rows = next(data)
            if before_step is not None:
                before_step(step)

            def closure(rows: Rows = rows) -> torch.Tensor:
                optimizer.zero_grad()
                value = subject.risk(rows)
                if value.requires_grad:
                    value.backward()  # type: ignore[no-untyped-call]
                    if optimizer is not subject.optimizer:
                        _fill(subject)
                subject.count(gradients=1)
                return value

            try:
                with subject.users_code("a training step"), torch.enable_grad():
                    if closure_needed:
                        value = optimizer.step(closure)
                    else:
                        value = closure()
                        optimizer.step()
            except SubjectError as error:
                return Steps(tuple(losses), True, str(error))
            losses.append(float(value.detach()))
            if not np.isfinite(losses[-1]):
                return Steps(tuple(losses), False)
            if until is not None and until(step + 1, losses[-1]):
                break
            if step >= 2 and subject.left() < deadline:
                break
    return Steps(tuple(losses))


def _fill(subject: Subject) -> None:
    """Give sparse gradients all their zeros: Adam, which is ours, takes no others."""
    for parameter in subject.parameters().values():
        if parameter.grad is not None:
            parameter.grad = dense(parameter.grad)


def needs_closure(optimizer: Any) -> bool:
    """Whether step() cannot be called without one (LBFGS)."""
    try:
        parameters = inspect.signature(type(optimizer).step).parameters
    except (TypeError, ValueError, AttributeError):
        return False
    closure = parameters.get("closure")
    return closure is not None and closure.default is inspect.Parameter.empty


@torch.no_grad()
def risk_on(subject: Subject, rows: Rows, mode: Mode = "eval") -> float:
    """Loss on rows at the present weights, without changing batch norm's statistics."""
    kept = nullcontext() if mode == "eval" else subject.kept_buffers()
    with kept, subject.mode(mode), subject.same_numbers():
        return float(subject.risk(rows))


@torch.no_grad()
def knowledge(
    subject: Subject, rows: Rows, rng: np.random.Generator, n_permutations: int = 4999
) -> Knowledge:
    """Compare the loss on unseen examples with the loss under permuted labels.

    Permutations are drawn until ten of them fit as well as the truth, or all are through: both ways
    the p-value is exact, and only small ones take long.

    Batch norm is tried with its running statistics and with the batch's own, which lag less after a
    few steps; the better is taken and its p-value doubled.
    """
    modes: tuple[Mode, ...] = ("eval",)
    norms = any(
        isinstance(m, torch.nn.modules.batchnorm._BatchNorm) and m.training
        for m in subject.model.modules()
    )
    if norms:
        modes = ("eval", "steady")
    _, y = subject.batch(rows)
    found: list[Knowledge] = []
    for mode in modes:
        with subject.kept_buffers():
            out = subject.outputs(rows, mode)
        loss = float(subject.loss_of(out, y))
        if not np.isfinite(loss) or any(bool(torch.isnan(t).any()) for t in leaves(out)):
            found.append(Knowledge(loss, float("nan"), 1.0, len(rows)))
            continue
        if not subject.labels_matter or subject.constant_target:
            found.append(Knowledge(loss, loss, 1.0, len(rows), labels_matter=False))
            continue
        p, permuted = _permuted(subject, out, y, loss, rng, n_permutations)
        if not np.isfinite(permuted).all():
            found.append(Knowledge(loss, loss, 1.0, len(rows), labels_matter=False))
            continue
        mean, spread = float(np.mean(permuted)), float(np.std(permuted))
        clear = loss < min(permuted) and mean - loss > _CLEAR * spread
        found.append(Knowledge(loss, mean, min(1.0, len(modes) * p), len(rows), clear=bool(clear)))
    return min(found, key=lambda k: (k.p_value, k.loss))


def _permuted(
    subject: Subject,
    out: Nest,
    y: Nest,
    loss: float,
    rng: np.random.Generator,
    most: int,
) -> tuple[float, list[float]]:
    """Return the p-value of a loss among losses under permuted labels, and these."""
    n = len(next(leaves(y)))
    tie = loss + 1e-6 * max(abs(loss), 1e-12)
    began = time.process_time()
    values: list[float] = []
    as_good = 0
    while len(values) < most:
        values.append(float(subject.loss_of(out, select(y, torch.from_numpy(rng.permutation(n))))))
        as_good += values[-1] <= tie
        if as_good >= _ENOUGH and len(values) >= _FEWEST:
            # after a number of draws that was fixed the truth counts as one of them; where the tenth that
            # is as good ends them, it is that one
            extra = len(values) == _FEWEST
            return (extra + as_good) / (extra + len(values)), values
        # the clock knows nothing of the labels: stopping by it leaves the p-value valid
        if len(values) >= _FEWEST and time.process_time() - began > _PERMUTING:
            break
    return (1 + as_good) / (len(values) + 1), values
