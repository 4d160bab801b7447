"""Question 1: is the network wired as meant? Samples apart, every parameter reached, true gradients."""

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.diagnosis.cards import Card, Witness
from pitfalls.diagnosis.evidence.wiring import (
    Composition,
    OutputMixing,
    Reach,
    Slope,
    WiringEvidence,
)
from pitfalls.diagnosis.missing import holds_missing, passes_over
from pitfalls.diagnosis.mixing import (
    batch_norm_without_statistics,
    give_statistics,
    loss_composition,
    output_mixing,
    spread_rows,
)
from pitfalls.diagnosis.nested import Nest, leaves
from pitfalls.diagnosis.reach import given_to, reach
from pitfalls.diagnosis.slopes import check_slopes
from pitfalls.diagnosis.subject import Subject, SubjectError
from pitfalls.diagnosis.unbounded import find_ray
from pitfalls.diagnosis.wiring_witnesses import (
    CompositionWitness,
    FiniteWitness,
    OutputMixingWitness,
    RayWitness,
    ReachWitness,
    SlopeWitness,
)

__all__ = ["first_not_finite", "meant_to_train", "wiring_card"]

_ROWS = 6
_BATCH = 16


def first_not_finite(subject: Subject, rows: NDArray[np.int64]) -> str:
    """Say where the first NaN or infinity stands, or an empty string."""
    for name, parameter in subject.parameters().items():
        if not bool(torch.isfinite(parameter).all()):
            return f"parameter {name}"
    for label, nest in (("inputs", subject.samples.x), ("labels", subject.samples.y)):
        if holds_missing(nest) and not passes_over(subject):
            return label
    with subject.mode("given"):
        x, y = subject.batch(rows)
        out = subject.forward(x)
        try:
            found = _past_outputs(subject, out, y)
        except SubjectError:  # a loss that refuses what is no number
            if holds_missing(out):
                return "outputs"
            raise
    # answers that are ruled out by minus infinity do no harm
    return "outputs" if found and holds_missing(out) else found


def _past_outputs(subject: Subject, out: Nest, y: Nest) -> str:
    value = subject.loss_of(out, y)
    if not bool(torch.isfinite(value)):
        return "loss"
    trained = subject.trainable()
    gradients = subject.backward(value, list(trained.values()))
    for name, gradient in zip(trained, gradients, strict=True):
        if not bool(torch.isfinite(gradient).all()):
            return f"gradient of {name}"
    return ""


def wiring_card(subject: Subject) -> Card:
    """Answer the question for an examination that is under way."""
    rows = spread_rows(subject, min(_BATCH, subject.n))
    where = first_not_finite(subject, rows)
    if where:
        evidence = WiringEvidence(
            len(rows), (f"Not finite: {where}.",), not_finite=where, training=subject.model.training
        )
        shown = FiniteWitness(where, tuple(map(int, rows)))
        return Card("wiring", "numbers-not-finite", evidence, shown, None, subject.cost())
    subject.guard.rewind()  # batch norms have moved their statistics
    few = rows[:_ROWS]
    mixing, fixed = _mixing(subject, few)
    composed = loss_composition(subject, few)
    subject.guard.rewind()
    reached = reach(subject, rows)
    subject.guard.rewind()
    ray = find_ray(subject, rows)
    slopes: tuple[Slope, ...] = ()
    unchecked = ""
    try:
        slopes = check_slopes(subject, rows[:8])
    except SubjectError as error:
        unchecked = f"Slopes were not checked: {error}."  # TorchScript has one set of weights
    evidence = WiringEvidence(
        n=len(rows),
        composition=composed.composition,
        batch_loss=composed.batch,
        mean_loss=composed.mean,
        sum_loss=composed.total,
        pairs_loss=composed.pairs,
        mixing=mixing[0] if mixing else None,
        mixes_by_batch_norm=fixed,
        reach=reached,
        slopes=slopes,
        unbounded=ray is not None,
        changes_input=_changes_input(subject, few),
        training=subject.model.training,
        evaluates_otherwise=subject.evaluates_otherwise,
    )
    verdict, finding, witness = _verdict(
        evidence, composed, mixing[1] if mixing else None, ray, rows, subject
    )
    evidence = _with_findings(evidence, (finding, unchecked) if unchecked else (finding,))
    return Card("wiring", verdict, evidence, witness, None, subject.cost())


