"""Keeping torch on one thread where its products are too short for more to gain."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["one_torch_thread"]

_lock = threading.Lock()
_inside = 0
_before = 1


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let torch use one thread inside the block; nests, and may be entered from many threads.

    On short products a second thread mostly waits, and on a busy machine it waits for a whole
    time slice. Sums also come out the same whatever number of threads torch had.
    """
    global _inside, _before
    with _lock:
        if _inside == 0:
            _before = torch.get_num_threads()
            torch.set_num_threads(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                torch.set_num_threads(_before)
