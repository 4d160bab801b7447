"""Download one file, going on where an earlier try, or another mirror, stopped.

Hosts are slow and often away, so what has come is never thrown away: it lies beside the target as
``….part`` and the next try asks for the rest only. Pooch decides whether a download is needed and
verifies the checksum before the file gets its name.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError, URLError
from urllib.request import Request

from filelock import FileLock, Timeout

from pitfalls.downloads.watchdog import Watchdog
from pitfalls.errors import DataError

__all__ = ["ResumingDownloader"]

Progress = Callable[[int, int], None]

CHUNK = 1 << 16
PROBE_S = 5.0  # how long a rate is measured before patience is judged
LONGEST_PAUSE_S = 30.0
SLOWEST = 1000  # bytes a second: below that CIFAR-10 takes two days
WINDOW_S = 60.0  # over which that is measured


class _CutError(Exception):
    """The transfer stopped and is worth another try."""


@dataclass
class ResumingDownloader:
    """A downloader for pooch that goes on where an earlier try, or another mirror, stopped.

    Parameters
    ----------
    part : Path
        Where the bytes gather until they are complete.
    expected_bytes : int
        Refuse an answer of another length before it is fetched, and one that says no length as
        soon as it is longer.
    patience : float, optional
        Longest time in seconds that the rest may take; None waits as long as a thousand bytes a
        second come.
    attempts : int, default=5
        Tries in a row that bring no byte before giving up.
    timeout : float, default=30
        Seconds without an answer that count as a cut, however many bytes of one dribble in.
    on_progress : callable, optional
        Called with (bytes done, bytes in all).
    wait : callable
        Sleeps between tries.
    """

    part: Path
    expected_bytes: int
    patience: float | None = None
    attempts: int = 5
    timeout: float = 30.0
    on_progress: Progress | None = None
    wait: Callable[[float], None] = time.sleep
    _started: float = field(default=0.0, init=False)
    _first_byte: int = field(default=0, init=False)
    _window: tuple[float, int] = field(default=(0.0, 0), init=False)

    def __call__(self, url: str, output_file: str | Path, _pooch: object = None) -> None:
        """Download ``url`` to ``output_file``.

        Raises
        ------
        DataError
            If the address does not have the file, or stays cut; the part is kept.
        """
        self.part.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            with self.part.open("a+b") as stream:
                self._gather(url, stream)
            os.replace(self.part, output_file)
            self._note.unlink(missing_ok=True)

    def _gather(self, url: str, stream: BinaryIO) -> None:
        """Transfer until the file is whole, again after every cut."""
        self._started, self._first_byte = time.monotonic(), stream.seek(0, os.SEEK_END)
        self._window = (self._started, self._first_byte)
        idle = 0
        while True:
            before = stream.seek(0, os.SEEK_END)
            try:
                self._transfer(url, stream)
                return
            except (_CutError, URLError, HTTPException, OSError) as error:
                if isinstance(error, DataError):
                    raise
                have = stream.seek(0, os.SEEK_END)
                self._keep_pace(url, have)
                idle = 0 if have > before else idle + 1
                if idle >= (1 if self.patience else self.attempts):
                    raise DataError(f"{url} could not be reached ({_reason(error)}).") from None
                self.wait(min(2.0**idle, LONGEST_PAUSE_S))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep a second process from writing into the same part."""
        lock = FileLock(f"{self.part}.lock", blocking=False)
        try:
            lock.acquire()
        except Timeout:
            raise DataError(f"{self.part} is being downloaded by another process.") from None
        try:
            yield
            if not self.part.exists():  # done: nothing is left to guard
                with suppress(OSError):  # Windows removes no file that is open
                    Path(lock.lock_file).unlink()
        finally:
            lock.release()

    @property
    def _note(self) -> Path:
        """Where the validator of the part's origin is kept, for If-Range."""
        return self.part.with_name(self.part.name + ".json")

    def _transfer(self, url: str, stream: BinaryIO) -> None:
        """Ask for what is missing and append it."""
        have = stream.seek(0, os.SEEK_END)
        headers = {"Accept-Encoding": "identity", "User-Agent": "pitfalls"}
        if have:
            headers["Range"] = f"bytes={have}-"
            validator = self._validator(url)
            if validator:
                headers["If-Range"] = validator
        timeout = min(self.timeout, PROBE_S) if self.patience else self.timeout
        dog = Watchdog(timeout)
        try:
            with dog.open(Request(url, headers=headers), timeout) as answer:
                self._place(url, answer, stream, have)
                self._append(url, answer, stream, dog)
        except HTTPError as error:
            error.close()
            if error.code == 416 and have:  # nothing left, or the part is longer than the file
                if have == self.expected_bytes:
                    return
                stream.truncate(0)
                raise _CutError("the part did not fit") from None
            if error.code in (408, 425, 429) or error.code >= 500:
                raise _CutError(f"status {error.code}") from None
            raise DataError(f"{url} answers with status {error.code}.") from None
        except (OSError, HTTPException, ValueError) as error:
            if dog.bit:
                raise _CutError(f"nothing for {timeout:g} s, or a byte at a time") from None
            if isinstance(error, ValueError):  # a length or a status that is no number
                raise _CutError(f"an answer that is none: {error}") from None
            raise

    def _place(self, url: str, answer: HTTPResponse, stream: BinaryIO, have: int) -> None:
        """Set the stream to where the answer begins, once its length is the expected one."""
        total = int(answer.headers.get("Content-Length") or 0)
        validator = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        if answer.status == 206:
            start, total = _content_range(answer.headers)
            known = self._validator(url)
            if start != have or (known is not None and validator not in (None, known)):
                stream.truncate(0)
                raise _CutError("the answer began elsewhere, or the file has changed")
        else:  # the whole file: the host knows no ranges, or the file has changed
            stream.truncate(0)
        if total and total != self.expected_bytes:
            raise DataError(
                f"{url} offers {total:,} bytes where {self.expected_bytes:,} are expected."
            )
        stream.seek(0, os.SEEK_END)
        self._first_byte = min(self._first_byte, stream.tell())
        self._note.write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")

    def _append(self, url: str, answer: HTTPResponse, stream: BinaryIO, dog: Watchdog) -> None:
        done = stream.tell()
        while chunk := answer.read1(CHUNK):  # what has come, without waiting for more
            dog.beat()
            done += len(chunk)
            if done > self.expected_bytes:
                stream.truncate(0)
                raise DataError(
                    f"{url} sends more than the {self.expected_bytes:,} bytes that are expected."
                )
            try:
                stream.write(chunk)
            except OSError as error:
                raise DataError(f"{self.part} cannot be written: {error.strerror}.") from None
            if self.on_progress is not None:
                self.on_progress(done, self.expected_bytes)
            self._judge(url, done)
            self._keep_pace(url, done)
        stream.flush()
        if done != self.expected_bytes:
            raise _CutError(f"cut after {done:,} of {self.expected_bytes:,} bytes")

    def _keep_pace(self, url: str, done: int) -> None:
        """Give up on a host that dribbles, over one connection or many."""
        start, before = self._window
        now = time.monotonic()
        if now - start < WINDOW_S:
            return
        if done - before < SLOWEST * (now - start):
            raise DataError(f"{url} sends less than {SLOWEST:,} bytes a second; what came is kept.")
        self._window = (now, done)

    def _judge(self, url: str, done: int) -> None:
        """Give up on a host so slow that the rest would outlast the patience."""
        seconds = time.monotonic() - self._started
        if self.patience is None or seconds < PROBE_S:
            return
        rate = (done - self._first_byte) / seconds
        left = (self.expected_bytes - done) / max(rate, 1.0)
        if left > self.patience:
            raise DataError(
                f"{url} sends {rate / 1000:,.0f} kB/s, so the download would take "
                f"{left / 60:,.0f} minutes ('pitfalls images download' goes on from here)."
            )

    def _validator(self, url: str) -> str | None:
        """Return what If-Range may carry: of this address only, and no weak tag."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(note, dict) or note.get("url") != url:
            return None
        validator = note.get("validator")
        if not isinstance(validator, str):
            return None
        return None if validator.startswith("W/") else validator


def _content_range(headers: Message) -> tuple[int, int]:
    """Parse ``bytes 100-199/200`` into (100, 200); an unknown length is 0."""
    try:
        span, total = headers["Content-Range"].removeprefix("bytes ").split("/")
        return int(span.split("-")[0]), 0 if total == "*" else int(total)
    except (AttributeError, ValueError):
        raise _CutError("a partial answer without a range") from None


def _reason(error: Exception) -> str:
    reason = " ".join(str(getattr(error, "reason", None) or error).split())[:200]
    # a server's words may hold anything, what moves a terminal's cursor too
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in reason)
    return shown or type(error).__name__
