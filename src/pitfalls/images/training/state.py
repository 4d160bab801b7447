"""The state of a run: what is kept to go on from, and whether it is a state of this very run."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from torch import Tensor, nn

from pitfalls.errors import InputError
from pitfalls.images.training.config import TrainConfig

__all__ = ["describe_run", "refuse_other_run", "split_tensors", "unwrapped"]

FREE = ("checkpoint_every", "micro_batches", "channels_last")
"""Of a config: what may be another when a run goes on, as it changes no step but by rounding."""
ANY_LENGTH = ("constant", "annealed")
"""Schemes that do not ask how long a run is: such a run may go on for more epochs."""


def describe_run(
    config: TrainConfig, given: Mapping[str, Callable[..., Any] | None]
) -> dict[str, Any]:
    """Return, as plain values, what decides the steps of a run: settings, and names of given parts."""
    described = {
        field.name: _plain(getattr(config, field.name))
        for field in fields(config)
        if field.name not in FREE
    }
    # what is given in place of a setting counts, and the setting does not
    replaced = {"rate": ("scheme", "rate", "epochs"), "optimizer": ("optimizer",),
                "loss": ("loss",), "transforms": ("transforms",)}  # fmt: skip
    for what, function in given.items():
        if function is not None:
            described |= dict.fromkeys(replaced[what])
            described[f"given {what}"] = _name(function)
    if described["scheme"] in ANY_LENGTH:
        described["epochs"] = None
    return described


def refuse_other_run(kept: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse a state of another run.

    Raises
    ------
    InputError
        Says what differs.
    """
    names = [name for name in {**kept, **now} if kept.get(name) != now.get(name)]
    if names:
        before = ", ".join(f"{name} {kept.get(name)!r}" for name in names)
        after = ", ".join(f"{name} {now.get(name)!r}" for name in names)
        raise InputError(
            f"train: the state is of a run with {before}; this one has {after}. Go on with the same "
            "settings, or start anew."
        )


def split_tensors(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return a state's tensors by part: model, optimizer, average, best."""
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "optimizer": {}, "average": {}, "best": {}}
    for key, value in tensors.items():
        part, _, name = key.partition("/")
        parts[part][name] = value
    return parts


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the module that ``torch.compile`` wrapped: its names are those of the weights."""
    inner = getattr(model, "_orig_mod", model)
    return inner if isinstance(inner, nn.Module) else model


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _name(function: Any) -> str:
    if isinstance(function, list | tuple):
        return ", ".join(map(_name, function))
    kind = function if hasattr(function, "__qualname__") else type(function)
    return f"{kind.__module__}.{kind.__qualname__}"
