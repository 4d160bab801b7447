"""Values as JSON text, with the numbers that JSON lacks written by name: ``{"$float": "nan"}``."""

import hashlib
import json
import math
from typing import Any, NoReturn

__all__ = ["digest", "dump", "load"]

FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def dump(value: Any, indent: int | None = None) -> bytes:
    """Return plain values as JSON in UTF-8.

    Raises
    ------
    ValueError, TypeError
        If ``value`` holds something that JSON has no form for.
    """
    named = _name_floats(value)
    try:
        return json.dumps(named, indent=indent, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair, as in the names of odd files
        return json.dumps(named, indent=indent, ensure_ascii=True, allow_nan=False).encode()


def load(data: bytes) -> Any:
    """Return what `dump` was given.

    Raises
    ------
    ValueError
        If ``data`` are not what `dump` returns.
    """
    try:
        return json.loads(data, object_hook=_number, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def digest(value: Any) -> str:
    """Return the SHA-256 of plain values; the order of keys does not count."""
    text = json.dumps(_name_floats(value), sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _name_floats(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    if isinstance(value, dict):
        return {key: _name_floats(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_name_floats(item) for item in value]
    return value


def _number(value: dict[str, Any]) -> Any:
    if len(value) == 1 and "$float" in value:
        if value["$float"] not in FLOATS:
            raise ValueError(f"it holds no number but {str(value['$float'])[:20]!r}")
        return FLOATS[value["$float"]]
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which JSON has not")
