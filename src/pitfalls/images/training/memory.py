"""What optimisers remember, as tensors by name and plain values, so that a run goes on bit for bit."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from pitfalls.errors import InputError

__all__ = ["load_memory", "optimizer_memory"]

OF_THE_SCHEDULE = ("params", "lr", "scale")
"""Of a group: what is there again without being kept."""


def optimizer_memory(
    model: nn.Module, optimizers: Iterable[torch.optim.Optimizer]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the optimisers' memory: tensors by parameter and name, and all else as plain values.

    Raises
    ------
    InputError
        If an optimiser remembers what has no such form: a run could not go on from it.
    """
    names: dict[Tensor, str] = {p: name for name, p in model.named_parameters()}
    tensors: dict[str, Tensor] = {}
    plain: dict[str, Any] = {}
    for number, optimizer in enumerate(optimizers):
        for parameter, memory in optimizer.state.items():
            name = names[parameter]
            for key, value in memory.items():
                _keep(tensors, plain, f"{name}/{key}", value, optimizer)
        for place, group in enumerate(optimizer.param_groups):
            for key, value in group.items():
                if key not in OF_THE_SCHEDULE:
                    _keep(tensors, plain, f"group {number} {place}/{key}", value, optimizer)
    return tensors, plain


def load_memory(
    model: nn.Module,
    optimizers: Iterable[torch.optim.Optimizer],
    tensors: Mapping[str, Tensor],
    plain: Mapping[str, Any],
) -> None:
    """Put back what `optimizer_memory` gave."""
    optimizers = list(optimizers)
    parameters = dict(model.named_parameters())
    groups = {p: group for o in optimizers for group in o.param_groups for p in group["params"]}
    owner = {p: o for o in optimizers for group in o.param_groups for p in group["params"]}
    for key, value in (*tensors.items(), *plain.items()):
        name, _, entry = key.rpartition("/")
        if name.startswith("group "):
            number, place = map(int, name.split()[1:])
            group = optimizers[number].param_groups[place]
            group[entry] = _like(group.get(entry), value)
            continue
        parameter = parameters[name]
        if isinstance(value, Tensor):
            value = _placed(value, parameter, entry, groups[parameter])
        owner[parameter].state[parameter][entry] = value


def _keep(
    tensors: dict[str, Tensor],
    plain: dict[str, Any],
    key: str,
    value: Any,
    optimizer: torch.optim.Optimizer,
) -> None:
    if isinstance(value, Tensor):
        tensors[key] = value
        return
    try:
        same = _listed(value) == json.loads(json.dumps(value))
    except (TypeError, ValueError):
        same = False
    if not same:
        raise InputError(
            f"train: {type(optimizer).__name__} remembers {key.rpartition('/')[2]!r} as a "
            f"{type(value).__name__}, which no checkpoint holds. Let it remember tensors and numbers."
        )
    plain[key] = value


def _listed(value: Any) -> Any:
    """Return a value as JSON gives it back: tuples as lists."""
    return [_listed(item) for item in value] if isinstance(value, tuple | list) else value


def _like(before: Any, value: Any) -> Any:
    """Return a value in the kind that stood there."""
    if isinstance(before, tuple) and isinstance(value, list):
        return tuple(value)
    if isinstance(before, Tensor) and isinstance(value, Tensor):
        return value.to(before.device)
    return value


def _placed(value: Tensor, parameter: Tensor, entry: str, group: Mapping[str, Any]) -> Tensor:
    """Copy a tensor to where, and in the layout in which, its optimiser expects it."""
    if value.shape == parameter.shape and value.ndim:
        # in the parameter's own memory format: a fused step walks both in memory order
        return torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)
    if entry == "step" and not (group.get("fused") or group.get("capturable")):
        return value.clone()  # torch's optimisers count on the CPU
    return value.to(parameter.device, copy=True)
