"""How the process's allocator treats the memory of tensors that are gone.

Effects on the process alone, for as long as it lives. Limits: glibc on Linux; elsewhere nothing changes.
"""

import ctypes

M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4
"""Parameters of mallopt(3), from glibc's malloc.h."""

NEVER = -1


def give_freed_memory_back() -> None:
    """Give the system what is free now, also where `keep_freed_memory` keeps it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def keep_freed_memory() -> bool:
    """Let the process keep memory that is freed, for the next tensors; return whether its allocator can be told so.

    glibc asks the system for each block over 32 MiB anew and gives it back at once, so that each step of a training
    has all its pages filled with zeros again: about a quarter of the time (docs/lab-notes.md). The process then
    stays as large as it was at its largest.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, NEVER))
