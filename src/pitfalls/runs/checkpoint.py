"""Checkpoints: tensors as safetensors, the rest as JSON, checksums over both and over the log."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pitfalls.errors import InputError
from pitfalls.regular import read_regular
from pitfalls.runs import plain
from pitfalls.runs.atomic import make_folder, replace, sync_folder
from pitfalls.runs.config import to_json
from pitfalls.runs.log import fits

__all__ = ["Checkpoint", "read_checkpoints", "read_latest", "write_checkpoint"]

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
    folder: Path,
    step: int,
    tensors: Mapping[str, Any],
    meta: Mapping[str, Any],
    log: tuple[int, str],
) -> None:
    """Save a checkpoint in ``folder`` and drop all but the last two.

    The JSON file is written last and carries the checksum of the tensors: a checkpoint without it, or
    with another checksum, was cut off and is passed over by `read_latest`.

    Parameters
    ----------
    log : tuple of int and str
        Length and SHA-256 of the metric log.
    """
    if step < 0:
        raise InputError(f"save_checkpoint: step must be at least 0, got {step}.")
    from safetensors import SafetensorError

    try:
        data, framework = _serialise(tensors)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"save_checkpoint: the tensors cannot be written ({error}).") from None
    stem = f"step-{step:012d}"
    make_folder(folder)
    replace(folder / f"{stem}.safetensors", data)
    content = {
        "step": step,
        "framework": framework,
        "tensors_sha256": hashlib.sha256(data).hexdigest(),
        "log_bytes": log[0],
        "log_sha256": log[1],
        "meta": to_json(meta),
    }
    content["sha256"] = plain.digest(content)
    replace(folder / f"{stem}.json", plain.dump(content, 2) + b"\n")
    _drop_all_but_last(folder)


def read_latest(folder: Path, log: Path) -> tuple[Checkpoint | None, list[str]]:
    """Return the newest whole checkpoint that fits the log, and a line for each one passed over.

    Those passed over are deleted: kept, they would later count as newer than good ones. So is what a
    killed process left of others.
    """
    complaints: list[str] = []
    latest = None
    for description, found in read_checkpoints(folder):
        if isinstance(found, str):
            complaints.append(
                f"checkpoint {description.name} is damaged and was passed over: {found}"
            )
        elif not fits(log, found[0].log_bytes, found[1]):
            complaints.append(
                f"checkpoint {description.name} does not fit {log.name} and was passed over"
            )
        else:
            latest = found[0]
            break
        description.unlink(missing_ok=True)
    _drop_all_but_last(folder)
    return latest, complaints


def read_checkpoints(folder: Path) -> Iterator[tuple[Path, tuple[Checkpoint, str] | str]]:
    """Yield every checkpoint, newest first, with its log's hash; or what is wrong with it."""
    for description in sorted(folder.glob("step-*.json"), reverse=True):
        try:
            yield description, _read(description)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            text = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
            yield description, " ".join(text.split()) or type(error).__name__


def _read(description: Path) -> tuple[Checkpoint, str]:
    values = plain.load(read_regular(description))
    if values.pop("sha256") != plain.digest(values):
        raise ValueError("its checksum does not match")
    if not _has_right_types(values):
        raise ValueError("its values are not of a checkpoint's types")
    if description.name != f"step-{values['step']:012d}.json":
        raise ValueError(f"it is of step {values['step']}")
    data = read_regular(description.with_suffix(".safetensors"))
    if hashlib.sha256(data).hexdigest() != values["tensors_sha256"]:
        raise ValueError("the checksum of its tensors does not match")
    try:
        tensors = _deserialise(data, values["framework"])
    except Exception as error:  # the format's own error has no better base
        raise ValueError(f"its tensors cannot be read ({error})") from None
    found = Checkpoint(values["step"], tensors, values["meta"], values["log_bytes"])
    return found, values["log_sha256"]


def _has_right_types(values: dict[str, Any]) -> bool:
    wanted = {"step": int, "log_bytes": int, "tensors_sha256": str, "log_sha256": str, "meta": dict}
    return values.get("framework") in ("numpy", "torch") and all(
        type(values.get(name)) is kind for name, kind in wanted.items()
    )


def _drop_all_but_last(folder: Path) -> None:
    """Keep the newest descriptions with their tensors; tensors without one are nothing to go on from."""
    descriptions = sorted(folder.glob("step-*.json"))
    kept = {description.stem for description in descriptions[-KEEP:]}
    tensors = sorted(folder.glob("step-*.safetensors"))
    old = [*descriptions[:-KEEP], *(path for path in tensors if path.stem not in kept)]
    for path in old:
        path.unlink(missing_ok=True)
    if old:
        sync_folder(folder)


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
