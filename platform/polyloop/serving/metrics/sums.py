"""Sums up what counters are given, and hands the sums over a few times a second: Ray takes 10 µs for each record.

Input: amounts by series, from any thread. Effect: `hand_over` is called from a thread of its own, once a series, at
most `every_s` after the first amount; while nothing is counted, nothing runs. Limits: a process that dies takes the
amounts of its last `every_s` along, as it does those that Ray had not exported.
"""

import threading
import time
from collections.abc import Callable

EVERY_S = 0.25
"""Well below the seconds in which Ray exports figures, and long enough to sum up hundreds of requests."""

Series = tuple[str, tuple[tuple[str, str], ...]]
"""Name of a counter, and its tags with their values."""


class Sums:
    """The sums of one process."""

    def __init__(self, hand_over: Callable[[str, float, dict[str, str]], None], *, every_s: float = EVERY_S) -> None:
        self._hand_over, self._every_s = hand_over, every_s
        self._sums: dict[Series, float] = {}
        self._lock = threading.Lock()
        self._is_needed = threading.Event()
        threading.Thread(target=self._run, name="sums", daemon=True).start()

    def add(self, name: str, value: float, tags: dict[str, str]) -> None:
        """Add to a series."""
        series = (name, tuple(tags.items()))
        with self._lock:
            if not self._sums:
                self._is_needed.set()
            self._sums[series] = self._sums.get(series, 0.0) + value

    def _run(self) -> None:
        while True:
            self._is_needed.wait()
            time.sleep(self._every_s)
            with self._lock:
                sums, self._sums = self._sums, {}
                self._is_needed.clear()
            for (name, tags), value in sums.items():
                self._hand_over(name, value, dict(tags))
