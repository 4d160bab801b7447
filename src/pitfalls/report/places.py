"""What a report says of files: their names, and not where they lay on the machine of its author."""

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["without_places", "without_places_in"]

_HOME = r"(?:~[\w.-]*|[A-Za-z]:)?"
# a whole word in quotation marks, as a shell or an error has it: spaces are part of it
_QUOTED = re.compile(rf"""(?P<mark>['"]){_HOME}[/\\](?:(?!(?P=mark)).)*(?P=mark)""")
# else up to a space; "1/2", "and/or" and "https://..." have something before the first slash
_BARE = re.compile(rf"(?<![^\s=:,;(\[]){_HOME}/(?!/)[^\s'\",;()\[\]]*[^\s'\",;()\[\].:]")


def without_places(text: str) -> str:
    """Replace every absolute path by its last part, with an ellipsis for the rest.

    A reader has these files elsewhere, if at all; a relative path, the user's own form, stays.

    Examples
    --------
    >>> without_places("pitfalls images train --data /home/me/cifar-10 --out there/b")
    'pitfalls images train --data …/cifar-10 --out there/b'
    >>> without_places("PITFALLS_DATA='/my data/a b' pitfalls report, 1/2 and/or https://a.org/b")
    "PITFALLS_DATA='…/a b' pitfalls report, 1/2 and/or https://a.org/b"
    """
    return _BARE.sub(_name, _QUOTED.sub(_name, text))


def without_places_in(value: Any) -> Any:
    """Do so in every text of nested lists and mappings."""
    if isinstance(value, str):
        return without_places(value)
    if isinstance(value, Mapping):
        return {key: without_places_in(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_places_in(item) for item in value]
    return value


def _name(found: re.Match[str]) -> str:
    path = found.group()
    mark = path[0] if path[0] in "'\"" else ""
    parts = re.split(r"[/\\]", path.strip(mark).rstrip("/\\"))
    # a manifest is called like every other: its run's name belongs to it
    kept = parts[-3:] if parts[-1] == "manifest.json" else parts[-1:]
    return f"{mark}…/{'/'.join(kept)}{mark}"
