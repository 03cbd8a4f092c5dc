"""Whether a model is so quick that the event loop may call it itself, instead of handing the call to a thread.

A hop to a thread and back takes about 0.1 ms, as long as a small model does. The loop calls a model by itself where
each of its last calls was short, and where it has been idle for at least the longest of them: a model that is busy for
half of the time or more has company coming, whose requests a thread answers in shared batches while the loop takes
more. Inputs: when calls began and ended. Output: yes or no. Pure.
What it saves: docs/decisions/0037-quick-calls-on-the-loop.md.
"""

import math
from collections import deque

NUM_CALLS = 32
"""How many calls have to be known."""
LONGEST_S = 0.001
"""Longest call for which other requests of the process may have to wait: as long as what the router itself does for
one of them."""


class Quickness:
    """Follows the calls of one model."""

    def __init__(self) -> None:
        self._took_s: deque[float] = deque(maxlen=NUM_CALLS)
        self._ended_s = -math.inf

    def called(self, began_s: float, ended_s: float) -> float:
        """Note a call, and return how long it took; times by one clock that does not go back."""
        self._took_s.append(ended_s - began_s)
        self._ended_s = ended_s
        return ended_s - began_s

    def is_enough(self, now_s: float) -> bool:
        """Return whether the event loop may make a call now."""
        if len(self._took_s) < NUM_CALLS:
            return False
        longest_s = max(self._took_s)
        return longest_s <= LONGEST_S and now_s - self._ended_s >= longest_s
