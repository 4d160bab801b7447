"""Question 2: are the data what a network can learn from, and do simple learners see the labels?"""

from dataclasses import replace

import numpy as np
import torch

from pitfalls.diagnosis.cards import Card
from pitfalls.diagnosis.evidence.data import LEAST_EXAMPLES, DataEvidence
from pitfalls.diagnosis.learners import (
    Floats,
    Task,
    encode_inputs,
    encode_labels,
    see_labels,
    without_copies,
)
from pitfalls.diagnosis.missing import filled, holds_missing, passes_over
from pitfalls.diagnosis.nested import Nest, leaves
from pitfalls.diagnosis.repeats import find_repeats
from pitfalls.diagnosis.subject import Subject
from pitfalls.diagnosis.witnesses import DataWitness

__all__ = ["data_card", "data_verdict", "measure_all", "measure_data"]


_FULL_BATCH = "The same examples come again and again, as in full-batch descent."


def data_card(subject: Subject) -> Card:
    """Answer the question for an examination that is under way."""
    seed = int(subject.rng.integers(2**31))
    evidence = measure_all(subject, seed)
    verdict, findings = data_verdict(evidence)
    evidence = replace(evidence, findings=findings)
    p_values = tuple(score.p_value for score in evidence.learners)
    decided = verdict != "undecided"
    return Card(
        "data",
        verdict,
        evidence,
        DataWitness(seed, verdict, p_values) if decided else None,
        evidence.p_value if evidence.learners else None,
        subject.cost(),
    )


def measure_all(subject: Subject, seed: int) -> DataEvidence:
    """Measure everything from one seed."""
    x, y = subject.samples.x, subject.samples.y
    missing = [name for name, nest in (("inputs", x), ("labels", y)) if holds_missing(nest)]
    if missing and passes_over(subject):
        x, y = filled(x), filled(y)
    else:
        missing = []
    evidence = replace(measure_data(x, y, seed), passed_over=" and ".join(missing))
    if not subject.labels_matter:
        evidence = replace(evidence, labels_matter=False, learners=(), planted_p_value=1.0)
    if subject.n < LEAST_EXAMPLES or evidence.not_finite:
        return evidence
    if evidence.constant_labels and evidence.labels_matter:
        evidence = replace(evidence, constant_target=subject.constant_target)
    return _with_repeats(evidence, x, y, subject.samples.order, seed)


def measure_data(x: Nest, y: Nest, seed: int) -> DataEvidence:
    """Measure everything but the repeats of rows."""
    n = len(next(leaves(x)))
    for name, nest in (("inputs", x), ("labels", y)):
        if holds_missing(nest):
            return DataEvidence(n, not_finite=name)
    rng = np.random.default_rng(seed)
    raw = [t.reshape(len(t), -1).double() for t in leaves(x)]
    spread = torch.cat([t.std(0, correction=0) for t in raw])
    # a column of one value v has a standard deviation of rounding size, eps v
    floor = torch.cat([t.abs().amax(0) for t in raw]) * 1e-12
    varies = spread > floor
    task = encode_labels(y, rng)
    constant = float(np.ptp(task.targets, axis=0).max()) == 0 if n > 1 else True
    balance = (
        np.bincount(task.classes, minlength=task.n_classes) / n
        if task.classes is not None
        else np.array([0.0])
    )
    evidence = DataEvidence(
        n=n,
        constant_features=int((~varies).sum()),
        n_features=len(spread),
        constant_labels=constant,
        smallest_scale=float(spread[varies].min()) if bool(varies.any()) else 0.0,
        largest_scale=float(spread.max()),
        largest_input=max(float(t.abs().max()) for t in raw),
        n_classes=task.n_classes,
        rarest_class=float(balance.min()),
        commonest_class=float(balance.max()),
    )
    if n < LEAST_EXAMPLES or constant or not bool(varies.any()):
        return evidence
    own = without_copies(x, y)
    if own is not y:
        task = encode_labels(own, rng)
    features = encode_inputs(x, rng)
    learners = see_labels(features, task, rng)
    planted = see_labels(features, _planted(features, task, rng), rng, 199)
    return replace(
        evidence, learners=learners, planted_p_value=planted[0].p_value if planted else 1.0
    )


