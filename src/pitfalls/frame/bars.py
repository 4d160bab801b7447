"""Progress on standard error: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pitfalls.escaping import shown
from pitfalls.progress import Advance

__all__ = ["TerminalProgress"]

PATIENCE = 2.0
"""Seconds: shorter work shows nothing."""

PLAIN_INTERVAL = 10.0
"""Seconds between two lines where there is no terminal."""


class TerminalProgress:
    """Shows how far a piece of work has come, its rate and the time left."""

    @contextmanager
    def __call__(self, label: str, unit: str = "steps") -> Iterator[Advance]:
        """Show the work called ``label`` while the block runs."""
        label = shown(label)
        if sys.stderr.isatty():
            with _bar(label, unit) as advance:
                yield advance
        else:
            yield _lines(label, unit)


@contextmanager
def _bar(label: str, unit: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    start = time.monotonic()
    task = progress.add_task(label, total=None, rate="")
    rate = _Rate()

    def advance(done: int, total: int) -> None:
        if time.monotonic() - start > PATIENCE and not progress.live.is_started:
            progress.start()
        speed = rate(done)
        shown = f"{_number(speed)} {unit}/s" if speed else ""
        progress.update(task, completed=done, total=total or None, rate=shown)

    try:
        yield advance
    finally:
        progress.stop()


def _lines(label: str, unit: str) -> Advance:
    start = last = time.monotonic()
    rate = _Rate()

    def advance(done: int, total: int) -> None:
        nonlocal last
        speed = rate(done)
        clock = time.monotonic()
        # a first sign after a few seconds, then one line every so often
        due = PATIENCE if last == start else PLAIN_INTERVAL
        if clock - last < due or not total:
            return
        last = clock
        pace = f", {_number(speed)}/s, {_duration((total - done) / speed)} left" if speed else ""
        print(
            f"{label}: {100 * done / total:.0f} % ({done}/{total} {unit}{pace})",
            file=sys.stderr,
            flush=True,
        )

    return advance


class _Rate:
    """Work a second since the first report, so that what a resumed run had done does not count."""

    def __init__(self) -> None:
        self.first: tuple[int, float] | None = None

    def __call__(self, done: int) -> float | None:
        """Return the rate, None as long as there is none to tell."""
        clock = time.monotonic()
        if self.first is None:
            self.first = (done, clock)
        before, start = self.first
        return (done - before) / (clock - start) if done > before and clock > start else None


def _number(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
