"""What work does beside its task, told by name: a courtesy to the reader of the verdict, not a wall.

The walls are the operating system's (``confinement``) and the grader's own (values, not words).
"""

import os
import sys
from collections.abc import Callable
from typing import Any, Final

__all__ = ["Survey", "survey", "watch"]

WATCHED: Final = (
    "builtins", "json", "random", "math", "numpy", "numpy.linalg", "numpy.random", "numpy.testing",
    "torch", "torch.autograd", "torch.linalg", "torch.nn.functional", "torch.testing",
)  # fmt: skip

DEVICES: Final = ("/dev/null", "/dev/urandom", "/dev/random", "/dev/zero")
PROCESSES: Final = (
    "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system", "subprocess.Popen",
)  # fmt: skip


class Survey:
    """What numpy, torch and Python's own modules held before any work ran."""

    def __init__(self) -> None:
        import torch

        self._holders: dict[str, Any] = {n: sys.modules[n] for n in WATCHED if n in sys.modules}
        self._holders |= {"torch.Tensor": torch.Tensor, "torch.nn.Module": torch.nn.Module}
        self._held = {name: dict(vars(holder)) for name, holder in self._holders.items()}

    def changes(self) -> list[str]:
        """Name what has another value than before; what is merely added is no change."""
        return [
            f"it replaces {name}.{key}"
            for name, held in self._held.items()
            for key, value in held.items()
            if not key.startswith("__") and vars(self._holders[name]).get(key) is not value
        ]


def survey() -> Survey:
    """Look at numpy, torch and Python's own modules before any work runs."""
    return Survey()


def watch(folder: str, tell: Callable[[str], None]) -> None:
    """Tell, and refuse, what the work tries outside its folder; nothing in Python can undo this."""
    inside = os.path.realpath(folder)
    busy = False

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal busy
        if busy or not (event in ("open", "os.remove", "os.rename", "os.kill")
                        or event in PROCESSES or event.startswith("socket.")):  # fmt: skip
            return
        busy = True
        try:
            notice = _notice(event, arguments, inside)
        finally:
            busy = False
        if notice:
            tell(notice)
            raise PermissionError(f"the grader refuses this: {notice}")

    sys.addaudithook(look)


def _notice(event: str, arguments: tuple[Any, ...], inside: str) -> str | None:
    if event in PROCESSES:
        return f"it tries to start a process ({event})"
    if event.startswith("socket."):
        return "it tries to open a network connection"
    if event == "os.kill":
        return "it tries to send a signal to a process"
    path = arguments[0]
    if not isinstance(path, str | bytes | os.PathLike):
        return None
    full = os.path.realpath(os.fsdecode(path))
    if full == inside or full.startswith(inside + os.sep) or full in DEVICES:
        return None
    if event != "open":
        return f"it tries to change {full}"
    flags = arguments[2] if isinstance(arguments[2], int) else 0
    if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND):
        return f"it tries to write {full}"
    secret = ("/autograder", "/grade/", "/proc/", "course/grading")
    if any(part in full for part in secret):
        return f"it tries to read {full}"
    return None
