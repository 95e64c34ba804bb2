"""The C library's allocator, set up to keep the memory that it has."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # from glibc's malloc.h
_LARGEST = 2**31 - 1


def keep_freed_memory() -> None:
    """Keep freed memory for the next tensor, for the rest of the process.

    Otherwise it is given back to the system and taken anew: a training makes and frees tensors of many megabytes all
    the time, and the system clears every page of each, a sixth of the time of an epoch (docs/performance.md). Only
    glibc has this setting; with another C library nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, _LARGEST)
