"""From a command's words to model, loss, data and optimizer."""

import hashlib
import importlib
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pitfalls.diagnosis import checked_model, examine, leaves
from pitfalls.diagnosis.zoo import find_setup
from pitfalls.errors import DataError, InputError
from pitfalls.escaping import first_line
from pitfalls.experiments.diagnosis.records import DiagnosisConfig
from pitfalls.generators import seed_generators
from pitfalls.images.data import read_arrays
from pitfalls.named import is_named, load_named, named_digest

__all__ = ["Built", "build", "fingerprint_of"]


@dataclass(frozen=True, eq=False)
class Built:
    """What is diagnosed."""

    model: nn.Module
    loss: Any
    x: Any
    y: Any
    optimizer: Any


def build(config: DiagnosisConfig) -> Built:
    """Build what a config names; the global generators are seeded first.

    Raises
    ------
    InputError
        If the target cannot be imported or gives something else.
    DataError
        If the data file cannot be used.
    """
    seed_generators(config.seed)  # a builder may draw from any of them
    kind, _, name = config.target.partition(":")
    given = _zoo(name, config.seed) if kind == "zoo" else _call(config.target)
    model, loss, x, y, optimizer = _parts(given, config.target)
    model = checked_model(model, "diagnose")  # before it is moved and hashed
    if config.data is not None:
        stored = read_arrays(Path(config.data))
        if set(stored) != {"x", "y"}:
            raise DataError(
                f"{config.data}: expected the arrays x and y. Got {', '.join(sorted(stored))}."
            )
        x, y = _numbers(stored["x"], model), _numbers(stored["y"], model)
        y = y if y.is_floating_point() else y.long()  # losses of classes take no shorter ones
    if isinstance(x, Iterator):
        raise InputError(
            f"diagnose: {config.target} gives an iterator, which can be read once, and every question "
            "reads it. Give a list of batches, a Dataset or a DataLoader."
        )
    if x is None:
        raise InputError(f"diagnose: {config.target} gives no data. Name some: --data x.npz")
    model = model.to(config.device)
    return Built(
        model,
        _loss(config.loss, loss, y),
        x,
        y,
        _optimizer(config, optimizer, model),
    )


def fingerprint_of(built: Built, config: DiagnosisConfig) -> str:
    """Hash the source of the user's own parts, what they made, and the examples that are looked at.

    Settings are hashed too, a rate or a dropout: code may read them from a file.
    """
    digest = hashlib.sha256(named_digest(*config.own_code).encode())
    for part in (built.model, built.loss):
        if isinstance(part, nn.Module):
            digest.update(_words(part))
            for name, value in part.state_dict().items():
                digest.update(name.encode())
                if isinstance(value, Tensor):
                    digest.update(_bytes(value))
    for group in getattr(built.optimizer, "param_groups", ()):
        digest.update(_words({key: value for key, value in group.items() if key != "params"}))
    for state in getattr(built.optimizer, "state", {}).values():
        for tensor in leaves(state):
            digest.update(_bytes(tensor))
    with examine(
        built.model, built.loss, built.x, built.y, built.optimizer, who="diagnose", seed=config.seed
    ) as subject:
        samples = subject.samples
        digest.update(_words((samples.n_total, samples.batch_size, samples.order)))
        for tensor in (*leaves(samples.x), *leaves(samples.y)):
            digest.update(_words((tuple(tensor.shape), tensor.dtype)) + _bytes(tensor))
    return digest.hexdigest()


