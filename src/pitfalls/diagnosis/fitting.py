"""Fits by Adam on the subject's own weights: a batch, half of the examples, permuted labels."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pitfalls.diagnosis.evidence.capacity import Score
from pitfalls.diagnosis.nested import map_leaves
from pitfalls.diagnosis.scores import Scorer, scorer_for
from pitfalls.diagnosis.steps import batches, train_steps
from pitfalls.diagnosis.subject import Subject, SubjectError, dense
from pitfalls.diagnosis.weights import start_anew, take_weights

__all__ = ["BATCH", "Fit", "best_fit", "fit_half", "is_fitted", "memorised"]

BATCH = 32
RATES = (1e-2, 1e-3, 1e-1)
FITTED = 0.99  # accuracy or R^2 from which on a batch counts as fitted
_STEPS = 400
_MOST_MEMORISED = 256
_MOST_HALF = 512
_HALF_STEPS = 800


@dataclass(frozen=True)
class Fit:
    """One fit of a batch.

    Parameters
    ----------
    rate, steps : float, int
        Of Adam.
    loss, score : float, Score
        In evaluation mode afterwards.
    weights : dict of str to ndarray
        Parameters and buffers.
    complete : bool
        Whether all steps were taken that were meant.
    fresh : bool
        Whether it began from weights initialised anew.
    """

    rate: float
    steps: int
    loss: float
    score: Score
    weights: dict[str, np.ndarray]
    complete: bool
    fresh: bool

    @property
    def order(self) -> tuple[float, float]:
        """What makes one fit better than another."""
        value = self.score.value
        return (value if np.isfinite(value) else -np.inf, -self.loss)


def is_fitted(fit: Fit, before: float) -> bool | None:
    """Whether the batch is fitted; None where time or the form of the outputs leaves it open."""
    if fit.score.kind != "none":
        if fit.score.value >= FITTED:
            return True
        return False if fit.complete else None
    # outputs of no known form: a loss that all but vanishes is the only sign there is
    return True if 0 <= fit.loss <= 0.05 * before else None


def best_fit(subject: Subject, rows: NDArray[np.int64], labels: Any, share: float) -> Fit:
    """Fit a batch by Adam at three rates, everything thawed and dropout off; keep the best.

    What cannot be fitted from the user's start is tried from weights initialised anew: a bad start is
    no lack of capacity.
    """
    best: Fit | None = None
    tries = [(rate, False) for rate in RATES] + [(rate, True) for rate in RATES[:2]]
    seconds = max(0.1, share * subject.left()) / len(tries)
    for rate, fresh in tries:
        subject.guard.rewind()
        if fresh and not start_anew(subject.model):
            break
        fit = _fit(subject, rows, labels, rate, seconds, fresh=fresh)
        if best is None or fit.order > best.order:
            best = dataclasses.replace(fit, complete=fit.complete and (not best or best.complete))
        if best.score.value >= FITTED or subject.left() < 0:
            break
    assert best is not None
    return best


def _fit(
    subject: Subject,
    rows: NDArray[np.int64],
    labels: Any,
    rate: float,
    seconds: float,
    *,
    fresh: bool = False,
) -> Fit:
    parameters = _thawed(subject)
    optimizer = torch.optim.Adam(parameters, lr=rate)
    x = subject.batch(rows)[0]
    with torch.no_grad(), subject.mode("eval"):
        score = scorer_for(subject, subject.forward(_copy(x)), labels)
    began, done, complete = subject.left(), 0, True
    for step in range(_STEPS):
        with subject.mode("steady"):
            optimizer.zero_grad()
            value = subject.loss_of(subject.forward(_copy(x)), labels)
            if not value.requires_grad or not bool(torch.isfinite(value)):
                break
            with subject.users_code("the backward pass"):
                value.backward()  # type: ignore[no-untyped-call]
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter.grad = dense(parameter.grad)  # Adam takes no others
            optimizer.step()
            subject.count(gradients=1)
        done = step + 1
        if done % 20 == 0 and _scored(subject, x, labels, score).value >= FITTED:
            break
        if step >= 4 and began - subject.left() > seconds:
            complete = False
            break
    _settle_batch_norm(subject, x)
    with torch.no_grad(), subject.mode("eval"), subject.same_numbers():
        out = subject.forward(_copy(x))
        loss = float(subject.loss_of(out, labels))
    return Fit(rate, done, loss, score(out, labels), take_weights(subject), complete, fresh)


def fits_standard(subject: Subject, rows: NDArray[np.int64]) -> bool:
    """Whether the network fits a batch's standardised labels by least squares: steps have a size."""
    labels = subject.batch(rows)[1].double()
    spread = labels.std(0, correction=0)
    standard = (labels - labels.mean(0)) / torch.where(spread > 0, spread, 1)
    own = subject.loss
    subject.loss = _squares
    try:
        return best_fit(subject, rows, standard, 0.25).score.value >= FITTED
    finally:
        subject.loss = own


