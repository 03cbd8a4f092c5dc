"""How a serving process divides its interpreter between its event loop and its threads.

An event loop that wakes up has to wait until a thread that computes in Python lets go of the interpreter: by default
5 ms, and several times a request. A version that is being loaded holds up every answer so. The interval is shortened,
which costs threads that compute a little.
"""

import sys

SWITCH_S = 0.0005
"""Longest wait for the interpreter beside one thread that computes."""


def favour_the_event_loop() -> None:
    """Have threads let go of the interpreter sooner, in all of this process."""
    sys.setswitchinterval(SWITCH_S)
