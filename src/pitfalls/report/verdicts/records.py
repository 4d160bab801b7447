"""What a verdict is made of."""

from dataclasses import dataclass
from typing import Literal

from pitfalls.prose import Markup

__all__ = ["Answer", "ChapterVerdict", "VerdictRow"]


@dataclass(frozen=True)
class Answer:
    """An answer in a word, with its evidence.

    Attributes
    ----------
    tone : {"yes", "no", "partly", "open"}
        ``open`` where nothing was measured.
    word : str
        ``yes``, ``not found``, ...
    evidence : Markup
        The figures behind it.
    """

    tone: Literal["yes", "no", "partly", "open"]
    word: str
    evidence: Markup = ()


@dataclass(frozen=True)
class VerdictRow:
    """One function: whether it can be represented, and whether descent finds it."""

    function: Markup
    represented: Answer
    found: Answer


@dataclass(frozen=True)
class ChapterVerdict:
    """The verdict of a lab.

    Attributes
    ----------
    title : str
    rows : tuple of VerdictRow
    sources : tuple of str
        The experiments that it quotes, by name.
    """

    title: str
    rows: tuple[VerdictRow, ...]
    sources: tuple[str, ...]
