"""What every command shares: settings, the run store, progress, tables, plain speech."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Literal

from pitfalls.errors import InputError
from pitfalls.escaping import shown
from pitfalls.frame.terminal import typed
from pitfalls.frame.waiting import choose_waiting

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
    choose_waiting()
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
    words = [a for a in arguments if a not in ("--fresh", "--debug")]
    return _variables(words, "PITFALLS_DATA", "PITFALLS_RUNS") + typed(["pitfalls", *words])


def current_command(tokens: Sequence[str] | None = None) -> str:
    """Return the running command as it goes into a manifest: with the settings that matter.

    ``tokens`` stand in for the command's own words, where some of them do not matter.
    """
    words = _tokens if tokens is None else tokens
    line = ["pitfalls", *words]
    if _settings.seed != Settings.seed:
        line += ["--seed", str(_settings.seed)]
    if _settings.runs is not None:  # in another folder the run is not there to go on with
        line += ["--runs", str(_settings.runs)]
    return _variables(words, "PITFALLS_DATA") + typed(line)


def _variables(words: Sequence[str], *names: str) -> str:
    """Return the variables that these words go by: without them the line would mean something else."""
    given = {word.partition("=")[0] for word in words}
    counts = {
        "PITFALLS_DATA": bool({"images", "report"} & given) and "--data" not in given,
        "PITFALLS_RUNS": "--runs" not in given,
    }
    values = {name: os.environ.get(name) for name in names if counts[name]}
    return "".join(f"{name}={typed([value])} " for name, value in values.items() if value)


def say(text: str) -> None:
    """Print a line of a result: to standard output, which with --json is for tables alone."""
    print(shown(text, keep="\n"), file=sys.stderr if _settings.json else None, flush=True)


def remark(text: str) -> None:
    """Print a line that is no result (where files lie, what was reused) to standard error."""
    print(shown(text), file=sys.stderr, flush=True)


def complain(text: str, kind: str = "error") -> None:
    """Print one line to standard error: ``pitfalls: error: ...``."""
    print(f"pitfalls: {kind}: {shown(text)}", file=sys.stderr, flush=True)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let a polite kill (SIGTERM), or a terminal that closes (SIGHUP), end the work as Ctrl-C does.

    What is saved is kept and can be gone on with. Under ``nohup`` a closed terminal stays ignored.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    numbers = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    try:
        previous = {number: signal.signal(number, stop) for number in numbers}
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
