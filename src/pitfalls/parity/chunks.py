"""Run compiled chunks of work on all threads.

The compiled functions release the interpreter's lock, so plain threads do. Compared with numba's
own parallel loops there is one compilation less for each kernel, no thread spins while others
work, and two callers at once are safe on every threading layer.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba
import torch

__all__ = ["run_chunks"]


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
