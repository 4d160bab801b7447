"""Text that came with data, made fit for every reader: terminals, tables, figures, pages."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

__all__ = ["brief", "first_line", "shown", "shown_within"]

# format characters that reorder or hide what stands around them; joiners within words stay
_HARMFUL = {"Cc", "Cs", "Zl", "Zp"}
_REORDERING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")

_WORD, _TEXT = 300, 3_000
_LONG_WORD = re.compile(rf"\S{{{_WORD + 1},}}")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def shown(text: str, keep: str = "") -> str:
    r"""Return text with control characters and broken UTF-8 written out, so that it only can be read.

    Names of files, classes and authors, and what servers answer, come from elsewhere: as they are, they
    could move the cursor, colour or hide other lines, or stop the output with an encoding error.

    Parameters
    ----------
    text : str
    keep : str
        Characters to leave as they are: ``"\n"`` in a text of several lines.

    Examples
    --------
    >>> print(shown("cats\x1b[2J\udcff"))
    cats\x1b[2J\xff
    """
    if text.isprintable() and not _REORDERING & set(text):
        return text
    return "".join(
        c
        if c in keep or not (unicodedata.category(c) in _HARMFUL or c in _REORDERING)
        else _escaped(c)
        for c in text
    )


def brief(text: str) -> str:
    """Return an error's text with what it quotes at great length cut in the middle.

    A word (a path, a mask) of over 300 characters keeps 120 at each end, a text of over 3,000
    its first and last 1,400.

    Examples
    --------
    >>> brief("mask " + "01" * 500 + " is too long")[115:150]
    '0101010101...(760 more)...010101010'
    """
    text = _LONG_WORD.sub(lambda found: _cut(found[0], 120), text) if len(text) > _WORD else text
    return _cut(text, 1_400) if len(text) > _TEXT else text


def first_line(reason: object) -> str:
    r"""Return the first line of an error's text that says anything; where none does, its kind.

    Examples
    --------
    >>> first_line(RuntimeError("\nmat1 and mat2\ncannot be multiplied"))
    'mat1 and mat2'
    >>> first_line(StopIteration())
    'StopIteration'
    """
    lines = (line.strip() for line in str(reason).splitlines())
    return next(filter(None, lines), type(reason).__name__)


def _cut(text: str, kept: int) -> str:
    return f"{text[:kept]}...({len(text) - 2 * kept:,} more)...{text[-kept:]}"


def shown_within(value: Any) -> Any:
    """Return plain values (mappings, sequences, text, numbers) with every text as `shown`, line by line."""
    if isinstance(value, str):
        return shown(value, keep="\n")
    if isinstance(value, Mapping):
        return {shown_within(key): shown_within(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shown_within(item) for item in value]
    return value


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as Python carries it in names of files
        return f"\\x{code - 0xDC00:02x}"
    if character in _SHORT:
        return _SHORT[character]
    # written here, because Python's own codec would be imported at this moment
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
