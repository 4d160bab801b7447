"""Hold torch to one thread where its products are too short to share."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["one_torch_thread"]


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let torch compute on one thread inside the block, or inside the decorated function.

    For products of a few hundred rows a second thread costs more to wake than it saves, and on a
    busy machine the first waits for it.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
