"""Frozen result dataclasses as JSON and arrays, and back, whole and of the same types.

What JSON lacks is written by name: ``{"$array": "layers.0"}`` for an array that lies beside,
``{"$record": [name, fields]}`` for a record in a union. A key of a mapping that begins with ``$`` gets
another one in front.
"""

import itertools
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from cattrs import BaseValidationError, ForbiddenExtraKeysError, transform_error

from pitfalls.errors import PitfallsError, RunError
from pitfalls.runs.converter import Misfit, converter
from pitfalls.runs.schema import schema_of

__all__ = ["config_from_dict", "decode", "encode", "from_plain"]

T = TypeVar("T")


def encode(result: object) -> tuple[Any, dict[str, np.ndarray]]:
    """Turn a result into plain JSON values and the arrays that lie beside them.

    Raises
    ------
    Misfit
        If a field does not hold what its type says: what could not be read back is not written.
    InputError
        If its type is no frozen dataclass of types that have a written form.
    """
    schema_of(type(result))
    tree = converter().unstructure(result, unstructure_as=type(result))
    _structure(tree, type(result))
    arrays: dict[str, np.ndarray] = {}
    return _to_plain(tree, "", arrays), arrays


def decode(plain: Any, arrays: Mapping[str, np.ndarray], result_type: type[T]) -> T:
    """Rebuild a result from what `encode` returned.

    Raises
    ------
    Misfit
        If a field is missing, unknown or of another type.
    """
    schema_of(result_type)
    return _structure(from_plain(plain, arrays), result_type)


def config_from_dict(config_type: type[T], values: Mapping[str, Any]) -> T:
    """Rebuild a config from what `config_to_dict` returned, or a manifest holds.

    Raises
    ------
    RunError
        If a field is missing, unknown or of another type: another version wrote it.
    """
    try:
        return _structure(dict(values), config_type)
    except Misfit as misfit:
        raise RunError(f"config: {misfit}. Another version wrote it; run it anew.") from None


def _structure(tree: Any, result_type: type[T]) -> T:
    try:
        return converter().structure(tree, result_type)
    except BaseValidationError as error:
        lines = transform_error(error, path=result_type.__name__, format_exception=_say)
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        raise Misfit(lines[0] + more) from None
    except (Misfit, PitfallsError) as error:
        raise Misfit(f"{error} @ {result_type.__name__}") from None


def _say(error: BaseException, expected: type | None) -> str:
    if isinstance(error, ForbiddenExtraKeysError):
        return f"has the unknown field {', '.join(sorted(map(str, error.extra_fields)))}"
    if isinstance(error, KeyError):
        return f"lacks the field {error.args[0]}"
    return str(error) or type(error).__name__


def _to_plain(tree: Any, where: str, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(tree, np.ndarray):
        name = _free_name(where, arrays)
        arrays[name] = tree
        return {"$array": name}
    if isinstance(tree, list):
        return [_to_plain(value, f"{where}.{i}", arrays) for i, value in enumerate(tree)]
    if isinstance(tree, dict):
        if list(tree) == ["$record"]:
            tag, fields = tree["$record"]
            return {"$record": [tag, _to_plain(fields, where, arrays)]}
        return {key: _to_plain(value, f"{where}.{key}", arrays) for key, value in tree.items()}
    return tree


def _free_name(where: str, taken: Mapping[str, np.ndarray]) -> str:
    """Return a name for an array that every archive bears and no other array has."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", where.lstrip("."))[:100] or "array"
    if name not in taken:
        return name
    return next(n for i in itertools.count(2) if (n := f"{name}~{i}") not in taken)


def from_plain(plain: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Put the arrays back in their places.

    Raises
    ------
    Misfit
        If an array is missing.
    """
    if isinstance(plain, list):
        return [from_plain(value, arrays) for value in plain]
    if not isinstance(plain, dict):
        return plain
    if list(plain) == ["$array"]:
        if plain["$array"] not in arrays:
            raise Misfit(f"the array {plain['$array']} is not there")
        return arrays[plain["$array"]]
    return {key: from_plain(value, arrays) for key, value in plain.items()}
