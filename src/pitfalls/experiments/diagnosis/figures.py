"""One figure a question, where it has one."""

from typing import TypeVar

import numpy as np
from matplotlib.axes import Axes

from pitfalls.diagnosis import Question
from pitfalls.diagnosis.evidence import (
    PermutationTest,
    SaddleEvidence,
    ScheduleEvidence,
    SignalEvidence,
    UnitsEvidence,
)
from pitfalls.experiments.diagnosis.records import DiagnosisResult
from pitfalls.plots import (
    BLUE,
    COLUMN,
    GREEN,
    RED,
    Drawing,
    Figure,
    draw_permutations,
    draw_profile,
    draw_spectrum,
    panels,
)
from pitfalls.prose import counted, number

__all__ = ["FIGURES"]

E = TypeVar("E")


def _evidence(result: DiagnosisResult, question: Question, kind: type[E]) -> E | None:
    found = result.evidence(question)
    return found if isinstance(found, kind) else None


def _test(result: DiagnosisResult) -> PermutationTest | None:
    found = _evidence(result, "signal", SignalEvidence)
    return None if found is None else found.test


def permutation_histogram(result: DiagnosisResult, ax: Axes | None = None) -> Drawing:
    """Draw the true labels' statistic among those of permuted ones."""
    test = _test(result)
    assert test is not None
    true, *permuted = test.statistics
    figure, axis = panels(ax, figsize=COLUMN)
    draw_permutations(axis, true, permuted)
    verb = "stands out" if test.sees else "does not stand out"
    axis.set_title(f"The true labels' gradient {verb} (p = {number(test.p_value, 2)})")
    text = (
        f"Whitened gradient of the true labels, {number(true)}, among {len(permuted)} permuted "
        f"labellings of {counted(test.n_examples, 'example')}: p = {number(test.p_value, 2)}."
    )
    return Drawing(figure, alt=text, caption=text)


def layer_profile(result: DiagnosisResult, ax: Axes | None = None) -> Drawing:
    """Draw the relative gradient of every layer."""
    units = _evidence(result, "units", UnitsEvidence)
    assert units is not None
    figure, axis = panels(ax, figsize=COLUMN)
    draw_profile(axis, [g.name for g in units.gradients], [g.relative for g in units.gradients])
    ratio = number(1 / units.ratio, 2) if units.ratio > 0 else "without bound"
    title = f"Relative gradients of the layers differ by a factor {ratio}"
    said = f"Largest over smallest: {ratio}."
    if units.level:
        title, said = "No weight has a gradient", "All are."
    axis.set_title(title)
    red = "exactly zero"
    if any(g.gradient > 0 and g.weight == 0 for g in units.gradients):
        red += ", or no number over a weight of zero"
    text = (
        f"Euclidean norm of the gradient over that of the weight, by layer, on "
        f"{counted(units.n, 'example')}; red: {red}. {said}"
    )
    return Drawing(figure, alt=text, caption=text)


def spectrum(result: DiagnosisResult, ax: Axes | None = None) -> Drawing:
    """Draw what the iteration saw of the Hessian's spectrum, each value with its residual."""
    saddle = _evidence(result, "saddle", SaddleEvidence)
    assert saddle is not None
    figure, axis = panels(ax, figsize=COLUMN)
    draw_spectrum(axis, saddle.ritz)
    axis.set_title(f"Curvature from {number(saddle.lowest)} to {number(saddle.largest)}")
    text = (
        f"{counted(len(saddle.ritz), 'Ritz value')} of the Hessian on {counted(saddle.n, 'example')}, an "
        f"eigenvalue within the bar of each: from {number(saddle.lowest, 4)} (residual "
        f"{number(saddle.residuals[0], 2)}) to {number(saddle.largest, 4)} (residual "
        f"{number(saddle.residuals[1], 2)}), after {counted(saddle.products, 'product')}. Most "
        "eigenvalues lie in between, unseen."
    )
    return Drawing(figure, alt=text, caption=text)


