"""A work in a forked process, with a fault at one of its system calls."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
MODES = {
    "kill before": 1,
    "kill after": 2,
    "half write, then kill": 3,
    "short write": 4,
    "disk full once": 5,
    "disk full from then on": 6,
    "input/output error": 7,
    "interrupted call": 8,
}
PR_SET_PDEATHSIG = 1
READS = {"open", "read"}
"""Calls that change nothing: killed there, a process leaves what it would have left a call before."""


def compiler() -> str | None:
    """Return a C compiler's path; the faults need one."""
    return shutil.which("cc") or shutil.which("gcc")


def preload() -> None:
    """Start this program again with the faults preloaded, unless they are."""
    if hasattr(ctypes.CDLL(None), "fault_arm"):
        os.environ.pop("LD_PRELOAD", None)  # not in the processes that this one starts
        return
    library = Path(tempfile.mkdtemp(prefix="faults-")) / "faults.so"
    command = [str(compiler()), "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    os.environ["LD_PRELOAD"] = str(library)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


@dataclass(frozen=True)
class Outcome:
    """How a forked work ended.

    Attributes
    ----------
    code : int
        Its exit code; minus the signal's number if it was killed; -999 if it never ended.
    output : str
        What it printed.
    """

    code: int
    output: str

    @property
    def killed(self) -> bool:
        """Whether the fault, or the time limit, ended it."""
        return self.code == -signal.SIGKILL

    @property
    def said(self) -> list[str]:
        """The lines in which it said what was wrong."""
        return [line for line in self.output.splitlines() if line.startswith("pitfalls: error:")]

    @property
    def fault(self) -> str:
        """What is wrong with the way it ended, whatever the system did to it; empty if nothing."""
        if "Traceback" in self.output or "unexpected" in self.output:
            return f"raw error: {self.output[-300:]}"
        if self.code == -999:
            return "never ended"
        if self.killed or self.code == 0:
            return ""
        if self.code not in (1, 2, 130):
            return f"ended with {self.code}: {self.output[-300:]}"
        return (
            ""
            if len(self.said) == 1
            else f"{len(self.said)} lines for an error: {self.output[-300:]}"
        )


def forked(
    work: Callable[[], int],
    folder: Path,
    *,
    at: int = 0,
    mode: str | None = None,
    log: Path | None = None,
    timeout: float = 300,
) -> Outcome:
    """Run ``work`` in a forked process with a fault at its ``at``-th call below ``folder``.

    Parameters
    ----------
    work : callable
        Returns an exit code.
    folder : Path
        Calls elsewhere are left alone.
    at : int
        From 1; 0 for none.
    mode : str, optional
        One of `MODES`.
    log : Path, optional
        Where the calls are recorded with their data.
    """
    with tempfile.TemporaryFile() as output:
        pid = os.fork()
        if pid == 0:
            os._exit(_child(work, folder, at, mode, log, output.fileno()))
        code = _wait(pid, timeout)
        output.seek(0)
        return Outcome(code, output.read().decode(errors="replace"))


def _child(
    work: Callable[[], int], folder: Path, at: int, mode: str | None, log: Path | None, output: int
) -> int:
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.setsid()
    ctypes.CDLL(None).prctl(
        PR_SET_PDEATHSIG, signal.SIGKILL
    )  # a work does not outlive who waits for it
    number = -1
    if log is not None:
        number = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    arm = ctypes.CDLL(None).fault_arm
    try:
        arm(os.fsencode(folder), ctypes.c_long(at), MODES[mode] if mode else 0, number)
        code = work()
    except BaseException:
        traceback.print_exc()
        code = 99
    arm(b"", ctypes.c_long(0), 0, -1)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _wait(pid: int, timeout: float) -> int:
    deadline = time.monotonic() + timeout
    pause = 0.001
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return -999
        time.sleep(pause)
        pause = min(2 * pause, 0.05)


@dataclass(frozen=True)
class Call:
    """One recorded system call.

    Attributes
    ----------
    kind : str
        ``create``, ``write``, ``sync``, ``rename``, ``unlink``, ``mkdir``, ``rmdir`` or ``truncate`` that
        was done; with ``?`` in front what was about to be done, ``?open`` and ``?read`` too.
    path, other : str
        What it acted on; the new name of a rename.
    at : int
        Offset of a write, size of a truncation.
    data : bytes
    """

    kind: str
    path: str
    other: str
    at: int
    data: bytes


def read_log(log: Path) -> list[Call]:
    """Return the calls that `forked` recorded."""
    content = log.read_bytes()
    calls, position = [], 0
    while position < len(content):
        end = content.index(b"\n", position)
        # names may hold anything but the zero byte; a newline in one is not used here
        kind, path, other, at, size = content[position:end].split(b"\0")
        position = end + 1 + int(size)
        data = content[end + 1 : position]
        calls.append(Call(kind.decode(), os.fsdecode(path), os.fsdecode(other), int(at), data))
    return calls
