"""Question 6: is this a saddle? Gradient, extreme curvature, and a step both ways along it."""

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.diagnosis.cards import Card
from pitfalls.diagnosis.clock import Stopwatch
from pitfalls.diagnosis.curvature import Spectrum, extreme_eigenpairs, lanczos
from pitfalls.diagnosis.evidence.saddle import SaddleEvidence
from pitfalls.diagnosis.hessian import Hessian
from pitfalls.diagnosis.subject import Subject, SubjectError
from pitfalls.diagnosis.trace import trace
from pitfalls.diagnosis.witnesses import CurvatureWitness

__all__ = ["drop_along", "product_rounding", "saddle_card"]

PROMISED = 0.1  # of what the curvature gives: a larger promise of plain descent is no saddle
_MOST = 256
_LEAST = 8
_PART = 4  # of the batch, one in so many examples, where products are dear
_NEAR = 8  # products on it
_FULL = 3  # products on the whole batch, at least, where a product is dear
_WHOLE = _FULL + 2.5  # these, their graph and the steps along the witness, in products
_PRECISE = 12  # products in float64 for which the time must suffice
_RADII = 2.0 ** np.arange(2, -13, -1)  # of the step, as a share of the weights' norm


def saddle_card(subject: Subject) -> Card:
    """Answer the question for an examination that is under way."""
    try:
        rows, precise = _plan(subject)
        spectrum, hessian = _spectrum(subject, rows, precise=precise)
    except SubjectError as error:
        evidence = SaddleEvidence(subject.n, (f"No second derivatives: {error}.",))
        return Card("saddle", "undecided", evidence, None, None, subject.cost())
    evidence = _measure(subject, hessian, spectrum)
    verdict, findings = _verdict(evidence)
    evidence = dataclasses.replace(evidence, findings=findings)
    witness = CurvatureWitness(
        tuple(map(int, hessian.rows)),
        spectrum.lowest.vector,
        spectrum.lowest.value,
        evidence.radius,
        evidence.drop,
        max(abs(evidence.lowest), abs(evidence.largest)),
        verdict,
        precise,
    )
    return Card("saddle", verdict, evidence, witness, None, subject.cost())


def _plan(subject: Subject) -> tuple[NDArray[np.int64], bool]:
    """Choose the batch, and whether float64 is worth trying.

    A product costs two and a quarter gradients, the graph that all of them share one, and the steps
    along the witness as much as two; the rest of the time goes to a part of the batch.
    """
    order = subject.rng.permutation(subject.n)
    few = order[: min(subject.n, _LEAST)]
    took = []
    for _ in range(2):  # the first pass warms up
        watch = Stopwatch()
        with subject.mode("eval"):
            subject.backward(subject.risk(few), list(subject.trainable().values()))
        took.append(watch.elapsed())
    affordable = subject.left() * len(few) / max(min(took), 1e-5)  # gradients of one example
    if affordable >= 120 * min(subject.n, _MOST):
        return order[:_MOST], True
    most = min(subject.n, _MOST, 0.7 * affordable / (2.25 * _FULL + 3))
    rows = order[: int(max(_LEAST, most))]
    if affordable < 120 * 4 * _LEAST:
        return rows, False
    # what float64 costs depends on the layers: twice as much, or five times
    exact = Hessian(subject, few)
    exact.gradient()
    watch = Stopwatch()
    exact.times(np.full(exact.size, exact.size**-0.5))
    each = watch.elapsed() / len(few)
    return rows, subject.left() >= _PRECISE * each * len(rows)


