"""What every command shares: settings, the run store, progress, tables, plain speech."""

import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Literal

from pitfalls.errors import InputError

if TYPE_CHECKING:
    from pitfalls.runs import RunStore

__all__ = [
    "Settings",
    "complain",
    "remark",
    "resolve_device",
    "run_store",
    "say",
    "settings",
]


@dataclass(frozen=True)
class Settings:
    """The options that every command takes."""

    seed: int = 123
    threads: int | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    runs: Path | None = None
    fresh: bool = False
    debug: bool = False
    json: bool = False


_settings = Settings()
_tokens: tuple[str, ...] = ()


def package_version() -> str:
    """Return the installed version; looked up only when asked for."""
    from importlib.metadata import version

    return version("pitfalls")


def start(values: Settings, tokens: Sequence[str]) -> None:
    """Take over the settings of this process; called once, before any heavy import."""
    global _settings, _tokens
    if not 0 <= values.seed < 2**63:
        raise InputError(f"--seed must be at least 0 and below 2^63, got {values.seed}.")
    if values.threads is not None and values.threads < 1:
        raise InputError(f"--threads must be at least 1, got {values.threads}.")
    _settings, _tokens = values, tuple(tokens)
    if values.threads is not None:
        for name in (
            "OMP_NUM_THREADS",
            "MKL_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "NUMBA_NUM_THREADS",
        ):
            os.environ[name] = str(values.threads)


def settings() -> Settings:
    """Return the options that hold for this command."""
    return _settings


def resolve_device() -> str:
    """Return ``cpu`` or ``cuda``; refuses ``cuda`` where there is none."""
    if _settings.device == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if _settings.device == "cuda":
        raise InputError(
            "--device cuda: torch finds no CUDA device here. Use --device cpu or auto."
        )
    return "cpu"


def run_store() -> "RunStore":
    """Return the folder of run folders that ``--runs`` names."""
    from pitfalls.runs import RunStore

    return RunStore(_settings.runs)


def command_line(arguments: Sequence[str]) -> str:
    """Return the command to type again, without what only starts over or debugs."""
    return shlex.join(["pitfalls", *(a for a in arguments if a not in ("--fresh", "--debug"))])


def current_command(tokens: Sequence[str] | None = None) -> str:
    """Return the running command as it goes into a manifest: with the settings that matter.

    ``tokens`` stand in for the command's own words, where some of them do not matter.
    """
    words = _tokens if tokens is None else tokens
    line = ["pitfalls", *words]
    if _settings.seed != Settings.seed:
        line += ["--seed", str(_settings.seed)]
    source = os.environ.get("PITFALLS_DATA")
    # without the variable the same line would run on other pictures
    prefix = f"PITFALLS_DATA={shlex.quote(source)} " if source and _reads_pictures(words) else ""
    return prefix + shlex.join(line)


def _reads_pictures(words: Sequence[str]) -> bool:
    return bool(words) and words[0] in ("images", "report") and "--data" not in words


def say(text: str) -> None:
    """Print a line of a result: to standard output, which with --json is for tables alone."""
    print(text, file=sys.stderr if _settings.json else None, flush=True)


def remark(text: str) -> None:
    """Print a line that is no result (where files lie, what was reused) to standard error."""
    print(text, file=sys.stderr, flush=True)


def complain(text: str, kind: str = "error") -> None:
    """Print one line to standard error: ``pitfalls: error: ...``."""
    print(f"pitfalls: {kind}: {text}", file=sys.stderr, flush=True)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let a polite kill (SIGTERM) end the work as Ctrl-C does: saved, and ready to go on."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        previous = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
