"""How long work says how far it has come; who shows it, if anybody, is not its business."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

__all__ = ["Advance", "Progress", "silent"]

Advance = Callable[[int, int], None]
"""Called with (done, total) as work goes on; what it raises ends the work."""


class Progress(Protocol):
    """Shows how far a piece of long work has come."""

    def __call__(self, label: str, unit: str = "steps") -> AbstractContextManager[Advance]:
        """Open a bar called ``label``; the work reports to the function that comes back."""
        ...


def silent(label: str, unit: str = "steps") -> AbstractContextManager[Advance]:
    """Show nothing: the `Progress` of tests and of library use."""
    return nullcontext(lambda done, total: None)
