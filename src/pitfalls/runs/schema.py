"""The shape of a result type: what may stand in one, and the fingerprint that names it."""

import dataclasses
import hashlib
import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from pitfalls.errors import InputError

__all__ = [
    "Schema",
    "is_array_type",
    "is_literal_type",
    "is_mapping_type",
    "is_record_type",
    "is_tuple_type",
    "is_union_type",
    "schema_of",
]

PLAIN = (bool, int, float, str, type(None))
REMEDY = (
    "A result is made of None, bool, int, float, str, Literal, NumPy arrays, tuples, "
    "Mapping[str, T], frozen dataclasses and unions of these."
)


@dataclass(frozen=True)
class Schema:
    """The identity of a result type.

    Attributes
    ----------
    name : str
        Module and qualified name.
    fingerprint : str
        12 hexadecimal digits over the names and types of its fields, those of the records in it too.
    """

    name: str
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.name}@{self.fingerprint}"


def schema_of(result_type: type) -> Schema:
    """Return the identity of a result type.

    Raises
    ------
    InputError
        If it is no frozen dataclass, or a field's type has no written form.
    """
    return _schema_of(result_type)


@cache
def _schema_of(result_type: type) -> Schema:
    if not is_record_type(result_type):
        raise InputError(
            f"result type {getattr(result_type, '__name__', result_type)!r}: must be a frozen dataclass."
        )
    text = _describe(result_type, result_type.__name__, ())
    return Schema(_name(result_type), hashlib.sha256(text.encode()).hexdigest()[:12])


def is_record_type(value: object) -> bool:
    """Whether ``value`` is a frozen dataclass (the class itself, no instance)."""
    return (
        isinstance(value, type)
        and dataclasses.is_dataclass(value)
        and bool(value.__dataclass_params__.frozen)  # type: ignore[attr-defined]
    )


def is_array_type(value: object) -> bool:
    """Whether ``value`` is ``np.ndarray``, ``NDArray[...]`` or jaxtyping's ``Float[np.ndarray, ...]``."""
    return (
        value is np.ndarray
        or get_origin(value) is np.ndarray
        or getattr(value, "array_type", None) is np.ndarray
    )


def is_mapping_type(value: object) -> bool:
    """Whether ``value`` is ``Mapping[str, T]`` or ``dict[str, T]``."""
    return get_origin(value) in (Mapping, dict) and get_args(value)[:1] == (str,)


def is_tuple_type(value: object) -> bool:
    """Whether ``value`` is ``tuple[...]``."""
    return get_origin(value) is tuple


def is_literal_type(value: object) -> bool:
    """Whether ``value`` is ``Literal[...]``."""
    return get_origin(value) is Literal


def is_union_type(value: object) -> bool:
    """Whether ``value`` is ``A | B``."""
    return get_origin(value) in (Union, types.UnionType)


def _name(record: type) -> str:
    return f"{record.__module__}.{record.__qualname__}"


def _describe(kind: Any, where: str, above: tuple[type, ...]) -> str:
    """Write a type as text that changes exactly when what it admits changes."""
    if kind in PLAIN or kind is None:
        return "None" if kind in (None, type(None)) else str(kind.__name__)
    if is_array_type(kind):
        return f"array {_array_text(kind)}"
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        if not all(isinstance(value, bool | int | str | None) for value in arguments):
            raise InputError(f"{where}: a Literal of {kind} has no written form. {REMEDY}")
        return f"Literal{sorted(map(repr, arguments))}"
    if origin is tuple:
        if not arguments:
            return "tuple[]"
        inner = [a if a is ... else _describe(a, where, above) for a in arguments]
        return f"tuple[{', '.join('...' if text is ... else text for text in inner)}]"
    if is_mapping_type(kind):
        return f"Mapping[{_describe(arguments[1], where, above)}]"
    if origin in (Union, types.UnionType):
        _check_union(kind, arguments, where)
        return f"Union[{' | '.join(sorted(_describe(a, where, above) for a in arguments))}]"
    if is_record_type(kind):
        if kind in above:  # a tree of records names itself
            return _name(kind)
        fields = _fields(kind)
        lines = [f"{name}: {_describe(t, f'{where}.{name}', (*above, kind))}" for name, t in fields]
        return f"{_name(kind)}({'; '.join(lines)})"
    raise InputError(f"{where}: the type {kind!r} has no written form. {REMEDY}")


def _fields(record: type) -> list[tuple[str, Any]]:
    hints = get_type_hints(record)
    for entry in dataclasses.fields(record):
        if not entry.init:
            raise InputError(
                f"{_name(record)}.{entry.name}: a field with init=False cannot be read back. "
                "Make it a property."
            )
    return [(entry.name, hints[entry.name]) for entry in dataclasses.fields(record)]


def _array_text(kind: Any) -> str:
    if kind is np.ndarray:
        return "any"
    if get_origin(kind) is np.ndarray:
        return str(get_args(kind))
    return f"{kind.dtype if hasattr(kind, 'dtype') else kind.dtypes} {kind.dim_str}"


def _check_union(kind: Any, members: tuple[Any, ...], where: str) -> None:
    """Refuse a union whose members are written alike: records go by their names, the rest by kind."""
    kinds = [_written_kind(member) for member in members]
    if len(set(kinds)) < len(kinds):
        raise InputError(
            f"{where}: the members of {kind} cannot be told apart when read back. "
            "Give each alternative its own frozen dataclass."
        )


def _written_kind(member: Any) -> str:
    if is_record_type(member):
        return f"record {member.__qualname__}"  # what is written of its type; no module
    if is_array_type(member):
        return "array"
    if is_mapping_type(member):
        return "mapping"
    origin = get_origin(member)
    if origin is tuple:
        return "tuple"
    if origin is Literal:
        return f"literal {sorted({type(value).__name__ for value in get_args(member)})}"
    return "None" if member is type(None) else getattr(member, "__name__", str(member))
