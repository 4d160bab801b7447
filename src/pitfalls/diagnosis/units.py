"""Question 4: are units alive, and does the gradient reach every layer?"""

import dataclasses
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.diagnosis.cards import Card
from pitfalls.diagnosis.evidence.units import (
    DEAD,
    SATURATED,
    LayerGradient,
    LayerUnits,
    UnitsEvidence,
)
from pitfalls.diagnosis.nested import leaves
from pitfalls.diagnosis.subject import Subject, widened
from pitfalls.diagnosis.trace import SIGMOIDAL, trace
from pitfalls.diagnosis.witnesses import UnitsWitness

__all__ = ["dead_units", "measure_units", "units_card", "units_verdict"]

_ALIVE = 0.05  # of the steepest slope: less counts as saturated
_MOST = 256


def units_card(subject: Subject) -> Card:
    """Answer the question for an examination that is under way."""
    rows = subject.rng.permutation(subject.n)[: _most_rows(subject)]
    evidence = measure_units(subject, rows)
    verdict, place, findings = units_verdict(evidence)
    evidence = dataclasses.replace(evidence, findings=findings)
    dead = {layer.place: layer.dead for layer in evidence.layers}.get(place, ())
    witness = UnitsWitness(tuple(map(int, rows)), verdict, place, dead)
    return Card("units", verdict, evidence, witness, None, subject.cost())


def _most_rows(subject: Subject) -> int:
    """Up to 256 examples, fewer where one forward pass of 16 already takes its time."""
    few = subject.rng.permutation(subject.n)[:16]
    with torch.no_grad(), subject.mode("eval"):
        before = subject.left()
        subject.forward(subject.batch(few)[0])
        took = max(before - subject.left(), 1e-6) / len(few)
    return int(min(subject.n, max(16, min(_MOST, 0.15 * subject.left() / took))))


def measure_units(subject: Subject, rows: NDArray[np.int64]) -> UnitsEvidence:
    """Run a batch as in training but without dropout, and look at units and gradients."""
    x, y = subject.batch(rows)
    with subject.mode("steady"):
        with subject.same_numbers():
            seen = trace(subject.model, lambda: subject.forward(x), len(rows))
        subject.guard.rewind()  # batch norms have moved their statistics
        with subject.same_numbers():
            outputs = subject.forward(subject.batch(rows)[0])
        value = subject.loss_of(outputs, y)
        weights = {n: p for n, p in subject.trainable().items() if p.ndim >= 2}
        parts = subject.backward(value, list(weights.values()))
    gradients = tuple(
        LayerGradient(name, float(widened(g).norm()), float(widened(p).norm()))
        for (name, p), g in zip(weights.items(), parts, strict=True)
    )
    layers = tuple(
        LayerUnits(
            a.place,
            a.kind,
            a.values.shape[1],
            dead_units(a.slopes) if a.kind not in SIGMOIDAL else (),
            float((a.slopes < _ALIVE).double().mean()) if a.kind in SIGMOIDAL else 0.0,
            _indices((a.values == a.values[:1]).all(0)),
            _identical(a.values),
            a.last,
        )
        for a in seen.activations
        if a.values.shape[1] > 0
    )
    return UnitsEvidence(
        n=len(rows),
        layers=layers,
        gradients=gradients,
        scales=seen.scales,
        entrance=seen.entrance,
        expected_ratio=_expected(layers, seen.scales),
        zero_weights=tuple(n for n, p in weights.items() if not bool(p.any())),
        zero_gradients=tuple(g.name for g in gradients if g.gradient == 0),
        output_spread=_spread(outputs),
        loss=float(value),
    )


def dead_units(slopes: torch.Tensor) -> tuple[int, ...]:
    """Return indices of units without a slope on any example."""
    return _indices((slopes == 0).all(0))


def _indices(mask: torch.Tensor) -> tuple[int, ...]:
    return tuple(torch.nonzero(mask).flatten().tolist())


def _identical(values: torch.Tensor) -> bool:
    if values.shape[1] < 2 or len(values) < 2:
        return False
    varies = bool((values != values[:1]).any())
    size = float(values.abs().max())
    return varies and bool(((values - values[:, :1]).abs() <= 1e-6 * size).all())


