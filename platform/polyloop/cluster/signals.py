"""Keeps the handlers of signals over what replaces them for good: Ray and Ray Train do."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_handler(number: signal.Signals) -> Iterator[None]:
    """Put the handler of a signal back at the end of the block; outside of the main thread, none can be."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(number)
    try:
        yield
    finally:
        # None stands for a handler that Python did not set and cannot set again.
        if before is not None:
            signal.signal(number, before)
