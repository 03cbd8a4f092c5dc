"""Peak memory of a process and all it started, sampled by a thread.

Input: nothing but the running process. Output: bytes, as proportional set size: a page that several processes share
counts once, so that shared memory (Ray's object store, forked interpreters) is not taken for more than it is.
Limits: Linux; peaks shorter than the interval can be missed.
"""

import threading
from types import TracebackType
from typing import Self

INTERVAL_S = 0.2


class PeakMemory:
    """Context manager; `peak_bytes` is the highest sum seen since it was entered."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak-memory", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        self.peak_bytes = max(self.peak_bytes, memory_of_tree())
        while not self._done.wait(INTERVAL_S):
            self.peak_bytes = max(self.peak_bytes, memory_of_tree())


def memory_of_tree() -> int:
    """Return the bytes that this process and its descendants hold now."""
    import psutil

    process = psutil.Process()
    total = 0
    for member in (process, *process.children(recursive=True)):
        try:
            total += member.memory_full_info().pss
        except psutil.Error:  # it ended while it was looked at, or it may not be looked at
            continue
    return total
