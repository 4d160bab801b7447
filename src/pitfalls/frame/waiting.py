"""How threads without work wait: looking for some, or asleep where others want the processor."""

import os
import statistics
import time
from pathlib import Path

__all__ = ["choose_waiting", "others_run"]

LOADAVG = Path("/proc/loadavg")
LOOPS = "20000"  # of GCC's OpenMP, which torch is built with
LOOKS, BETWEEN = 7, 0.001
"""How often it is looked which threads run, and seconds between two looks."""


def choose_waiting() -> None:
    """Let threads sleep where others run beside them; before the first import that starts threads.

    A thread that looks for work in a loop is there at once when a layer begins: alone, sleepers make a
    step of ``benchmarks/threads.py`` a tenth longer to three times as long. Where there are others a
    loop takes the processor from whoever has work, and is the slower by far. Alone, it looks for some
    tenths of a millisecond and not for several: longer, and torch's threads stand in the way of the
    program's own between two layers. What the environment says already stays. Which it was stands in the
    manifest, with the machine; it moves no bit.
    """
    if "OMP_WAIT_POLICY" in os.environ or "GOMP_SPINCOUNT" in os.environ:
        return
    if others_run():
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    else:
        os.environ["GOMP_SPINCOUNT"] = LOOPS


def others_run(loadavg: Path = LOADAVG) -> bool:
    """Return whether another thread of this machine runs at most of a few looks, or none can be seen.

    Parameters
    ----------
    loadavg : Path
        Linux's ``/proc/loadavg``: its fourth word is "threads that run or want to / threads".
    """
    n_running = []
    try:
        for _ in range(LOOKS):
            n_running.append(int(loadavg.read_text().split()[3].split("/")[0]))
            time.sleep(BETWEEN)
    except (OSError, ValueError, IndexError):
        return True
    return statistics.median(n_running) > 1  # this thread is one of them
