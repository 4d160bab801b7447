"""What a run was: config, command, versions, machine, times, status."""

import dataclasses
import datetime
import hashlib
import json
import os
import types
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pitfalls.errors import RunError
from pitfalls.regular import read_regular
from pitfalls.runs import plain
from pitfalls.runs.journal import Change, read_journal

__all__ = [
    "FORMAT",
    "MANIFEST",
    "Manifest",
    "Status",
    "are_records",
    "hash_identity",
    "now",
    "read_manifest",
]

MANIFEST = "manifest.json"

Status = Literal["running", "interrupted", "failed", "complete"]

FORMAT = 2
"""Raised when a change makes older run folders unreadable."""

LARGEST = 64 * 2**20
"""Bytes of a manifest that is still read."""


@dataclass
class Manifest:
    """The content of ``manifest.json``.

    Attributes
    ----------
    experiment, name, hash : str
        What was run, and the two parts of the folder's name.
    config : dict
        Every field of the config, those outside the hash too.
    identity : dict
        The fields whose hash is in the folder's name.
    command : str
        What to type to make this run again.
    seed : int or None
        The config's seed, for readers of the report.
    status : str
        ``running`` in a folder that nobody holds means that the process was killed.
    starts : list of str
        ISO times in UTC, one for each start: more than one means that the run was continued.
    end : str or None
        When the run was completed.
    seconds : float
        Time spent in the run by all its starts that ended in order.
    warnings : list of str
        What a reader of the numbers must know, such as data that are not the official ones.
    entry, code : str or None
        The module of the run function, and the fingerprint of the code behind it.
    files : dict
        Of every file of the run its size in bytes and its SHA-256.
    """

    experiment: str
    name: str
    hash: str
    config: dict[str, Any]
    identity: dict[str, Any]
    command: str = ""
    seed: int | None = None
    status: Status = "running"
    starts: list[str] = field(default_factory=list)
    end: str | None = None
    seconds: float = 0.0
    error: str | None = None
    warnings: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    threads: int | None = None
    commit: str | None = None
    entry: str | None = None
    code: str | None = None
    files: dict[str, list[int | str]] = field(default_factory=dict)
    format: int = FORMAT

    def to_bytes(self) -> bytes:
        """Return the content of ``manifest.json``: JSON with a checksum over all of it."""
        values = dataclasses.asdict(self)
        return plain.dump({**values, "sha256": plain.digest(values)}, 2) + b"\n"


def hash_identity(identity: Any) -> str:
    """Return 12 hexadecimal digits that name what a config asks for."""
    text = json.dumps(identity, sort_keys=True, allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a run folder.

    Raises
    ------
    RunError
        If it is damaged, of another folder, or of a version with another folder format.
    """
    path = folder / MANIFEST
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it has over {LARGEST // 2**20} MiB")
        values = plain.load(read_regular(path))
        if not isinstance(values, dict):
            raise ValueError("it is no JSON object")
        if values.get("format") != FORMAT:
            raise RunError(
                f"{path}: has format {values.get('format')!r:.40}, this version reads {FORMAT}. "
                "Remove the run folder and run the command again."
            )
        digest = values.pop("sha256", None)
        _check_types(values)
        if digest != plain.digest(values):
            raise ValueError("its checksum does not match")
        if not are_records(values["files"]):
            raise ValueError("it names files that are no files of a run")
        manifest = Manifest(**values)
        _check_place(manifest, folder)
        if manifest.status != "complete":  # a last manifest holds everything
            _take_in(manifest, read_journal(folder))
    except RunError:
        raise
    except (OSError, ValueError, TypeError, RecursionError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise RunError(
            f"{path}: is damaged ({reason}). Start over with --fresh, or remove the folder."
        ) from error
    return manifest


def _take_in(manifest: Manifest, changes: list[Change]) -> None:
    """Carry out what the journal notes of files since the manifest was written."""
    if not all(are_records({} if record is None else {name: record}) for name, record in changes):
        raise ValueError("its journal names files that are no files of a run")
    for name, record in changes:
        if record is None:
            manifest.files.pop(name, None)
        else:
            manifest.files[name] = record


def are_records(files: Any) -> bool:
    """Whether ``files`` are sizes and hashes of files in a run folder, by their names."""
    return isinstance(files, dict) and all(
        isinstance(found, list)
        and [type(item) for item in found] == [int, str]
        and not Path(name).is_absolute()
        and ".." not in Path(name).parts
        and "\0" not in name
        for name, found in files.items()
    )


def _check_place(manifest: Manifest, folder: Path) -> None:
    """Refuse a manifest that lies in another run's folder, or was made for another config."""
    name = f"{manifest.name}-{manifest.hash}"
    # a folder on another disk may be called otherwise there, and a link to a run otherwise here
    places = Path(os.path.abspath(folder)), folder.resolve()
    if not any(
        place.parent.name == manifest.experiment
        and (place.name == name or place.name.startswith(f"{name}-older-"))
        for place in places
    ):
        raise ValueError(f"it is the one of {manifest.experiment}/{name}")
    if hash_identity(manifest.identity) != manifest.hash:
        raise ValueError("its config does not have the hash in the folder's name")
    if not _is_part(manifest.identity, manifest.config):
        raise ValueError("its config is not the one that names the folder")


def _is_part(part: Any, whole: Any) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _is_part(part[key], whole[key]) for key in part)
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(_is_part, part, whole))
    return bool(part == whole or (part != part and whole != whole))


def _check_types(values: dict[str, Any]) -> None:
    hints = _hints()
    if wrong := sorted(set(hints) ^ set(values)):
        raise ValueError(f"it lacks or should not have: {', '.join(map(str, wrong))[:80]}")
    for name, hint in hints.items():
        if not _is_a(values[name], hint):
            raise ValueError(f"{name} in it is {json.dumps(values[name])[:40]}, not {hint}")


@cache
def _hints() -> dict[str, Any]:
    return get_type_hints(Manifest)


def _is_a(value: Any, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(_is_a(value, argument) for argument in arguments)
    if origin is Literal:
        return value in arguments
    if origin is list:
        return type(value) is list and all(_is_a(item, arguments[0]) for item in value)
    if origin is dict:
        return type(value) is dict and all(_is_a(item, arguments[1]) for item in value.values())
    return type(value) is (hint or type(None)) or (hint is float and type(value) is int)


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
