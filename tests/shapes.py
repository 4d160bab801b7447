"""The check that the import hook puts around functions under test: shapes, and nothing else."""

from collections.abc import Callable
from typing import Any, get_args

from beartype import beartype
from jaxtyping import AbstractArray

__all__ = ["check_shapes"]


def check_shapes(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check at every call what the annotations of this function say of shapes and array types.

    Other annotations are not checked: what is no array is the functions' own to refuse, in words,
    and tests ask for those words.
    """
    stated = {name: hint for name, hint in function.__annotations__.items() if _states_shape(hint)}
    function.__annotations__ = stated
    return beartype(function) if stated else function


def _states_shape(hint: Any) -> bool:
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return True
    return any(_states_shape(part) for part in get_args(hint))
