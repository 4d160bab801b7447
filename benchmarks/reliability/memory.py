"""The most memory that this process has had, and forgetting it.

``getrusage`` hands a process the most that the one which started it ever had; Linux' VmHWM is its own.
"""

import contextlib
from pathlib import Path

__all__ = ["forget_most_memory", "most_memory"]


def most_memory() -> int:
    """Return the most bytes resident at once since the start, or since it was forgotten."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status does not tell the most memory")


def forget_most_memory() -> None:
    """Let `most_memory` begin anew with what is resident now."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
