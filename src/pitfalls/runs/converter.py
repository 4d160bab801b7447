"""How cattrs writes and reads the types of a result: each exactly, and no other in its place."""

import dataclasses
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_args, get_origin

import numpy as np
from cattrs import Converter, IterableValidationError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from pitfalls.runs.schema import (
    is_array_type,
    is_literal_type,
    is_mapping_type,
    is_record_type,
    is_tuple_type,
    is_union_type,
)

__all__ = ["Misfit", "converter", "shown"]


class Misfit(Exception):  # noqa: N818 - a finding about a value, made an error by who knows the run
    """A value does not fit its result type; the text names the field."""


Factory = Callable[[Any, Converter], Any]


@cache
def converter() -> Converter:
    """Return the converter of all result types; built when it is first asked for."""
    made = Converter(forbid_extra_keys=True, detailed_validation=True)
    for kind in (bool, int, str, type(None)):
        made.register_structure_hook(kind, _exactly(kind))
        made.register_unstructure_hook(kind, _plain_number)
    made.register_structure_hook(float, _exactly(float))
    made.register_unstructure_hook(float, _float_out)
    factories: list[tuple[Callable[[Any], bool], Factory, Factory]] = [
        (is_record_type, _record_out, _record_in),
        (is_tuple_type, _tuple_out, _tuple_in),
        (is_mapping_type, _mapping_out, _mapping_in),
        (is_union_type, _union_out, _union_in),
        (is_array_type, lambda *_: lambda value: value, lambda *_: _array_in),
        (is_literal_type, lambda *_: lambda value: value, lambda *_: _literal_in),
    ]
    for fits, out, back in factories:
        made.register_unstructure_hook_factory(fits, out)
        made.register_structure_hook_factory(fits, back)
    return made


# -- leaves ---------------------------------------------------------------------------------------


