"""How a serving process divides its interpreter between its event loop, its threads and the collector of cycles.

An event loop that wakes up has to wait until a thread that computes in Python lets go of the interpreter: by default
5 ms, and several times a request. A version that is being loaded holds up every answer so. The interval is shortened,
which costs threads that compute a little.
What many requests under way hold goes up and down by more than the 700 objects after which Python looks for cycles, so
it would do that all the time; it begins later here (docs/decisions/0039-fewer-passes-for-cycles.md). Serve itself takes
out of the collector's sight what is there at the start.
"""

import gc
import sys

SWITCH_S = 0.0005
"""Longest wait for the interpreter beside one thread that computes."""
NEW_OBJECTS = 5_000
"""More containers made than freed since the last pass for cycles that begin the next one."""


def favour_the_event_loop() -> None:
    """Have threads let go of the interpreter sooner and the collector begin later, in all of this process."""
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
