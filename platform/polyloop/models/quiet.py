"""Keeps transformers from writing progress bars and load reports to the user's terminal.

A context manager; the library's settings are as before when it ends. What goes wrong still comes as an exception.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from transformers.utils import logging

# The functions of this module have no type hints.
transformers_logging: Any = logging


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence progress bars and anything below errors within the block."""
    level = transformers_logging.get_verbosity()
    had_bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if had_bars:
            transformers_logging.enable_progress_bar()
