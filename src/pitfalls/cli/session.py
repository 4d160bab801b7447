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
    from rich.console import Console

    from pitfalls.runs import Run, RunStore

__all__ = [
    "Settings",
    "complain",
    "perform",
    "print_table",
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


def perform(config: object, *, command: str | None = None) -> "Run":
    """Run, continue or reuse the run of ``config``, draw its figures and say where it lies.

    Parameters
    ----------
    config : dataclass instance
        The config of a registered experiment.
    command : str, optional
        What the manifest names as its command (default: the line that was typed).
    """
    from pitfalls.cli.progress import TerminalProgress
    from pitfalls.experiments import perform as perform_experiment
    from pitfalls.report.figures import draw_run

    store = run_store()
    run = perform_experiment(
        config,
        store,
        command=command or current_command(),
        threads=_settings.threads,
        fresh=_settings.fresh,
        progress=TerminalProgress(),
    )
    if not run.was_opened:
        remark(f"reused the run of {run.manifest.end}; --fresh starts over")
    # of a run that is reused its own data's warnings: the same pictures may have been found otherwise
    source = None if run.was_opened else getattr(config, "source", None)
    for warning in run.manifest.warnings if source is None else source.warnings:
        complain(warning, kind="warning")
    draw_run(run)
    remark(f"run folder: {run.path}")
    return run


def _console() -> "Console":
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    if console.is_terminal:
        return console
    # a file or a pipe has no width: do not fold what a program may read
    return Console(highlight=False, markup=False, width=200)


def say(text: str) -> None:
    """Print a line of a result to standard output."""
    print(text, flush=True)


def remark(text: str) -> None:
    """Print a line that is no result (where files lie, what was reused) to standard error."""
    print(text, file=sys.stderr, flush=True)


def complain(text: str, kind: str = "error") -> None:
    """Print one line to standard error: ``pitfalls: error: ...``."""
    print(f"pitfalls: {kind}: {text}", file=sys.stderr, flush=True)


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    caption: str | None = None,
) -> None:
    """Print a table; numbers are set to the right, and no cell is read as markup.

    Parameters
    ----------
    title, caption : str
        Above and below the table.
    columns : sequence of str
        The heads.
    rows : sequence of sequences
        Cells; a float is shown with four significant digits.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    numeric = [
        bool(rows) and all(isinstance(row[i], int | float | None) for row in rows)
        for i in range(len(columns))
    ]
    for name, right in zip(columns, numeric, strict=True):
        table.add_column(Text(name), justify="right" if right else "left")
    for row in rows:
        table.add_row(*(Text(format_cell(cell)) for cell in row))
    # title and caption stand outside the table, which would fold them to its own width
    console = _console()
    console.print(Text(title, style="bold"))
    console.print(table)
    if caption:
        console.print(Text(caption))


def format_cell(value: object) -> str:
    """Return a cell's text: yes/no, four significant digits, or the text itself."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


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