def _planted(features: Floats, task: Task, rng: np.random.Generator) -> Task:
    """Labels with a known answer: a random direction and as much noise, in the classes' shares."""
    # a direction in the span of the data: isotropic weights see the strong directions of x
    score = features @ rng.standard_normal(features.shape[1])
    score = score / max(float(score.std()), 1e-300) + rng.standard_normal(len(features))
    if task.classes is None or task.targets.shape[1] != task.n_classes:
        return Task(((score - score.mean()) / score.std())[:, None], None, 0)
    classes = np.empty(len(features), dtype=np.int64)
    classes[np.argsort(score)] = np.sort(task.classes)
    return Task(np.eye(task.n_classes)[classes], classes, task.n_classes)


def _with_repeats(
    evidence: DataEvidence, x: Nest, y: Nest, taken: tuple[tuple[str, ...], ...], seed: int
) -> DataEvidence:
    rows, labels = (
        np.concatenate([t.reshape(len(t), -1).double().cpu().numpy() for t in leaves(nest)], axis=1)
        for nest in (x, y)
    )
    rng = np.random.default_rng(seed + 1)
    order = rng.permutation(len(rows))[:1024]
    scale = rows.std(0)
    scale[scale == 0] = 1
    looked_at = (rows[order] - rows.mean(0)) / scale
    one, two = looked_at[::2], looked_at[1::2]
    squares = (one**2).sum(1)[:, None] + (two**2).sum(1) - 2 * one @ two.T
    distances = np.sqrt(squares.clip(0))
    middle = float(np.median(distances))
    near = float((distances.min(1) <= 0.01 * middle).mean()) if middle > 0 else 1.0
    return replace(evidence, repeats=find_repeats(rows, taken, labels), near_duplicates=near)


def _described(e: DataEvidence) -> str:
    """Say what the data are like, in one sentence."""
    classes = (
        f"{e.n_classes} classes, from {e.rarest_class:.1%} to {e.commonest_class:.1%} of the labels; "
        if e.n_classes
        else ""
    )
    return (
        f"{e.n} examples: {classes}{e.constant_features} of {e.n_features} features constant, the others' "
        f"standard deviations from {e.smallest_scale:.3g} to {e.largest_scale:.3g}; "
        f"{e.near_duplicates:.1%} have a near-duplicate in the other half."
    )


def data_verdict(evidence: DataEvidence) -> tuple[str, tuple[str, ...]]:
    """Return the verdict and the sentences it rests on."""
    if evidence.not_finite:
        return "numbers-not-finite", (f"The {evidence.not_finite} hold NaN or infinity.",)
    if evidence.n < LEAST_EXAMPLES:
        return "undecided", (
            f"{evidence.n} examples are too few to halve; {LEAST_EXAMPLES} are needed.",
        )
    scored = (
        f"{s.name.capitalize()} fitted on {s.n_fitted} scores {s.score:.3g} on {s.n_scored} others "
        f"(chance {s.chance:.3g}), p = {s.p_value:.3g}."
        for s in evidence.learners
    )
    passed = f"NaN or infinity in the {evidence.passed_over}, which the loss passes over: filled by means."
    again = evidence.repeats is not None and evidence.repeats.full_batch
    seen = (
        *scored,
        _described(evidence),
        *([passed] if evidence.passed_over else []),
        *([_FULL_BATCH] if again else []),
    )
    if evidence.degenerate:
        return "data-degenerate", (evidence.degenerate, *seen)
    if not evidence.labels_matter:
        return "labels unused", ("The loss does not look at the labels.", *seen)
    if evidence.constant_target:
        return "labels constant", (
            "All labels are the same, and they are the task: training gets further than the last layer's "
            "bias alone, as to a residual's zero, or a network that is not trained judges the outputs. "
            "There is nothing in them to be seen.",
            *seen,
        )
    if evidence.sees:
        return "labels seen", seen
    if not evidence.could_see:
        return "undecided", (
            *seen,
            f"Planted labels are not seen either (p = {evidence.planted_p_value:.3g}): too few "
            "examples, or too few of a class.",
        )
    return "labels not seen", (
        *seen,
        f"Planted labels with as much noise as signal are seen (p = {evidence.planted_p_value:.3g}).",
    )
