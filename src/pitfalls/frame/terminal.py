"""Text that came with data, made fit for a terminal."""

import json
import shlex
import unicodedata
from collections.abc import Iterable

__all__ = ["as_json", "shown", "typed"]

# format characters that reorder or hide what stands around them; joiners within words stay
_HARMFUL = {"Cc", "Cs", "Zl", "Zp"}
_REORDERING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


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


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as Python carries it in names of files
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape", "backslashreplace").decode()


def typed(words: Iterable[str]) -> str:
    r"""Return a command as a shell takes it, on one line whatever the words hold.

    Examples
    --------
    >>> print(typed(["pitfalls", "my data", "d\udcff"]))
    pitfalls 'my data' $'d\xff'
    """
    return " ".join(_quoted(word) for word in words)


def as_json(value: object, indent: int | None = None) -> str:
    """Return JSON that is as readable as it can be and still harmless on a terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if shown(text, keep="\n") == text:
        return text
    return json.dumps(value, ensure_ascii=True, indent=indent)


def _quoted(word: str) -> str:
    if shown(word) == word:
        return shlex.quote(word)
    inside = (c if shown(c) != c else c.replace("\\", "\\\\").replace("'", "\\'") for c in word)
    return f"$'{''.join(shown(c) for c in inside)}'"
