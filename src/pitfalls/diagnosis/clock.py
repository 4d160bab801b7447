"""Time as a budget counts it: what was worked, and not what others held the processor for."""

import time

__all__ = ["Stopwatch"]

_PATIENCE = 4.0  # times the work's time on the wall, at most


class Stopwatch:
    """Counts seconds from its making on.

    On a machine that is shared a process waits. Verdicts would then depend on who else is there: fewer
    steps are taken, fewer examples looked at. So the processor's time counts where it is less than the
    wall's (several threads make it more), but never less than a quarter of the wall's.
    """

    def __init__(self) -> None:
        self._wall, self._worked = time.monotonic(), time.process_time()

    def elapsed(self) -> float:
        """Seconds that count towards a budget."""
        wall = self.wall()
        return max(min(wall, time.process_time() - self._worked), wall / _PATIENCE)

    def wall(self) -> float:
        """Seconds on the wall."""
        return time.monotonic() - self._wall