def _words(thing: Any) -> bytes:
    """Return how a thing prints, without the places in memory that some print."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(thing)).encode()


def _bytes(tensor: Tensor) -> bytes:
    plain = tensor.detach().cpu().contiguous()
    plain = plain.float() if plain.dtype == torch.bfloat16 else plain
    return plain.numpy().tobytes()


def _zoo(name: str, seed: int) -> Any:
    case = find_setup(name).build(seed)
    return case.model, case.loss, case.x, case.y, case.optimizer


def _call(target: str) -> Any:
    made = _imported(target, "target")
    try:
        return made()
    except Exception as error:
        raise InputError(
            f"diagnose: {target}() failed with {type(error).__name__}: {first_line(error)}"
        ) from error


def _imported(target: str, what: str) -> Callable[..., Any]:
    module, _, name = target.rpartition(":")
    if module.endswith(".py"):
        found = load_named(f"diagnose: {what}", target)
        return _callable(found, target, what)
    # a module stays imported, so that workers that load its data find its names
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # a file beside the command, as python -m has it
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:
        raise InputError(
            f"diagnose: {what} {target!r} cannot be imported: {first_line(error)}. Give it as "
            "file.py:name, or module:name with the module in this folder or installed."
        ) from error
    return _callable(found, target, what)


def _callable(found: Any, target: str, what: str) -> Callable[..., Any]:
    if not callable(found):
        raise InputError(f"diagnose: {what} {target!r} is no function.")
    made: Callable[..., Any] = found
    return made


def _parts(given: Any, target: str) -> tuple[nn.Module, Any, Any, Any, Any]:
    parts = given if isinstance(given, tuple) else (given,)
    shapes = {1: "m", 2: "ml", 3: "mlo", 5: "mlxyo"}
    named = dict(zip(shapes.get(len(parts), ""), parts, strict=False))
    model = named.get("m")
    if not isinstance(model, nn.Module):
        raise InputError(
            f"diagnose: {target}() must give a model, (model, loss), (model, loss, optimizer) or "
            f"(model, loss, x, y, optimizer). Got {type(given).__name__} of {len(parts)}."
        )
    return model, named.get("l"), named.get("x"), named.get("y"), named.get("o")


def _numbers(array: Any, model: nn.Module) -> Tensor:
    native = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    try:
        tensor = torch.from_numpy(native)
    except TypeError as error:
        raise DataError(f"diagnose: data must be numbers. Got {array.dtype}.") from error
    dtype = next((p.dtype for p in model.parameters()), torch.float32)
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def _squares(outputs: Tensor, y: Tensor) -> Tensor:
    if outputs.shape != y.shape and outputs.numel() == y.numel():
        outputs = outputs.reshape(y.shape)
    return functional.mse_loss(outputs, y)


def _logistic(outputs: Tensor, y: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(outputs.reshape(y.shape), y.to(outputs))


def _absolute(outputs: Tensor, y: Tensor) -> Tensor:
    return functional.l1_loss(outputs.reshape(y.shape), y)


def _hinge(outputs: Tensor, y: Tensor) -> Tensor:
    return torch.relu(1 - outputs.reshape(y.shape) * y).mean()


LOSSES: dict[str, Callable[[Any, Any], Tensor]] = {
    "cross-entropy": functional.cross_entropy,
    "squares": _squares,
    "logistic": _logistic,
    "absolute": _absolute,
    "hinge": _hinge,
}
OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


def _loss(name: str | None, own: Any, y: Any) -> Any:
    if name is None:
        if own is not None:
            return own
        first = next(leaves(y), None)
        whole = first is not None and not first.is_floating_point()
        return LOSSES["cross-entropy" if whole else "squares"]
    if name in LOSSES:
        return LOSSES[name]
    if is_named(name):
        return _imported(name, "loss")
    raise InputError(
        f"diagnose: loss must be one of {', '.join(LOSSES)}, file.py:name or module:name. Got {name!r}."
    )


def _optimizer(config: DiagnosisConfig, own: Any, model: nn.Module) -> Any:
    name = config.optimizer
    if name is None:
        return own
    if name in OPTIMIZERS:
        rate = 0.01 if config.learning_rate is None else config.learning_rate
        return OPTIMIZERS[name](model.parameters(), lr=rate)
    if is_named(name):
        return _imported(name, "optimizer")(model.parameters())
    raise InputError(
        f"diagnose: optimizer must be one of {', '.join(OPTIMIZERS)}, file.py:name or module:name. Got "
        f"{name!r}."
    )
