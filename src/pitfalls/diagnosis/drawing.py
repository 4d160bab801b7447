"""What a card's evidence draws, where it has more than a few numbers."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from pitfalls.diagnosis.cards import Evidence
from pitfalls.diagnosis.evidence.saddle import SaddleEvidence
from pitfalls.diagnosis.evidence.signal import SignalEvidence
from pitfalls.diagnosis.evidence.units import UnitsEvidence
from pitfalls.plots import draw_permutations, draw_profile, draw_spectrum

if TYPE_CHECKING:
    from pitfalls.plots import Axes

__all__ = ["drawing_of"]


def drawing_of(evidence: Evidence) -> "Callable[[Axes], None] | None":
    """Return what draws a card's evidence on axes; None where there is nothing to draw."""
    if isinstance(evidence, SignalEvidence) and evidence.test is not None:
        true, *permuted = evidence.test.statistics
        return partial(draw_permutations, true=true, permuted=permuted)
    if isinstance(evidence, UnitsEvidence) and evidence.gradients:
        names = [gradient.name for gradient in evidence.gradients]
        return partial(draw_profile, names=names, relative=[g.relative for g in evidence.gradients])
    if isinstance(evidence, SaddleEvidence) and len(evidence.ritz):
        return partial(draw_spectrum, ritz=evidence.ritz)
    return None
