"""The first half page: which pictures were used, and what was found, each in a sentence or two."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pitfalls.experiments import banner
from pitfalls.experiments.image_compare import words as compare
from pitfalls.experiments.image_fast import words as fast
from pitfalls.experiments.image_regress import words as regress
from pitfalls.experiments.image_train import words as train
from pitfalls.experiments.parity_curves import words as curves
from pitfalls.experiments.parity_depth import words as depth
from pitfalls.experiments.parity_exact import words as exact
from pitfalls.experiments.parity_signal import words as signal
from pitfalls.experiments.verify import words as verify
from pitfalls.prose import Markup

__all__ = ["Finding", "banner_of", "findings_of"]


@dataclass(frozen=True)
class Finding:
    """What was found about one part of the homework.

    Attributes
    ----------
    part : str
        ``3b``; several where claims of all parts are meant.
    anchor : str
        Where the report tells more.
    source : str
        The experiment that it quotes.
    text : Markup
    """

    part: str
    anchor: str
    source: str
    text: Markup


SENTENCES: tuple[tuple[str, str, str, tuple[Callable[[Any], Markup], ...]], ...] = (
    ("2, 3", "part-5a", "verify", (verify.outcome,)),
    ("3a", "part-3a", "parity-exact",
     (exact.headline,)),
    ("3b", "part-3b", "parity-curves", (curves.learned, curves.lost)),
    ("3c", "part-3c", "parity-signal", (signal.slope,)),
    ("3d", "part-3d", "parity-depth", (depth.contrast,)),
    ("4b", "part-4b", "images-regress", (regress.headline,)),
    ("4e", "part-4e", "images-compare", (compare.ranking,)),
    ("4f", "part-4f", "images-train", (train.headline,)),
    ("4f", "part-4f", "images-fast", (fast.headline,)),
)  # fmt: skip
PICTURED = ("images-fast", "images-regress", "images-embed", "images-compare")


def findings_of(results: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return what can be said of the finished runs, in the homework's order."""
    found = []
    for part, anchor, source, sentences in SENTENCES:
        if source not in results:
            continue
        text: Markup = ()
        for sentence in sentences:
            text += sentence(results[source])
        if text:
            found.append(Finding(part, anchor, source, text))
    return tuple(found)


def banner_of(results: Mapping[str, Any]) -> Markup | None:
    """Say which pictures question 4 is about; None where no run of it is finished."""
    others = (name for name in results if name.startswith("images-") and name not in PICTURED)
    found = {name: getattr(results.get(name), "pictures", None) for name in (*PICTURED, *others)}
    shown = {name: pictures for name, pictures in found.items() if pictures is not None}
    return banner(shown) if shown else None
