"""What is printed on a terminal: commands to type again, JSON."""

import json
import shlex
from collections.abc import Iterable

from pitfalls.escaping import shown

__all__ = ["as_json", "typed"]


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
