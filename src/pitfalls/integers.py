"""What counts, bounds and seeds must be: integers of any library."""

import operator

from pitfalls.errors import InputError

__all__ = ["as_integer", "require_integer"]


def as_integer(value: object) -> int | None:
    """Return an integer of any library as Python's, and None for anything else."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except (TypeError, RuntimeError):  # torch raises the second for tensors that are not integers
        return None


def require_integer(who: str, name: str, value: object, least: int | None = None) -> int:
    """Return an argument as an integer of at least ``least``, or raise InputError."""
    number = as_integer(value)
    if number is None:
        raise InputError(f"{who}: {name} must be an integer. Got {value!r} instead.")
    if least is not None and number < least:
        what = "must not be negative" if least == 0 else f"must be at least {least}"
        raise InputError(f"{who}: {name} {what}. Got {number} instead.")
    return number
