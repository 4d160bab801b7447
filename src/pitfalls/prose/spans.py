"""Sentences that carry values: words are ours, values stay text and are never read as markup."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pitfalls.errors import InputError
from pitfalls.prose.numbers import number

__all__ = ["Markup", "Span", "Value", "as_markup", "listed", "plain", "say"]

Kind = Literal["text", "math", "code", "strong", "value"]


@dataclass(frozen=True)
class Span:
    """A stretch of a sentence.

    Attributes
    ----------
    kind : {"text", "math", "code", "strong", "value"}
        ``math`` is Typst's notation and always the project's own; a ``value`` came from a run.
    text : str
    """

    kind: Kind
    text: str


Markup: TypeAlias = tuple[Span, ...]
"""A sentence, or several."""

Value: TypeAlias = "str | int | float | bool | Markup | None"

_PIECES = re.compile(
    r"\$(?P<math>[^$]+)\$|`(?P<code>[^`]+)`|\*(?P<strong>[^*]+)\*|\{(?P<value>\w+)\}"
)
_INSIDE = re.compile(r"\{(\w+)\}")


def say(template: str, /, **values: Value) -> Markup:
    r"""Fill a sentence with values.

    Parameters
    ----------
    template : str
        The project's own words: ``$x^2$`` is mathematics in Typst's notation, ```a b``` code,
        ``*a*`` strong, and ``{name}`` the place of a value. A value inside mathematics must be a
        whole number.
    **values : str, int, float, bool, None or Markup
        Floats are rounded to three significant digits: give text where another precision is due.

    Raises
    ------
    InputError
        If a place has no value, a value has no place, or something other than a whole number
        stands inside mathematics.

    Examples
    --------
    >>> plain(say("At $d = {d}$ the risk is {risk}.", d=30, risk=0.99951))
    'At d = 30 the risk is 1.'
    """
    wanted = {found["value"] for found in _PIECES.finditer(template) if found["value"]}
    wanted |= {name for found in _PIECES.finditer(template) if found["math"]
               for name in _INSIDE.findall(found["math"])}  # fmt: skip
    if wanted != set(values):
        raise InputError(
            f"say: places and values must match in {template!r}. Got places {sorted(wanted)} and "
            f"values {sorted(values)}."
        )
    spans: list[Span] = []
    end = 0
    for found in _PIECES.finditer(template):
        spans.append(Span("text", template[end : found.start()]))
        end = found.end()
        if found["value"]:
            spans += as_markup(values[found["value"]])
        elif found["math"]:
            spans.append(Span("math", _INSIDE.sub(lambda m: _whole(values[m[1]]), found["math"])))
        elif found["code"]:
            spans.append(Span("code", found["code"]))
        else:
            spans.append(Span("strong", found["strong"]))
    spans.append(Span("text", template[end:]))
    return tuple(span for span in spans if span.text)


def listed(items: Sequence[Value], last: str = "and") -> Markup:
    """Join values by commas and a last word.

    Examples
    --------
    >>> plain(listed([1, 2, 3])), plain(listed(["one"]))
    ('1, 2 and 3', 'one')
    """
    spans: list[Span] = []
    for place, item in enumerate(items):
        if place:
            spans.append(Span("text", f" {last} " if place == len(items) - 1 else ", "))
        spans += as_markup(item)
    return tuple(spans)


def plain(markup: Markup) -> str:
    """Return the words alone, for a terminal, a title or a test."""
    return "".join(span.text for span in markup)


def as_markup(value: Value) -> Markup:
    """Return a value as it is printed: yes or no, whole numbers whole, floats to three digits."""
    if isinstance(value, tuple):
        return value
    if value is None:
        return (Span("value", "–"),)
    if isinstance(value, bool):
        return (Span("value", "yes" if value else "no"),)
    if isinstance(value, int):
        return (Span("value", f"{value:,}".replace("-", "−")),)
    if isinstance(value, float):
        return (Span("value", number(value)),)
    return (Span("value", value),)


def _whole(value: Value) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"say: a value inside mathematics must be a whole number. Got {value!r}.")
    return str(value)
