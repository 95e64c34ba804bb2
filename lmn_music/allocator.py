"""The C library's allocator, told to keep what it has."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # from glibc's malloc.h
_LARGEST = 2**31 - 1


def keep_freed_memory() -> None:
    """Have freed memory kept for the next tensor, where it would be given back to the system and taken anew.

    A training makes and frees tensors of many megabytes all the time, and the system clears every page of each: a sixth
    of the time of an epoch (docs/performance.md). For the whole process; only glibc is told, others are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, _LARGEST)
