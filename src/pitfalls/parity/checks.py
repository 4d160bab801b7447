"""What arguments must be and results may be: integers of any library, finite numbers."""

import operator

import numpy as np
from numpy.typing import ArrayLike

from pitfalls.errors import DivergenceError, InputError

__all__ = ["as_integer", "require_finite", "require_integer"]


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


def require_finite(who: str, **values: ArrayLike) -> None:
    """Raise DivergenceError where a result is NaN or infinite."""
    for name, value in values.items():
        if not np.isfinite(value).all():
            raise DivergenceError(
                f"{who}: {name} is not finite: the network's outputs or gradients overflow float64 "
                "or are NaN. Check its parameters."
            )
