"""What an account of a run is made of: paragraphs, tables, and places for figures and charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pitfalls.errors import InputError
from pitfalls.prose.spans import Markup, Value, as_markup, say

__all__ = ["Basis", "Block", "Chart", "Code", "Paragraph", "Part", "Picture", "Table", "table"]


@dataclass(frozen=True)
class Paragraph:
    """Sentences that stand together; an empty one is left out."""

    text: Markup


@dataclass(frozen=True)
class Table:
    """Numbers in rows.

    Attributes
    ----------
    header : tuple of Markup
        One a column.
    rows : tuple of tuples of Markup
    caption : Markup
        What is shown, with n and spread.
    words : tuple of int
        The columns that hold words, set to the left.
    """

    header: tuple[Markup, ...]
    rows: tuple[tuple[Markup, ...], ...]
    caption: Markup
    words: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Picture:
    """The place of one of the run's figures, by name."""

    figure: str


@dataclass(frozen=True)
class Chart:
    """The place of an interactive part of the page.

    Attributes
    ----------
    kind : str
        What draws it.
    label : str
        What a screen reader calls it.
    instead : tuple of Block
        What stands there on paper, and under it on the page.
    """

    kind: str
    label: str
    instead: tuple["Block", ...]


@dataclass(frozen=True)
class Code:
    """The place of an excerpt of the library's own code, by name."""

    name: str


@dataclass(frozen=True)
class Part:
    """Blocks that a chapter shows in another place than the rest, by name."""

    name: str
    blocks: tuple["Block", ...]


Block: TypeAlias = Paragraph | Table | Picture | Chart | Code | Part


@dataclass(frozen=True)
class Basis:
    """What stands behind the numbers of an account.

    Attributes
    ----------
    n : str
        How many of what: ``5 seeds``.
    spread : str
        What the stated spread is, or that there is none and why.
    data : str
        The data set, where there is one.
    """

    n: str
    spread: str
    data: str = ""


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[Value]],
    caption: Markup | str,
    words: tuple[int, ...] = (0,),
) -> Table:
    """Build a table: heads are templates of `say`, cells are values.

    Raises
    ------
    InputError
        If a row has not one cell for each head.
    """
    for row in rows:
        if len(row) != len(header):
            raise InputError(f"table: {len(header)} cells a row were expected. Got {len(row)}.")
    return Table(
        tuple(say(head) for head in header),
        tuple(tuple(as_markup(cell) for cell in row) for row in rows),
        say(caption) if isinstance(caption, str) else caption,
        words,
    )