def _squares(outputs: Tensor, labels: Tensor) -> Tensor:
    return (outputs - labels.reshape(outputs.shape).to(outputs)).square().mean()


def _thawed(subject: Subject) -> list[nn.Parameter]:
    """Let every parameter that can have a gradient ask for one."""
    every = subject.parameters().values()
    real = [p for p in every if p.is_floating_point() or p.is_complex()]
    for parameter in real:
        parameter.requires_grad_(True)
    return real


def fit_half(subject: Subject, rate: float, *, fresh: bool) -> tuple[int, Score]:
    """Train on up to half of the examples, and score the network on these."""
    subject.guard.rewind()
    if fresh:
        start_anew(subject.model)
    rows = subject.rng.permutation(subject.n)[: min(_MOST_HALF, max(BATCH, subject.n // 2))]
    parameters = _thawed(subject)
    taken = train_steps(
        subject,
        torch.optim.Adam(parameters, lr=rate),
        batches(rows, 2 * BATCH, subject.rng),
        _HALF_STEPS,
        mode="steady",
        seconds=max(0.1, 0.6 * subject.left()),
    )
    if len(taken.losses) < _HALF_STEPS or not taken.finite:
        return 0, Score("none", float("nan"), float("nan"))
    _settle_batch_norm(subject, subject.batch(rows)[0])
    outputs, labels = subject.outputs(rows), subject.batch(rows)[1]
    return len(rows), scorer_for(subject, outputs, labels)(outputs, labels)


def _scored(subject: Subject, x: Any, labels: Any, score: Scorer) -> Score:
    with torch.no_grad(), subject.kept_buffers(), subject.mode("steady"):
        return score(subject.forward(_copy(x)), labels)


def _settle_batch_norm(subject: Subject, x: Any) -> None:
    """Let running statistics be the batch's own, so that evaluation mode sees what was trained."""
    norms = [
        m
        for m in subject.model.modules()
        if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.training and m.momentum is not None
    ]
    if not norms:
        return
    for norm in norms:
        norm.momentum = 1.0  # the guard has the user's
    with torch.no_grad(), subject.mode("steady"):
        subject.forward(_copy(x))


def _copy(x: Any) -> Any:
    return map_leaves(torch.clone, x)


def memorised(subject: Subject, rate: float) -> int:
    """Fit permuted labels of 32, 64, ... examples while time lasts."""
    largest, size = 0, BATCH
    while size <= min(subject.n, _MOST_MEMORISED) and subject.left() > 0:
        subject.guard.rewind()
        rows = subject.rng.permutation(subject.n)[:size]
        shuffled = subject.batch(subject.rng.permutation(rows))[1]
        try:
            fit = _fit(subject, rows, shuffled, rate, max(0.1, 0.5 * subject.left()))
        except SubjectError:
            break
        if fit.score.kind == "none" or not is_fitted(fit, float("nan")):
            break
        largest, size = size, 2 * size
    return largest
