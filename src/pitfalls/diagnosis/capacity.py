"""Question 5: can the network fit a batch, and what do its narrowest places allow?"""

import dataclasses
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pitfalls.diagnosis.cards import Card, Witness
from pitfalls.diagnosis.confinement import find_confinement
from pitfalls.diagnosis.evidence.capacity import CapacityEvidence
from pitfalls.diagnosis.fitting import (
    BATCH,
    best_fit,
    fit_half,
    fits_standard,
    is_fitted,
    memorised,
)
from pitfalls.diagnosis.linear_case import linear_case
from pitfalls.diagnosis.nested import leaves
from pitfalls.diagnosis.steps import risk_on
from pitfalls.diagnosis.subject import Subject
from pitfalls.diagnosis.trace import trace
from pitfalls.diagnosis.witnesses import FitWitness, FloorWitness

__all__ = ["capacity_card"]


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
    fit = best_fit(subject, rows, subject.batch(rows)[1], 0.5)
    evidence = CapacityEvidence(
        n=len(rows),
        loss_before=before,
        loss_after=fit.loss,
        score=fit.score,
        rate=fit.rate,
        steps=fit.steps,
        fitted=is_fitted(fit, before),
        fresh=fit.fresh,
        thawed=thawed,
        rank=rank,
        width=width,
        n_outputs=n_outputs,
        confinement=confinement,
        linear=linear,
        same_as_input=_same_as_input(subject, rows),
    )
    if evidence.fitted and fit.score.kind != "none":
        evidence = dataclasses.replace(evidence, memorised=memorised(subject, fit.rate))
    elif evidence.fitted is False and not evidence.confined:
        if fit.score.kind == "R2" and fits_standard(subject, rows):
            evidence = dataclasses.replace(evidence, fitted=None, scaled=True)
        else:
            half, score = fit_half(subject, fit.rate, fresh=fit.fresh)
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
    start = ", from weights initialised anew," if evidence.fresh else ""
    said.append(
        f"Adam at {evidence.rate:g}{start} takes the loss of {evidence.n} examples from "
        f"{evidence.loss_before:.4g} to {evidence.loss_after:.4g} in {evidence.steps} steps{named}."
    )
    if evidence.scaled:
        said.append(
            "Standardised labels are fitted by the same steps: what holds it up is their scale."
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