def _spectrum(
    subject: Subject, rows: NDArray[np.int64], *, precise: bool
) -> tuple[Spectrum, Hessian]:
    """Find the ends of the spectrum on the batch, starting from those on a quarter of it if it is dear.

    What products on the quarter took says how many examples the time left allows for the rest.

    There a product costs a quarter, and its ends point where those of the whole batch do in part; what
    is wrong with them is in the residual on the whole batch. The start is their sum: one vector of which
    every product serves both ends, where a block of two is half as deep after as many.
    """
    starts: list[NDArray[np.float64]] = []
    if not precise:
        part = Hessian(subject, rows[: max(_LEAST, len(rows) // _PART)], precise=False)
        start = subject.rng.standard_normal(part.size)
        watch = Stopwatch()
        near = lanczos(part, [start], steps=_NEAR, seconds=0.25 * subject.left(), tolerance=0.01)
        starts = [near.lowest.vector + near.largest.vector]
        each = watch.elapsed() / max(1, part.products * len(part.rows))  # of an example's product
        affordable = int(subject.left() / (_WHOLE * max(each, 1e-9)))
        rows = rows[: max(len(part.rows), affordable)]
        del part  # and its graph
    hessian = Hessian(subject, rows, precise=precise)
    if not np.isfinite(hessian.gradient()).all():
        raise SubjectError("the gradient is not finite")
    seconds = max(
        0.5, (0.75 if precise else 0.6) * subject.left()
    )  # the rest is for steps along it
    return extreme_eigenpairs(hessian, subject.rng, seconds=seconds, starts=starts), hessian


def _measure(subject: Subject, hessian: Hessian, spectrum: Spectrum) -> SaddleEvidence:
    lowest, largest, gradient = spectrum.lowest, spectrum.largest, hessian.gradient()
    norm = float(np.linalg.norm(gradient))
    rounding = product_rounding(hessian, max(abs(lowest.value), abs(largest.value)))
    radius, drop = 0.0, 0.0
    if lowest.value < -10 * rounding:
        weights = np.sqrt(sum(float(p.detach().square().sum()) for p in hessian.at.values()))
        here = hessian.value()
        for share in _RADII if hessian.dtype == torch.float64 else _RADII[1::2]:
            # at weights of zero there is no scale but one
            tried = float(share * (weights or 1.0))
            found = drop_along(hessian, lowest.vector, tried, here)
            if found > drop:
                radius, drop = tried, found
            if drop > 0 and (found < 0.25 * drop or subject.left() < 0):
                break
    steepest = max(largest.value, -lowest.value)
    promised = norm**2 / (2 * steepest) if steepest > 0 else float("inf" if norm > 0 else 0)
    return SaddleEvidence(
        n=len(hessian.rows),
        loss=hessian.value(),
        gradient=norm,
        lowest=lowest.value,
        largest=largest.value,
        residuals=(lowest.residual, largest.residual),
        rounding=rounding,
        radius=radius,
        drop=drop,
        promised=promised,
        kinks=_kinks(subject, hessian.rows[:64]),
        flat=_flat(hessian, gradient),
        precise=hessian.dtype == torch.float64,
        products=hessian.products,
        ritz=tuple(
            (float(v), float(r)) for v, r in zip(spectrum.values, spectrum.residuals, strict=True)
        ),
    )


def product_rounding(hessian: Hessian, size: float) -> float:
    """Return the size of the rounding of a product, for eigenvalues of that size."""
    return float(np.sqrt(torch.finfo(hessian.dtype).eps) * 1e-2 * size)


def drop_along(
    hessian: Hessian, direction: NDArray[np.float64], radius: float, here: float
) -> float:
    """By how much the loss falls from here for a step either way, the smaller one, less rounding."""
    up, down = hessian.value(radius * direction), hessian.value(-radius * direction)
    if not np.isfinite([up, down]).all():
        return 0.0
    return float(here - max(up, down) - 16 * torch.finfo(hessian.dtype).eps * abs(here))


def _kinks(subject: Subject, rows: NDArray[np.int64]) -> float:
    """Largest share, over ReLU layers, of inputs that are exactly zero."""
    x = subject.batch(rows)[0]
    with subject.mode("eval"):
        seen = trace(subject.model, lambda: subject.forward(x), len(rows))
    shares = [a.at_kink for a in seen.activations if a.kind == "relu"]
    return max(shares, default=0.0)


def _flat(hessian: Hessian, gradient: NDArray[np.float64]) -> tuple[str, ...]:
    slope = hessian.split(gradient)
    return tuple(n for n in hessian.names if not bool(slope[n].any()) and n not in hessian.curved)


def _verdict(e: SaddleEvidence) -> tuple[str, tuple[str, ...]]:
    said = [
        f"Gradient {e.gradient:.4g}; eigenvalues from {e.lowest:.6g} (residual {e.residuals[0]:.2g}) "
        f"to {e.largest:.6g} (residual {e.residuals[1]:.2g}), {e.products} products."
    ]
    if e.drop > 0:
        said.append(
            f"A step of {e.radius:.3g} along the lowest direction lowers the loss by {e.drop:.4g} "
            f"both ways; plain descent is promised {e.promised:.4g}."
        )
    if e.kinks > 0.01:
        said.append(f"{e.kinks:.1%} of the inputs of a ReLU layer are exactly zero: kinks.")
    if e.flat:
        said.append(f"Neither slope nor curvature: {', '.join(e.flat[:6])}.")
    margin = max(e.residuals[0], 10 * e.rounding, 1e-6 * abs(e.largest))
    negative = e.lowest < -margin
    if negative and e.drop > 0 and e.promised < PROMISED * e.drop:
        return "saddle", tuple(said)
    if e.gradient == 0 and e.lowest == 0 == e.largest:
        return "flat", (*said, "Gradient and curvature are exactly zero.")
    if negative and e.drop > 0:
        return "slope", (
            *said,
            "Curvature is negative, but plain descent is promised a tenth of that or more: no saddle.",
        )
    if e.lowest + e.residuals[0] < -10 * e.rounding:
        return "undecided", (*said, "Negative curvature without a step that lowers the loss.")
    # not a share of the loss, which may stand on any constant: what its rounding would hide
    hidden = 16 * float(np.finfo(np.float64 if e.precise else np.float32).eps) * abs(e.loss)
    if e.promised > hidden:
        return "slope", tuple(said)
    if e.lowest - e.residuals[0] > margin:
        return "no descent direction", tuple(said)
    return "level", (
        *said,
        "Neither slope nor negative curvature is seen. Where curvature is zero, or unseen, the loss may fall "
        "all the same.",
    )
