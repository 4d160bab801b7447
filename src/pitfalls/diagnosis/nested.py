"""Batches and outputs that are nests of tensors: tuples, lists and mappings, to any depth."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

__all__ = ["Nest", "join", "leaves", "map_leaves", "select"]

Nest: TypeAlias = Any
"""A tensor, or a tuple, list or mapping of nests; anything else in it is left as it is."""


def leaves(nest: Nest) -> Iterator[Tensor]:
    """Go through the tensors of a nest in order."""
    if isinstance(nest, Tensor):
        yield nest
    elif isinstance(nest, Mapping):
        for value in nest.values():
            yield from leaves(value)
    elif isinstance(nest, list | tuple):
        for value in nest:
            yield from leaves(value)


def map_leaves(function: Callable[[Tensor], Any], nest: Nest) -> Nest:
    """Apply a function to every tensor and keep the shape of the nest."""
    if isinstance(nest, Tensor):
        return function(nest)
    if isinstance(nest, Mapping):
        return _like(nest, {key: map_leaves(function, value) for key, value in nest.items()})
    if isinstance(nest, list | tuple):
        parts = [map_leaves(function, value) for value in nest]
        if isinstance(nest, list):
            return parts
        # a named tuple takes its fields one by one
        return type(nest)(*parts) if hasattr(nest, "_fields") else tuple(parts)
    return nest


def _like(mapping: Mapping[Any, Any], parts: dict[Any, Any]) -> Any:
    """Return a mapping of the same kind where it allows: some answer to their keys as attributes."""
    if type(mapping) is dict:
        return parts
    try:
        made: Any = copy.copy(mapping)
        for key, part in parts.items():
            made[key] = part
    except Exception:  # one that does not change, or takes no other tensors
        return parts
    return made


def select(nest: Nest, indices: Tensor) -> Nest:
    """Copy the rows with those indices out of every tensor."""
    return map_leaves(lambda t: t.index_select(0, indices.to(t.device)), nest)


def join(nests: Sequence[Nest]) -> Nest:
    """Put nests of one structure together along the first axis of their tensors."""
    first = nests[0]
    if isinstance(first, Tensor):
        return torch.cat(list(nests))
    if isinstance(first, Mapping):
        return _like(first, {key: join([nest[key] for nest in nests]) for key in first})
    if isinstance(first, list | tuple):
        parts = [join([nest[i] for nest in nests]) for i in range(len(first))]
        if isinstance(first, list):
            return parts
        return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)
    return first
