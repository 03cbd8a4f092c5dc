"""Keeps unit tests fast: a unit test that starts or joins Ray fails, with or without catching the error."""

from collections.abc import Iterator
from typing import Any

import pytest
import ray

RULE = "unit tests may not start Ray; move this test to tests/integration"


@pytest.fixture(autouse=True)
def no_ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make `ray.init`, and all that calls it by itself (tasks, Data, Serve, Train), fail the test."""
    attempts: list[str] = []

    def refuse(*arguments: Any, **options: Any) -> None:
        attempts.append(RULE)
        raise AssertionError(RULE)

    monkeypatch.setattr(ray, "init", refuse)
    yield
    assert not attempts, RULE
    assert not ray.is_initialized(), RULE
