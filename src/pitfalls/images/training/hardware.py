"""What a training step can get out of this machine: kept memory, bfloat16 units."""

import ctypes
from functools import cache

import torch

__all__ = ["has_fast_bfloat16", "keep_freed_memory"]

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


def has_fast_bfloat16(device: str = "cpu") -> bool:
    """Whether bfloat16 has units of its own here; elsewhere it is many times slower than float32."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
