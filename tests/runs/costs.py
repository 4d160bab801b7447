"""What something costs, counted: no clock that other work could disturb."""

import gc
import os
import sys
from collections.abc import Callable
from typing import Any


def cost(save: Callable[[], object]) -> tuple[int, int]:
    """Return the calls (of Python and C functions) and the bytes written while something is saved."""
    calls = written = 0
    write = os.write

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    def counted(descriptor: int, data: Any) -> int:
        nonlocal written
        written += len(data)
        return write(descriptor, data)

    os.write = counted
    gc.disable()  # what other tests have left is not to be finalised, and counted, here
    sys.setprofile(count)
    try:
        save()
    finally:
        sys.setprofile(None)
        gc.enable()
        os.write = write
    return calls, written