def _mixing(
    subject: Subject, rows: NDArray[np.int64]
) -> tuple[tuple[OutputMixing, OutputMixingWitness] | None, bool]:
    """Ask whether outputs mix samples; batch norms without statistics do by design, and are set aside."""
    if len(rows) < 2 or subject.n < 3:
        return None, False
    rest = np.setdiff1d(np.arange(subject.n), rows)
    pool = rest if len(rest) else rows
    others = np.array([_different(subject, row, pool) for row in rows])
    norms = batch_norm_without_statistics(subject.model)
    if norms:
        give_statistics(norms)
    try:
        found = output_mixing(subject, rows, others)
    except SubjectError:
        return None, bool(norms)
    witness = OutputMixingWitness(
        tuple(map(int, rows)), tuple(map(int, others)), bool(found.mixes), bool(norms)
    )
    return (found, witness), bool(norms)


def _different(subject: Subject, row: int, pool: NDArray[np.int64]) -> int:
    """Draw a row whose input is not the same."""
    x, _ = subject.batch(np.array([row]))
    for candidate in subject.rng.permutation(pool)[:16]:
        other, _ = subject.batch(np.array([candidate]))
        if any(not torch.equal(a, b) for a, b in zip(leaves(x), leaves(other), strict=True)):
            return int(candidate)
    return int(pool[0])


@torch.no_grad()
def _changes_input(subject: Subject, rows: NDArray[np.int64]) -> bool:
    x, _ = subject.batch(rows)
    before = [t.clone() for t in leaves(x)]
    with subject.mode("eval"):
        subject.forward(x)
    return any(not torch.equal(a, b) for a, b in zip(before, leaves(x), strict=True))


def _verdict(
    evidence: WiringEvidence,
    composed: CompositionWitness,
    mixing: OutputMixingWitness | None,
    ray: RayWitness | None,
    rows: NDArray[np.int64],
    subject: Subject,
) -> tuple[str, str, Witness]:
    reached = evidence.reach or Reach()
    names = _reach_witness(reached, rows, subject)
    if evidence.mixing is not None and evidence.mixing.mixes and mixing is not None:
        found = evidence.mixing
        return (
            "outputs-mix-samples",
            f"In evaluation mode the output of sample {found.affected} of a batch of "
            f"{len(mixing.rows)} changes when sample {found.replaced} is replaced, by "
            f"{found.influence:.3g} of what replacing its own input does.",
            mixing,
        )
    if evidence.composition == "every pair":
        m = len(composed.rows)
        return (
            "loss-mixes-samples",
            f"The loss of {m} samples is {composed.batch:.6g}: the mean over all {m} x {m} pairs of "
            f"an output and a label ({composed.pairs:.6g}), not over the {m} samples "
            f"({composed.mean:.6g}). Shapes broadcast, (n, 1) against (n,) for one.",
            composed,
        )
    if reached.cut:
        return (
            "cut-from-loss",
            f"{_names(reached.cut)} change the outputs but get no gradient: something on the way "
            "detaches them.",
            names,
        )
    if evidence.wrong_slopes:
        said, slope = _disagreement(evidence.wrong_slopes, len(evidence.slopes), rows)
        return "gradient-wrong", f"{said}.", slope
    if ray is not None:
        return (
            "loss-unbounded-below",
            "With one input for all samples the loss still falls without limit: "
            f"{ray.losses[0]:.4g}, {ray.losses[len(ray.losses) // 2]:.4g}, {ray.losses[-1]:.4g} at "
            f"radii {ray.radii[0]:g}, {ray.radii[len(ray.radii) // 2]:g}, {ray.radii[-1]:g}. Its "
            "sign may be turned.",
            ray,
        )
    last = _optimizer_verdict(reached, names, composed)
    if last[0] == "sound" and evidence.stopped_slopes:
        return _stopped_verdict(evidence, rows)
    return last


def _stopped_verdict(
    evidence: WiringEvidence, rows: NDArray[np.int64]
) -> tuple[str, str, SlopeWitness]:
    said, slope = _disagreement(evidence.stopped_slopes, len(evidence.slopes), rows)
    why = (
        "The loss goes in steps, as behind signs and rounded numbers, and the gradient stands in"
        if slope.slope.stepped
        else "A detach(), a no_grad() or a hook within the network explains it: without it the two agree"
    )
    return (
        "stopped-gradient",
        f"{said}. {why}. Where it is meant (focal weights, straight-through estimates, twin "
        "networks), all is well.",
        slope,
    )


