"""The grader's side of a submission: start its process, ask, and never believe more than values."""

import contextlib
import json
import os
import secrets
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from pitfalls.course.grading import channel
from pitfalls.course.grading.calls import Call, Outcome
from pitfalls.course.grading.confinement import (
    PR_SET_DUMPABLE,
    USERS,
    Limits,
    process_control,
)

__all__ = ["Lost", "Sandbox", "Visit", "read_submission"]

ANSWER_LIMIT = 1 << 24
"""Bytes of one frame from the work."""

FILE_LIMIT = 1 << 20
"""Bytes of one file of a submission."""

STRAY_LIMIT = 200
"""Frames of another kind than the answer that one question may bring."""


class Lost(Exception):  # noqa: N818 - the work is lost, not in error
    """The process of the work answers no more; the text says why."""


class Sandbox:
    """Holds the process from which each submission gets a fresh one of its own.

    Examples
    --------
    >>> with Sandbox() as sandbox, sandbox.visit({"work.py": b"f = lambda x: x + 1"}) as visit:
    ...     visit.load("work")
    ...     visit.ask([Call("f", (1,))])[0].value.item()
    2
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None
        self._n_visits = 0

    def __enter__(self) -> Self:
        # no process of the work may look into this one, whoever it runs as
        process_control(PR_SET_DUMPABLE, 0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop()
        process_control(PR_SET_DUMPABLE, 1)

    def visit(self, files: Mapping[str, bytes]) -> "Visit":
        """Start a fresh process that may see these files and no others."""
        self._n_visits += 1
        return Visit(self, files)

    def start(self, folder: str, user: int | None, descriptors: Sequence[int]) -> int:
        """Fork a child of the worker; returns its process number."""
        order = {"do": "start", "folder": folder, "user": user, "limits": asdict(self.limits)}
        for last in (False, True):
            try:
                return int(self._order(order, descriptors)["process"])
            except (OSError, ValueError):
                self._stop()  # the worker is gone: once more with a new one
                if last:
                    raise Lost("the grader cannot start a process for the work") from None
        raise AssertionError

    def end(self, process: int, grace: float) -> dict[str, Any]:
        """End a child; returns its exit code (None: it ran on), processor seconds and peak memory."""
        try:
            return self._order({"do": "end", "process": process, "grace": grace}, ())
        except (OSError, ValueError):
            self._stop()
            return {"code": None, "cpu": 0.0, "peak_kb": 0}

    def user(self) -> int | None:
        """Return a user that no one is, if this process may make one."""
        return USERS[(os.getpid() + self._n_visits) % len(USERS)] if os.geteuid() == 0 else None

    def _order(self, order: Mapping[str, Any], descriptors: Sequence[int]) -> dict[str, Any]:
        orders = self._connect()
        socket.send_fds(orders, [json.dumps(order).encode()], list(descriptors))
        found = json.loads(_line(orders))
        if not isinstance(found, dict):
            raise ValueError
        return found

    def _connect(self) -> socket.socket:
        if self._orders is None:
            ours, theirs = socket.socketpair()
            root = Path(__file__).resolve().parents[3]
            environment = {
                "PATH": os.defpath,
                "PYTHONPATH": str(root),
                "PYTHONHASHSEED": "0",
                "LANG": "C.UTF-8",
                "HOME": "/nonexistent",
                "MPLBACKEND": "agg",
                "OMP_NUM_THREADS": "1",
                "MKL_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
            }
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-B",
                    "-m",
                    "pitfalls.course.grading.worker",
                    str(theirs.fileno()),
                ],
                pass_fds=[theirs.fileno()],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            theirs.close()
            ours.settimeout(120)
            self._orders = ours
            if _line(ours) != b"ready":
                raise OSError("the worker did not start")
        return self._orders

    def _stop(self) -> None:
        if self._orders is not None:
            self._orders.close()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._orders = self._process = None


class Visit:
    """One process with one copy of a submission; restarted by nobody: once lost, it stays lost."""

    def __init__(self, sandbox: Sandbox, files: Mapping[str, bytes]) -> None:
        self.sandbox = sandbox
        self.files = files
        self.notices: list[str] = []
        self.layers: tuple[str, ...] = ()
        self.peak_kb = 0
        self.cpu = 0.0
        self._lost = ""

    def __enter__(self) -> Self:
        self._folder = tempfile.mkdtemp(prefix="work-")
        user = self.sandbox.user()
        for name, content in self.files.items():
            (Path(self._folder) / name).write_bytes(content)
        if user is not None:
            os.chown(self._folder, user, user)
            for name in self.files:
                os.chown(os.path.join(self._folder, name), user, user)
        self._said, path = tempfile.mkstemp(prefix="said-")
        os.unlink(path)
        self._talk, theirs = socket.socketpair()
        try:
            descriptors = [theirs.fileno(), self._said]
            self._number = self.sandbox.start(self._folder, user, descriptors)
        except Lost:
            self._leave()
            raise
        finally:
            theirs.close()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if not self._lost:
            self._end(0.0)
        self._leave()

    def load(self, module: str) -> None:
        """Import a file of the submission.

        Raises
        ------
        Lost
            If it cannot be imported.
        """
        answer = self._exchange({"do": "import", "name": module})
        if answer.get("error"):
            self._lose(f"{module}.py cannot be imported: {self._explain(answer['error'])}", 0.0)

    def ask(self, calls: Sequence[Call]) -> list[Outcome]:
        """Put calls to the work; an exception it raises is an outcome.

        Raises
        ------
        Lost
            If its process ends, hangs, fills the disk, or answers with what is no answer.
        """
        asked = [
            {
                "function": call.function,
                "arguments": list(call.arguments),
                "keep": call.keep,
                "repeat": call.repeat,
            }
            for call in calls
        ]
        message = {"do": "call", "calls": asked, "seed": secrets.randbits(31)}
        found = self._exchange(message).get("outcomes")
        if not isinstance(found, list) or len(found) != len(calls):
            self._lose("what it sends back is no answer", 0.0)
        return [self._outcome(item) for item in found or ()]

    def _outcome(self, found: Any) -> Outcome:
        if not isinstance(found, dict):
            return Outcome(error="what it sends back is no answer")
        if "error" in found:
            kinds = found.get("kinds")
            named = [k for k in kinds if isinstance(k, str)] if isinstance(kinds, list) else []
            return Outcome(error=self._explain(found["error"]), kinds=tuple(named))
        changed = found.get("changed")
        gradients = found.get("gradients")
        return Outcome(
            value=found.get("value"),
            changed=isinstance(changed, list) and any(c is True for c in changed),
            graph=found.get("graph") is True,
            gradients=tuple(gradients) if isinstance(gradients, list) else (),
        )

    def _explain(self, error: Any) -> str:
        text = error if isinstance(error, str) else "an exception without words"
        if "MemoryError" in text or "allocate memory" in text or "bad_alloc" in text:
            return f"it asks for more than the {self.sandbox.limits.memory_mb} MB allowed ({text})"
        return text

    def _exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        if self._lost:
            raise Lost(self._lost)
        number = secrets.randbits(62)
        stream = _Deadline(self._talk, self.sandbox.limits, self._folder)
        try:
            self._talk.settimeout(self.sandbox.limits.call_seconds)
            self._talk.sendall(channel.pack(message | {"number": number}))
            for _ in range(STRAY_LIMIT):
                answer = channel.unpack(stream, ANSWER_LIMIT)
                if answer is None:
                    return self._lose("", 2.0)
                given = answer.get("number")
                if isinstance(given, np.ndarray) and given.shape == () and given == number:
                    return answer
                self._note(answer)
            return self._lose("it sends what nobody asked for, without end", 0.0)
        except channel.ChannelError as error:
            return self._lose(f"it writes to the grader's own channel: {error}", 0.0)
        except TimeoutError as error:
            return self._lose(str(error) or "it does not read what it is asked", 0.0)
        except OSError:
            return self._lose("", 2.0)

    def _note(self, message: dict[str, Any]) -> None:
        layers, notice = message.get("layers"), message.get("notice")
        if isinstance(layers, list) and not self.layers:
            self.layers = tuple(str(layer) for layer in layers)[:8]
        elif isinstance(notice, str):
            self._add(notice[:300])
        else:
            self._add("it writes answers of its own to the grader's channel")

    def _add(self, notice: str) -> None:
        if notice not in self.notices and len(self.notices) < 20:
            self.notices.append(notice)

    def _lose(self, reason: str, grace: float) -> dict[str, Any]:
        code = self._end(grace)
        self._lost = reason or _ending(code, self.sandbox.limits)
        raise Lost(self._lost)

    def _end(self, grace: float) -> int | None:
        found = self.sandbox.end(self._number, grace)
        self.peak_kb, self.cpu = int(found["peak_kb"]), float(found["cpu"])
        code = found["code"]
        return None if code is None else int(code)

    def _leave(self) -> None:
        self._talk.close()
        with os.fdopen(self._said, "rb") as said:
            said.seek(0)
            text = said.read(1 << 16)
        if any(word in text for word in (b'"score"', b'"tests"', b"results.json", b'"outcomes"')):
            self._add("it prints what looks like a verdict; what it prints is not read")
        shutil.rmtree(self._folder, ignore_errors=True)


class _Deadline:
    """Reads from a socket until a moment, and watches the work's folder meanwhile."""

    def __init__(self, talk: socket.socket, limits: Limits, folder: str) -> None:
        self.talk, self.limits, self.folder = talk, limits, folder
        self.until = time.monotonic() + limits.call_seconds

    def recv(self, size: int, /) -> bytes:
        while True:
            left = self.until - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no answer within {self.limits.call_seconds:g} s")
            if select.select([self.talk], [], [], min(left, 0.1))[0]:
                return self.talk.recv(size)
            if _folder_bytes(self.folder) > self.limits.disk_mb * 2**20:
                raise TimeoutError(f"it writes more than the {self.limits.disk_mb} MB allowed")


def _ending(code: int | None, limits: Limits) -> str:
    """Say how a process ended that no longer answers."""
    if code is None:
        return "it closes the grader's channel and runs on"
    if code >= 0:
        return (
            f"its process ended itself with exit code {code} before it answered "
            "(os._exit or a closed channel); nothing else it did counts"
        )
    if -code == signal.SIGXCPU:
        return f"it used more than {limits.cpu_seconds} s of the processor"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
    return f"its process was ended by {name} before it answered"


def _folder_bytes(folder: str) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(root, name)).st_size
    return total


def _line(orders: socket.socket) -> bytes:
    text = b""
    while not text.endswith(b"\n"):
        part = orders.recv(1)
        if not part:
            raise OSError("the worker is gone")
        text += part
    return text[:-1]


def read_submission(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    """Read the files that count, each a plain file of at most 1 MiB: no link and no pipe is followed."""
    found = {}
    for name in names:
        try:
            descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue
        with os.fdopen(descriptor, "rb") as file:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                content = file.read(FILE_LIMIT + 1)
                if len(content) <= FILE_LIMIT:
                    found[name] = content
    return found
