"""What bounds and counts must be: whole numbers of any library."""

import operator

from pitfalls.errors import InputError

__all__ = ["require_whole"]


def require_whole(who: str, name: str, value: object, least: int) -> int:
    """Return an argument as an integer of at least `least`, or raise InputError."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except (TypeError, RuntimeError):  # torch raises the second for tensors that are not integers
        number = least - 1
    if number < least or isinstance(value, bool):
        raise InputError(f"{who}: {name} must be an integer of at least {least}. Got {value!r}.")
    return number