def _spread(outputs: object) -> float:
    spreads = []
    for t in leaves(outputs):
        if t.is_floating_point() and t.ndim > 0 and len(t) > 1:
            flat = t.detach().double().flatten(1) if t.ndim > 1 else t.detach().double()[:, None]
            size = float(flat.square().mean().sqrt())
            spreads.append(float(flat.std(0, correction=0).mean()) / size if size > 0 else 0.0)
    return max(spreads, default=1.0)


def _expected(layers: tuple[LayerUnits, ...], scales: tuple[tuple[str, float], ...]) -> float:
    """Return the ratio that depth predicts: a quarter a sigmoid, times gains of linear operations."""
    sigmoids = sum(layer.kind == "sigmoid" and not layer.last for layer in layers)
    sizes = [s for _, s in scales if s > 0]
    gains = [min(1.0, b / a) for a, b in pairwise(sizes)]
    return float(0.25**sigmoids * np.prod(gains)) if gains else 0.25**sigmoids


def units_verdict(evidence: UnitsEvidence) -> tuple[str, str, tuple[str, ...]]:
    """Return verdict, the place that decides it, and findings."""
    findings = []
    worst = max(evidence.hidden, key=lambda layer: layer.dead_share, default=None)
    bad = max(evidence.hidden, key=lambda layer: layer.saturated, default=None)
    if worst is not None and worst.dead:
        few = ", ".join(map(str, worst.dead[:8])) + (", ..." if len(worst.dead) > 8 else "")
        findings.append(
            f"{len(worst.dead)} of {worst.n_units} units of {worst.place} have no slope on any of "
            f"{evidence.n} examples ({few})."
        )
    if bad is not None and bad.saturated > 0.5:
        findings.append(
            f"{bad.saturated:.1%} of the values of {bad.place} lie where the slope is below a "
            "twentieth of the steepest."
        )
    findings += _along_the_layers(evidence)
    if evidence.blind:
        findings.insert(0, "What the first layer reads is the same for all examples.")
    if evidence.zero_weights:
        findings.append(f"Zero everywhere: {', '.join(evidence.zero_weights[:6])}.")
    same = next((layer for layer in evidence.hidden if layer.identical), None)
    if same is not None:
        findings.append(f"All {same.n_units} units of {same.place} do the same.")
    if worst is not None and worst.dead_share >= DEAD:
        return "dead-units", worst.place, tuple(findings)
    if bad is not None and bad.saturated >= SATURATED:
        return "saturated-units", bad.place, tuple(findings)
    if evidence.level:
        return "no gradient", "", tuple(findings)
    if evidence.ratio < 1e-4 and len(evidence.gradients) > 1:
        return "vanishing-gradient", _least(evidence).name, tuple(findings)
    if same is not None:
        return "identical units", same.place, tuple(findings)
    return "alive", "", tuple(findings)


def _least(evidence: UnitsEvidence) -> LayerGradient:
    return min(evidence.gradients, key=lambda g: g.relative if np.isfinite(g.relative) else np.inf)


def _along_the_layers(evidence: UnitsEvidence) -> list[str]:
    """Say how gradients differ between layers, and what signals do on their way."""
    said = []
    if evidence.level:
        said.append("The gradient of every weight is exactly zero.")
    elif len(evidence.gradients) > 1:
        by = f"by {1 / evidence.ratio:.3g}" if evidence.ratio > 0 else "without bound"
        said.append(
            f"Relative gradients of the layers differ {by} (least: {_least(evidence).name}); depth "
            f"alone predicts up to {1 / max(evidence.expected_ratio, 1e-300):.3g}."
        )
    if len(evidence.scales) >= 4 and not 1e-3 <= evidence.growth <= 1e3:
        verb, factor = (
            ("grow", evidence.growth) if evidence.growth > 1 else ("shrink", 1 / evidence.growth)
        )
        said.append(
            f"Signals {verb} by {factor:.3g} over {len(evidence.scales)} linear operations."
        )
    return said