def along_the_witness(result: DiagnosisResult, ax: Axes | None = None) -> Drawing:
    """Draw the loss along the direction of lowest curvature."""
    saddle, line = _evidence(result, "saddle", SaddleEvidence), result.along
    assert saddle is not None
    assert line is not None
    figure, axis = panels(ax, figsize=COLUMN)
    axis.plot(line.lengths, line.losses, color=BLUE)
    axis.plot(0, saddle.loss, "o", color=RED)
    axis.set_xlabel("distance along the direction of lowest curvature")
    axis.set_ylabel("loss")
    falls = "falls both ways" if saddle.drop > 0 else "does not fall both ways"
    axis.set_title(f"The loss {falls} along the witness")
    text = (
        f"Loss along the direction of lowest curvature on {counted(saddle.n, 'example')}; a step of "
        f"{number(saddle.radius)} lowers it by {number(saddle.drop)} whichever way it is taken."
        if saddle.drop > 0
        else f"Loss along the direction of lowest curvature on {counted(saddle.n, 'example')}."
    )
    return Drawing(figure, alt=text, caption=text)


def first_steps(result: DiagnosisResult, ax: Axes | None = None) -> Drawing:
    """Draw the losses of the user's own steps, and of those that mend them."""
    found = _evidence(result, "schedule", ScheduleEvidence)
    assert found is not None
    own = found.own if found.own is not None else found.adam
    assert own is not None
    figure, axis = panels(ax, figsize=COLUMN)
    name = "own steps" if found.own is not None else "Adam at 0.003"
    axis.plot(np.arange(len(own.losses)), own.losses, color=BLUE, label=name)
    if found.cure is not None:
        cure = found.cure
        label = f"at {number(cure.factor, 2)} × the rate"
        axis.plot(np.arange(len(cure.losses)), cure.losses, color=GREEN, label=label)
    axis.set_xlabel("step")
    axis.set_ylabel("loss of the batch")
    if max(own.losses) > 20 * abs(own.losses[0]) > 0:
        axis.set_yscale("symlog", linthresh=max(abs(own.losses[0]), 1e-6))
    axis.legend()
    verb = "learn" if own.learned else "do not learn"
    if found.forgets:
        verb = "forget what was known"
    elif found.known and not own.learned:
        verb = "add nothing to what was known"
    axis.set_title(f"{len(own.losses)} steps {verb}")
    known = own.held_after
    end = (
        f"the labels are fitted with p = {number(known.p_value, 2)}"
        if known.labels_matter
        else f"it ends at {number(known.loss)}"
    )
    text = (
        f"Loss of each batch of {found.batch_size} over {counted(len(own.losses), 'step')}; on "
        f"{counted(known.n, 'unseen example')} {end}."
    )
    return Drawing(figure, alt=text, caption=text)


def _has_steps(result: DiagnosisResult) -> bool:
    found = _evidence(result, "schedule", ScheduleEvidence)
    own = None if found is None else found.own or found.adam
    return own is not None and len(own.losses) > 1 and bool(np.isfinite(own.losses).all())


def _has_layers(result: DiagnosisResult) -> bool:
    units = _evidence(result, "units", UnitsEvidence)
    return units is not None and len(units.gradients) > 1


def _has_curvature(result: DiagnosisResult) -> bool:
    saddle = _evidence(result, "saddle", SaddleEvidence)
    return saddle is not None and len(saddle.ritz) > 0


FIGURES = (
    Figure("permutation-histogram", permutation_histogram, lambda r: _test(r) is not None),
    Figure("layer-profile", layer_profile, _has_layers),
    Figure("spectrum", spectrum, _has_curvature),
    Figure(
        "along-the-witness",
        along_the_witness,
        lambda r: r.along is not None and bool(np.isfinite(r.along.losses).all()),
    ),
    Figure("first-steps", first_steps, _has_steps),
)
