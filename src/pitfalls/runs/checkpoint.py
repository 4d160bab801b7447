"""Checkpoints: tensors as safetensors, the rest as JSON, a checksum over both."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pitfalls.errors import InputError
from pitfalls.runs.atomic import write_bytes, write_json
from pitfalls.runs.config import to_json

__all__ = ["Checkpoint", "read_latest", "write_checkpoint"]

KEEP = 2


@dataclass(frozen=True)
class Checkpoint:
    """A state to go on from.

    Attributes
    ----------
    step : int
        The counter it was saved under.
    tensors : dict
        NumPy arrays or torch tensors, as they were saved (a mix comes back as torch tensors).
    meta : dict
        Plain JSON values saved beside them.
    log_bytes : int
        Length of the metric log when it was saved.
    """

    step: int
    tensors: dict[str, Any]
    meta: dict[str, Any]
    log_bytes: int


def write_checkpoint(
    folder: Path, step: int, tensors: Mapping[str, Any], meta: Mapping[str, Any], log_bytes: int
) -> None:
    """Save a checkpoint in ``folder`` and drop all but the last two.

    The JSON file is written last and carries the checksum of the tensors: a checkpoint without it, or
    with another checksum, was cut off and is passed over by `read_latest`.
    """
    if step < 0:
        raise InputError(f"save_checkpoint: step must be at least 0, got {step}.")
    data, framework = _serialise(tensors)
    stem = f"step-{step:012d}"
    write_bytes(folder / f"{stem}.safetensors", data)
    write_json(
        folder / f"{stem}.json",
        {
            "step": step,
            "framework": framework,
            "sha256": hashlib.sha256(data).hexdigest(),
            "log_bytes": log_bytes,
            "meta": to_json(meta),
        },
    )
    for old in sorted(folder.glob("step-*.json"))[:-KEEP]:
        # the description goes first: tensors without one are passed over
        old.unlink(missing_ok=True)
        old.with_suffix(".safetensors").unlink(missing_ok=True)


def read_latest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """Return the newest whole checkpoint of ``folder``, and a line for each damaged one passed over."""
    complaints: list[str] = []
    for description in sorted(folder.glob("step-*.json"), reverse=True):
        try:
            values = json.loads(description.read_text(encoding="utf-8"))
            data = description.with_suffix(".safetensors").read_bytes()
            if hashlib.sha256(data).hexdigest() != values["sha256"]:
                raise ValueError("its checksum does not match")
            return (
                Checkpoint(
                    step=values["step"],
                    tensors=_deserialise(data, values["framework"]),
                    meta=values["meta"],
                    log_bytes=values["log_bytes"],
                ),
                complaints,
            )
        except (OSError, ValueError, KeyError) as error:
            complaints.append(
                f"checkpoint {description.name} is damaged and was passed over: {error}"
            )
    return None, complaints


def _serialise(tensors: Mapping[str, Any]) -> tuple[bytes, str]:
    if all(isinstance(value, np.ndarray | np.generic) for value in tensors.values()):
        from safetensors.numpy import save

        # ascontiguousarray alone would turn a scalar into a vector
        return save({k: np.asarray(v).copy(order="C") for k, v in tensors.items()}), "numpy"
    import torch
    from safetensors.torch import save as save_torch

    return (
        save_torch(
            {
                # a clone, because the format refuses tensors that share memory
                name: torch.as_tensor(value).detach().cpu().contiguous().clone()
                for name, value in tensors.items()
            }
        ),
        "torch",
    )


def _deserialise(data: bytes, framework: str) -> dict[str, Any]:
    if framework == "numpy":
        from safetensors.numpy import load

        return dict(load(data))
    from safetensors.torch import load as load_torch

    return dict(load_torch(data))
