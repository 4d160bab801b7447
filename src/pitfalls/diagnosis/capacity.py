"""Question 5: can the network fit a batch, and what do its narrowest places allow?"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pitfalls.diagnosis.cards import Card, Evidence, Witness
from pitfalls.diagnosis.confinement import Confinement, find_confinement
from pitfalls.diagnosis.linear_case import LinearCase, linear_case
from pitfalls.diagnosis.nested import leaves, map_leaves
from pitfalls.diagnosis.scores import Score, score_outputs
from pitfalls.diagnosis.steps import batches, risk_on, train_steps
from pitfalls.diagnosis.subject import Subject, SubjectError
from pitfalls.diagnosis.trace import trace

__all__ = ["CapacityEvidence", "FitWitness", "FloorWitness", "capacity_card"]

BATCH = 32
RATES = (1e-2, 1e-3, 1e-1)
FITTED = 0.99  # accuracy or R^2 from which on a batch counts as fitted
CONFINED = 0.2  # share of the loss that outputs cannot get rid of, to be called confined
_STEPS = 400
_MOST_MEMORISED = 256
_MOST_HALF = 512
_HALF_STEPS = 800


@dataclass(frozen=True)
class CapacityEvidence(Evidence):
    """What the network can fit.

    Parameters
    ----------
    loss_before, loss_after : float
        Of the batch, in evaluation mode.
    score : Score
        Of the outputs on the batch after fitting.
    rate, steps : float, int
        Of Adam, in the best of the tries.
    fitted : bool or None
        None where time ended before the tries were through, or outputs cannot be scored.
    half_score, n_half : Score, int
        Where the batch was not fitted: score on many examples (n_half of them) after training on these
        same examples.
    thawed : tuple of str
        Frozen parameters that were trained too, for this question only.
    memorised : int
        Examples with labels drawn at random (permuted) that it fitted: a lower bound of what it can
        memorise; 0 if not even the fewest tried.
    rank, width, n_outputs : int
        Numerical rank of the features that the last linear layer reads, over n examples, their
        number, and the network's outputs per example.
    confinement : Confinement or None
        Where a last function confines the outputs.
    linear : LinearCase or None
        The exact answer, for a network that is linear.
    same_as_input : bool
        Whether the labels are the inputs (an autoencoder, whose narrow place is meant).
    """

    loss_before: float = float("nan")
    loss_after: float = float("nan")
    score: Score = dataclasses.field(
        default_factory=lambda: Score("none", float("nan"), float("nan"))
    )
    rate: float = float("nan")
    steps: int = 0
    fitted: bool | None = None
    half_score: Score = dataclasses.field(
        default_factory=lambda: Score("none", float("nan"), float("nan"))
    )
    n_half: int = 0
    thawed: tuple[str, ...] = ()
    memorised: int = 0
    rank: int = 0
    width: int = 0
    n_outputs: int = 0
    confinement: Confinement | None = None
    linear: LinearCase | None = None
    same_as_input: bool = False

    @property
    def confined(self) -> bool:
        """Whether the last function keeps the loss well above what other outputs would reach."""
        return self.confinement is not None and self.confinement.share > CONFINED


@dataclass(frozen=True, eq=False)
class FitWitness:
    """Weights at which the batch has the loss and score that the card names.

    Parameters
    ----------
    rows : tuple of int
        The batch.
    weights : dict of str to ndarray
        Parameters and buffers.
    loss, score : float
    """

    rows: tuple[int, ...]
    weights: dict[str, NDArray[Any]]
    loss: float
    score: float

    def check(self, subject: Subject) -> bool:
        """Put the weights in and run the batch."""
        tensors = {**subject.parameters(), **dict(subject.model.named_buffers())}
        if set(tensors) != set(self.weights):
            return False
        for name, values in self.weights.items():
            if tuple(tensors[name].shape) != values.shape:
                return False
            tensors[name].data.copy_(torch.from_numpy(values))
        rows = np.array(self.rows)
        loss = risk_on(subject, rows)
        found = score_outputs(subject.outputs(rows), subject.batch(rows)[1]).value
        same = np.isclose(found, self.score, atol=1e-3, equal_nan=True)
        return bool(np.isclose(loss, self.loss, rtol=1e-2, atol=1e-4) and same)


@dataclass(frozen=True)
class FloorWitness:
    """A floor of the loss that the network's last function puts in.

    Parameters
    ----------
    rows : tuple of int
    confinement : Confinement
    """

    rows: tuple[int, ...]
    confinement: Confinement

    def check(self, subject: Subject) -> bool:
        """Find the floor again."""
        again = find_confinement(subject, np.array(self.rows))
        return (
            again is not None
            and again.function == self.confinement.function
            and again.share > CONFINED
        )


@dataclass(frozen=True)
class _Fit:
    rate: float
    steps: int
    loss: float
    score: Score
    weights: dict[str, NDArray[Any]]
    complete: bool

    @property
    def order(self) -> tuple[float, float]:
        value = self.score.value
        return (value if np.isfinite(value) else -np.inf, -self.loss)


def capacity_card(subject: Subject) -> Card:
    """Answer the question for an examination that is under way."""
    rows = subject.rng.permutation(subject.n)[:BATCH]
    before = risk_on(subject, rows)
    if not np.isfinite(before):
        evidence = CapacityEvidence(len(rows), ("The loss is not finite at the start.",))
        return Card("capacity", "undecided", evidence, None, None, subject.cost())
    confinement = find_confinement(subject, rows)
    rank, width, n_outputs = _feature_rank(subject)
    linear = linear_case(subject)
    thawed = tuple(n for n, p in subject.parameters().items() if not p.requires_grad)
    fit = _best_fit(subject, rows, subject.batch(rows)[1], 0.5)
    evidence = CapacityEvidence(
        n=len(rows),
        loss_before=before,
        loss_after=fit.loss,
        score=fit.score,
        rate=fit.rate,
        steps=fit.steps,
        fitted=_is_fitted(fit, before),
        thawed=thawed,
        rank=rank,
        width=width,
        n_outputs=n_outputs,
        confinement=confinement,
        linear=linear,
        same_as_input=_same_as_input(subject, rows),
    )
    if evidence.fitted:
        evidence = dataclasses.replace(evidence, memorised=_memorised(subject, fit.rate))
    elif evidence.fitted is False and not evidence.confined:
        half, score = _fit_half(subject, fit.rate)
        evidence = dataclasses.replace(evidence, half_score=score, n_half=half)
    verdict = {True: "fits a batch", False: "cannot-memorise", None: "undecided"}[evidence.fitted]
    witness: Witness = FitWitness(tuple(map(int, rows)), fit.weights, fit.loss, fit.score.value)
    if evidence.confined and confinement is not None:
        verdict = "cannot-memorise"
        witness = FloorWitness(tuple(map(int, rows)), confinement)
    evidence = dataclasses.replace(evidence, findings=_findings(evidence))
    subject.guard.rewind()
    return Card(
        "capacity",
        verdict,
        evidence,
        witness if verdict != "undecided" else None,
        None,
        subject.cost(),
    )


def _is_fitted(fit: _Fit, before: float) -> bool | None:
    if fit.score.kind != "none":
        if fit.score.value >= FITTED:
            return True
        return False if fit.complete else None
    # outputs of no known form: a loss that all but vanishes is the only sign there is
    return True if 0 <= fit.loss <= 0.05 * before else None


def _best_fit(subject: Subject, rows: NDArray[np.int64], labels: Any, share: float) -> _Fit:
    """Fit a batch by Adam at three rates, everything thawed and dropout off; keep the best."""
    best: _Fit | None = None
    seconds = max(0.1, share * subject.left()) / len(RATES)
    for rate in RATES:
        subject.guard.rewind()
        fit = _fit(subject, rows, labels, rate, seconds)
        if best is None or fit.order > best.order:
            best = dataclasses.replace(fit, complete=fit.complete and (not best or best.complete))
        if best.score.value >= FITTED or subject.left() < 0:
            break
    assert best is not None
    return best


def _fit(
    subject: Subject, rows: NDArray[np.int64], labels: Any, rate: float, seconds: float
) -> _Fit:
    parameters = [p for p in subject.parameters().values() if p.is_floating_point()]
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimizer = torch.optim.Adam(parameters, lr=rate)
    x = subject.batch(rows)[0]
    began, done, complete = subject.left(), 0, True
    for step in range(_STEPS):
        with subject.mode("steady"):
            optimizer.zero_grad()
            value = subject.loss_of(subject.forward(_copy(x)), labels)
            if not value.requires_grad or not bool(torch.isfinite(value)):
                break
            with subject.users_code("the backward pass"):
                value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            subject.count(gradients=1)
        done = step + 1
        if done % 20 == 0 and _scored(subject, x, labels).value >= FITTED:
            break
        if step >= 4 and began - subject.left() > seconds:
            complete = False
            break
    _settle_batch_norm(subject, x)
    with torch.no_grad(), subject.mode("eval"):
        out = subject.forward(_copy(x))
        loss, score = float(subject.loss_of(out, labels)), score_outputs(out, labels)
    tensors = {**subject.parameters(), **dict(subject.model.named_buffers())}
    weights = {name: t.detach().cpu().numpy().copy() for name, t in tensors.items()}
    return _Fit(rate, done, loss, score, weights, complete)


def _fit_half(subject: Subject, rate: float) -> tuple[int, Score]:
    """Train on up to half of the examples, and score the network on these."""
    subject.guard.rewind()
    rows = subject.rng.permutation(subject.n)[: min(_MOST_HALF, max(BATCH, subject.n // 2))]
    parameters = [p for p in subject.parameters().values() if p.is_floating_point()]
    for parameter in parameters:
        parameter.requires_grad_(True)
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
    return len(rows), score_outputs(subject.outputs(rows), subject.batch(rows)[1])


def _scored(subject: Subject, x: Any, labels: Any) -> Score:
    kept = [(b, b.clone()) for b in subject.model.buffers()]
    with torch.no_grad(), subject.mode("steady"):
        found = score_outputs(subject.forward(_copy(x)), labels)
    for buffer, copied in kept:
        buffer.data.copy_(copied)
    return found


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


def _memorised(subject: Subject, rate: float) -> int:
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
        if not _is_fitted(fit, float("inf")):
            break
        largest, size = size, 2 * size
    return largest


def _feature_rank(subject: Subject) -> tuple[int, int, int]:
    """Rank and number of the features that the last linear layer reads; outputs per example."""
    rows = subject.rng.permutation(subject.n)[:128]
    x = subject.batch(rows)[0]
    outputs: list[Any] = []

    def forward() -> Any:
        outputs.append(subject.forward(x))
        return outputs[0]

    with subject.mode("eval"):
        seen = trace(subject.model, forward, len(rows))
    per_example = sum(t.numel() for t in leaves(outputs[0])) // len(rows)
    if seen.last_linear is None:
        return 0, 0, per_example
    features: Tensor = seen.last_linear.features.double()
    if not bool(torch.isfinite(features).all()):
        return 0, features.shape[1], per_example
    values = torch.linalg.svdvals(features - features.mean(0))
    size = float(features.abs().max()) * max(features.shape) ** 0.5
    rank = int((values > 1e-6 * size).sum()) if size > 0 else 0
    return rank, features.shape[1], per_example


def _same_as_input(subject: Subject, rows: NDArray[np.int64]) -> bool:
    x, y = subject.batch(rows)
    xs, ys = list(leaves(x)), list(leaves(y))
    if len(xs) != 1 or len(ys) != 1 or xs[0].numel() != ys[0].numel():
        return False
    return bool(torch.equal(xs[0].flatten(1).double(), ys[0].flatten(1).double()))


def _findings(evidence: CapacityEvidence) -> tuple[str, ...]:
    score = evidence.score
    said = []
    if evidence.confined and evidence.confinement is not None:
        c = evidence.confinement
        said.append(
            f"The last function is {c.function}: whatever the weights, the loss stays above "
            f"{c.confined:.4g}, where free outputs reach {c.free:.4g} and one output for all "
            f"{c.constant:.4g}."
        )
    named = "" if score.kind == "none" else f", {score.kind} {score.value:.3g}"
    said.append(
        f"Adam at {evidence.rate:g} takes the loss of {evidence.n} examples from "
        f"{evidence.loss_before:.4g} to {evidence.loss_after:.4g} in {evidence.steps} steps{named}."
    )
    if evidence.n_half:
        said.append(
            f"Trained on {evidence.n_half} examples, it reaches {evidence.half_score.kind} "
            f"{evidence.half_score.value:.3g} on these."
        )
    if evidence.memorised:
        said.append(f"It fits {evidence.memorised} permuted labels, at least.")
    if evidence.width:
        said.append(
            f"The last linear layer reads {evidence.width} features of rank {evidence.rank} and "
            f"gives {evidence.n_outputs} outputs."
        )
    if evidence.thawed:
        said.append(f"Thawed for this question: {', '.join(evidence.thawed[:6])}.")
    if evidence.linear is not None:
        said.append(evidence.linear.sentence)
    return tuple(said)