def _disagreement(
    slopes: tuple[Slope, ...], of: int, rows: NDArray[np.int64]
) -> tuple[str, SlopeWitness]:
    worst = max(slopes, key=lambda s: abs(s.by_gradient - s.by_difference))
    said = (
        f"Along the gradient of {worst.name} the loss rises by {worst.by_difference:.6g} per unit, the "
        f"gradient says {worst.by_gradient:.6g} ({len(slopes)} of {of} tensors disagree)"
    )
    return said, SlopeWitness(tuple(map(int, rows[:8])), worst)


def _reach_witness(reached: Reach, rows: NDArray[np.int64], subject: Subject) -> ReachWitness:
    gone = {*reached.cut, *reached.unused}
    return ReachWitness(
        tuple(map(int, rows)),
        reached.cut,
        reached.frozen,
        tuple(name for name in subject.trainable() if name not in gone),
        reached.not_in_optimizer,
        given_to(subject.optimizer, subject),
    )


def _optimizer_verdict(
    reached: Reach, names: ReachWitness, composed: CompositionWitness
) -> tuple[str, str, Witness]:
    if reached.gradients_kept:
        return (
            "gradient-wrong",
            "optimizer.zero_grad() leaves the gradients of the step before: what the optimizer "
            "steps along is a growing sum, not the gradient of the loss.",
            names,
        )
    missing = (*reached.not_in_optimizer, *reached.outside_model)
    if missing:
        return (
            "not-in-optimizer",
            f"{_names(missing)} get a gradient but are not in the optimizer.",
            names,
        )
    if frozen := meant_to_train(reached):
        return (
            "frozen",
            f"{_names(frozen)} ask for no gradient, though the optimizer was given them and their "
            "values are still those of a random start.",
            names,
        )
    return (
        "sound",
        f"The loss of {len(composed.rows)} samples is {_said(composed.composition)}; every trained "
        "parameter gets its gradient.",
        composed,
    )


def meant_to_train(reached: Reach) -> tuple[str, ...]:
    """Frozen parameters that someone seems to have meant to train: fresh, and in the optimizer."""
    return tuple(n for n in reached.frozen_fresh if n in reached.frozen_in_optimizer)


def _said(composition: Composition) -> str:
    return {
        "mean": "the mean of theirs",
        "sum": "the sum of theirs, so its size grows with the batch",
        "weighted mean": "a weighted mean of theirs",
        "sum plus a constant": "the sum of theirs and a constant",
        "other": "no mean or sum of theirs: the loss looks at samples together",
    }.get(composition, "not to be taken apart")


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _with_findings(evidence: WiringEvidence, first: tuple[str, ...]) -> WiringEvidence:
    reached = evidence.reach or Reach()
    more = list(first)
    if evidence.mixes_by_batch_norm:
        more.append("Batch norms without running statistics mix samples by design; set aside here.")
    if reached.unused:
        more.append(f"{_names(reached.unused)} take no part in the loss.")
    if reached.beside_model:
        more.append(
            f"{_names(reached.beside_model)} beside the model get a gradient from the loss and are not in "
            "the optimizer: another network's, that is trained by turns, or forgotten."
        )
    if reached.kept_out:
        more.append(f"{_names(reached.kept_out)}, trained before, are left out of the optimizer.")
    quiet = tuple(n for n in reached.frozen if n not in meant_to_train(reached))
    if quiet:
        more.append(f"{_names(quiet)} ask for no gradient, it seems on purpose.")
    if evidence.changes_input:
        more.append("The model writes into the batch that it is given.")
    if evidence.evaluates_otherwise:
        more.append(
            "In evaluation mode the model gives outputs of another kind than in training. The loss was "
            "looked at as training sees it: torch's own layers in evaluation mode, yours in training mode."
        )
    if not evidence.training:
        more.append("The model came in evaluation mode: dropout is off and batch norm is fixed.")
    if any(s.agrees is None for s in evidence.slopes):
        more.append("Some slopes could not be settled by differences (kinks or rounding).")
    return dataclasses.replace(evidence, findings=tuple(more))
