"""Frozen config dataclasses as JSON, and the hash that names a run."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from pitfalls.errors import InputError
from pitfalls.runs.manifest import hash_identity

__all__ = ["NOT_IDENTITY", "config_hash", "config_identity", "config_to_dict", "to_json"]


NOT_IDENTITY = {"identity": False}
"""Metadata of a config field that does not change the result, and so not the run's name."""


def to_json(value: object) -> Any:
    """Turn dataclasses, mappings, sequences, NumPy and tensor scalars and arrays into plain JSON values.

    Raises
    ------
    InputError
        If ``value`` holds a type that has no plain form.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(to_json(item) for item in value)
    if isinstance(value, np.generic | np.ndarray):
        return to_json(value.tolist())
    if hasattr(value, "tolist"):  # a torch tensor, without importing torch here
        return to_json(value.tolist())
    if hasattr(value, "__fspath__"):
        return str(value)
    raise InputError(
        f"to_json: expected dataclasses, mappings, sequences, numbers or text, got {type(value).__name__}."
    )


def config_to_dict(config: object) -> dict[str, Any]:
    """Return the fields of a config dataclass as plain JSON values."""
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        raise InputError(f"config: expected a dataclass instance, got {type(config).__name__}.")
    result: dict[str, Any] = to_json(config)
    return result


def config_hash(config: object) -> str:
    """Return 12 hexadecimal digits that name what ``config`` asks for.

    Fields whose metadata say ``identity: False`` (a device, a path whose content is hashed in another
    field) do not count.
    """
    return hash_identity(config_identity(config))


def config_identity(config: object) -> dict[str, Any]:
    """Return the fields of a config that its hash is made of, as plain JSON values."""
    config_to_dict(config)
    result: dict[str, Any] = _identity(config)
    return result


def _identity(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: _identity(getattr(value, f.name))
            for f in dataclasses.fields(value)
            if f.metadata.get("identity", True)
        }
    if isinstance(value, list | tuple):
        return [_identity(item) for item in value]
    return to_json(value)
