"""Threads: compiled work on all of them, short products of torch on one."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numba
import torch

__all__ = ["one_torch_thread", "run_chunks"]

_lock = threading.Lock()
_inside = 0
_before = 1


def run_chunks(work: Callable[[int], None], n_chunks: int) -> None:
    """Call ``work(0)``, ..., ``work(n_chunks - 1)`` on ``numba.get_num_threads()`` threads.

    Which thread takes which chunk changes nothing as long as each chunk writes to a place of its
    own; what a chunk raises is raised here.
    """
    # numba, asked for the first time, starts its OpenMP layer, which torch shares: torch would go
    # on with another number of threads, and so with other bits
    before = torch.get_num_threads()
    n_threads = min(numba.get_num_threads(), n_chunks)
    if torch.get_num_threads() != before:
        torch.set_num_threads(before)
    if n_threads < 2:
        for chunk in range(n_chunks):
            work(chunk)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        for _ in pool.map(work, range(n_chunks)):
            pass


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
