"""What a run was: config, command, versions, machine, times, status."""

import dataclasses
import datetime
import functools
import os
import platform
import subprocess
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

__all__ = ["Manifest", "Status", "describe_machine", "describe_versions", "now"]

Status = Literal["running", "interrupted", "failed", "complete"]

FORMAT = 2
"""Raised when a change makes older run folders unreadable."""


@dataclass
class Manifest:
    """The content of ``manifest.json``.

    Attributes
    ----------
    experiment, name, hash : str
        What was run, and the two parts of the folder's name.
    config : dict
        Every field of the config, those outside the hash too.
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
    """

    experiment: str
    name: str
    hash: str
    config: dict[str, Any]
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
    format: int = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Manifest":
        """Build a manifest from the JSON of an earlier one; unknown fields are an error (TypeError)."""
        return cls(**values)


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


@functools.cache
def describe_versions() -> dict[str, str]:
    """Return the versions of Python and of every package whose numbers could move a result."""
    versions = {"python": platform.python_version()}
    for package in ("pitfalls", "torch", "numpy", "scipy", "scikit-learn", "numba"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


@functools.cache
def describe_machine() -> dict[str, Any]:
    """Return the processor, cores, memory (GiB) and system; no host or user name."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
    }


@functools.cache
def find_commit() -> str | None:
    """Return the commit of the checkout this package runs from, with ``+`` if it is modified."""
    folder = Path(__file__).resolve().parent
    if not any((parent / ".git").exists() for parent in folder.parents):
        return None

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()

    try:
        commit = git("rev-parse", "--short=12", "HEAD")
        modified = git("status", "--porcelain", "--untracked-files=no", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + ("+" if modified else "")


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None
