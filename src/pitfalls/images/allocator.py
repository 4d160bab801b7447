"""Keep freed memory in the process, so that a training step pays for its pages once."""

import ctypes
from functools import cache

__all__ = ["keep_freed_memory"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # from glibc's malloc.h
LARGEST_INT = 2**31 - 1


@cache
def keep_freed_memory() -> bool:
    """Ask glibc to keep freed blocks instead of handing them back to the system.

    By default every tensor above some megabytes is mapped on creation and unmapped when freed, and
    each step touches all its pages anew. With this a step reuses them; the process stays at its
    largest size until it ends. Elsewhere than on glibc nothing happens.

    Returns
    -------
    bool
        Whether the allocator took both settings.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False  # musl, macOS, Windows
    kept = mallopt(M_MMAP_THRESHOLD, 1 << 30)
    trimmed = mallopt(M_TRIM_THRESHOLD, LARGEST_INT)
    return bool(kept and trimmed)
