"""Tests of counting what was learned."""

import pytest
import torch

from polyloop.training.meter import Meter


def test_a_reading_tells_of_the_steps_since_the_last() -> None:
    meter = Meter()
    for loss in (1.0, 3.0):
        meter.add(torch.tensor(loss), torch.tensor(2 * loss), 50)
    reading = meter.read()
    assert reading.loss == pytest.approx(2.0)
    assert reading.gradient_norm == 6.0
    assert reading.tokens_per_s > 0
    nothing = meter.read()
    assert (nothing.loss, nothing.tokens_per_s) == (None, 0.0)
    assert nothing.elapsed_s >= reading.elapsed_s


def test_a_look_is_due_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = Meter()
    assert not meter.is_due()
    monkeypatch.setattr("polyloop.training.meter.INTERVAL_S", 0.0)
    assert meter.is_due()
