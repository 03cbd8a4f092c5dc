"""Tests of keeping transformers quiet."""

import logging
from typing import Any

from transformers.utils import logging as transformers_logging_module

from polyloop.models.quiet import quiet_transformers

transformers_logging: Any = transformers_logging_module


def test_bars_and_warnings_are_off_inside_and_as_before_outside() -> None:
    before = (transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled())
    with quiet_transformers():
        assert transformers_logging.get_verbosity() == logging.ERROR
        assert not transformers_logging.is_progress_bar_enabled()
    assert (transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()) == before