def _exactly(kind: type) -> Any:
    def check(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise Misfit(f"expected {kind.__name__}, got {shown(value)}")
        return value

    return check


@dataclasses.dataclass(frozen=True)
class _Wrong:
    """A value that is not of its field's type: no reader takes it, and its field is named then."""

    value: Any


def shown(value: Any) -> str:
    """Return type and value for an error's text, cut to one short line."""
    value = value.value if isinstance(value, _Wrong) else value
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def _plain_number(value: Any) -> Any:
    """Turn a NumPy scalar into the Python number of the same value."""
    if isinstance(value, np.bool_ | np.integer | np.float16 | np.float32 | np.float64):
        return value.item()
    return value


def _float_out(value: Any) -> Any:
    value = _plain_number(value)
    if type(value) is int:
        try:
            return float(value) if float(value) == value else value
        except OverflowError:
            return value
    return value


def _literal_in(value: Any, kind: Any) -> Any:
    for allowed in get_args(kind):
        if type(allowed) is type(value) and allowed == value:
            return value
    raise Misfit(f"expected one of {list(get_args(kind))}, got {shown(value)}")


def _array_in(value: Any, kind: Any) -> Any:
    if type(value) is not np.ndarray or value.dtype.hasobject:
        got = "an array of objects" if isinstance(value, np.ndarray) else shown(value)
        raise Misfit(f"expected a NumPy array, got {got}")
    if kind is np.ndarray:
        return value
    if get_origin(kind) is np.ndarray:
        (wanted,) = get_args(get_args(kind)[1]) or (Any,)
        if isinstance(wanted, type) and not np.issubdtype(value.dtype, wanted):
            raise Misfit(f"expected an array of {wanted.__name__}, got one of {value.dtype}")
        return value
    if not isinstance(value, kind):
        raise Misfit(f"expected {kind.__name__}, got shape {value.shape} of {value.dtype}")
    return value


# -- what holds others ----------------------------------------------------------------------------


def _record_out(record: type, converter: Converter) -> Any:
    write = make_dict_unstructure_fn(record, converter)  # type: ignore[var-annotated]
    # a subclass would lose its own fields
    return lambda value: write(value) if type(value) is record else _Wrong(value)


def _record_in(record: type, converter: Converter) -> Any:
    read = make_dict_structure_fn(record, converter)  # type: ignore[var-annotated]
    names = [entry.name for entry in dataclasses.fields(record)]

    def structure(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            raise Misfit(f"expected {record.__name__}, got {shown(value)}")
        for name in names:  # a default must not stand in for what was not written
            if name not in value:
                raise Misfit(f"lacks the field {name}")
        return read(value, record)

    return structure


def _tuple_out(kind: Any, converter: Converter) -> Any:
    items = get_args(kind)

    def write(value: Any) -> Any:
        kinds = _item_kinds(items, len(value)) if type(value) is tuple else None
        if kinds is None:
            return _Wrong(value)
        pairs = zip(value, kinds, strict=True)
        return [converter.unstructure(v, unstructure_as=k) for v, k in pairs]

    return write


def _tuple_in(kind: Any, converter: Converter) -> Any:
    items = get_args(kind)

    def read(value: Any, _: Any) -> Any:
        kinds = _item_kinds(items, len(value)) if type(value) is list else None
        if kinds is None:
            length = "" if items[1:] == (...,) else f" of {len(items)} values"
            raise Misfit(f"expected a tuple{length}, got {shown(value)}")
        return tuple(_structure_each(list(enumerate(value)), kinds, converter))

    return read


def _structure_each(
    pairs: list[tuple[Any, Any]], kinds: list[Any], converter: Converter
) -> list[Any]:
    """Read (index or key, value) pairs; an error is collected with its index, as cattrs does."""
    done, errors = [], []
    for (where, value), kind in zip(pairs, kinds, strict=True):
        try:
            done.append(converter.structure(value, kind))
        except Exception as error:
            note = IterableValidationNote("while reading", where, kind)
            error.__notes__ = [*getattr(error, "__notes__", []), note]
            errors.append(error)
    if errors:
        raise IterableValidationError("while reading", errors, tuple)
    return done


def _item_kinds(items: tuple[Any, ...], n: int) -> list[Any] | None:
    if items[1:] == (...,):
        return [items[0]] * n
    return list(items) if len(items) == n else None


def _mapping_out(kind: Any, converter: Converter) -> Any:
    item = get_args(kind)[1]

    def write(value: Any) -> Any:
        if not isinstance(value, Mapping) or not all(type(key) is str for key in value):
            return _Wrong(value)
        return {
            f"${key}" if key.startswith("$") else key: converter.unstructure(v, unstructure_as=item)
            for key, v in value.items()
        }

    return write


def _mapping_in(kind: Any, converter: Converter) -> Any:
    item = get_args(kind)[1]

    def read(value: Any, _: Any) -> Any:
        if type(value) is not dict or not all(type(key) is str for key in value):
            raise Misfit(f"expected a mapping with text for keys, got {shown(value)}")
        names = [key[1:] if key.startswith("$") else key for key in value]
        pairs = list(zip(names, value.values(), strict=True))
        return dict(zip(names, _structure_each(pairs, [item] * len(pairs), converter), strict=True))

    return read


def _union_out(kind: Any, converter: Converter) -> Any:
    members = get_args(kind)

    def write(value: Any) -> Any:
        for member in members:
            if is_record_type(member) and type(value) is member:
                return {"$record": [_tag(member), converter.unstructure(value, member)]}
        for member in members:
            if not is_record_type(member) and _is_kind(value, member, tuple):
                return converter.unstructure(value, member)
        # a whole number where only a float is allowed, a NumPy scalar: as a field alone would take them
        plain = _plain_number(value)
        if type(plain) is int and float in members and int not in members:
            return _float_out(plain)
        return plain if type(plain) in members else _Wrong(value)

    return write


def _union_in(kind: Any, converter: Converter) -> Any:
    members = get_args(kind)

    def read(value: Any, _: Any) -> Any:
        if type(value) is dict and list(value) == ["$record"]:
            tag, fields = _tag_and_fields(value)
            for member in members:
                if is_record_type(member) and _tag(member) == tag:
                    return converter.structure(fields, member)
            raise Misfit(f"expected one of {_words(members)}, got a {tag}")
        for member in members:
            if not is_record_type(member) and _is_kind(value, member, list):
                return converter.structure(value, member)
        raise Misfit(f"expected one of {_words(members)}, got {shown(value)}")

    return read


def _is_kind(value: Any, member: Any, sequence: type) -> bool:
    """Whether ``value`` can only be meant for this member of a union; tuples are lists when written."""
    if is_array_type(member):
        return isinstance(value, np.ndarray)
    if is_mapping_type(member):
        return isinstance(value, Mapping)
    if is_literal_type(member):
        return any(type(a) is type(value) and a == value for a in get_args(member))
    if is_tuple_type(member):
        return type(value) is sequence
    return type(_plain_number(value)) is member


def _tag_and_fields(written: dict[str, Any]) -> tuple[Any, Any]:
    pair = written["$record"]
    if type(pair) is not list or len(pair) != 2:
        raise Misfit(f"expected a record's name and fields, got {shown(written)}")
    return pair[0], pair[1]


def _tag(record: type) -> str:
    return record.__qualname__


def _words(members: tuple[Any, ...]) -> str:
    return ", ".join(getattr(m, "__name__", str(m)) for m in members)
