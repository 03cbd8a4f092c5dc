"""Serving processes hand the interpreter over sooner, and look for cycles less often."""

import gc
import sys
from collections.abc import Iterator

import pytest

from polyloop.serving.interpreter import favour_the_event_loop


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    interval_s, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(0.005)
    gc.set_threshold(700, 10, 10)
    yield
    sys.setswitchinterval(interval_s)
    gc.set_threshold(*threshold)


def test_threads_and_the_collector_leave_more_to_the_event_loop() -> None:
    favour_the_event_loop()
    assert sys.getswitchinterval() == pytest.approx(0.0005)
    assert gc.get_threshold() == (5_000, 10, 10)
    favour_the_event_loop()
    assert gc.get_threshold() == (5_000, 10, 10)
