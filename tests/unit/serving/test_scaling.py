"""The number of replicas follows the calls in hand, not the hops that carry them."""

import inspect
from typing import Any

import pytest
from ray.serve.config import AutoscalingConfig, AutoscalingContext

from polyloop.serving.scaling import CALLS, replicas_for_calls


def wanted(calls: dict[str, float] | None, *, hops: float, queued: float) -> float:
    given = {
        "config": AutoscalingConfig(target_ongoing_requests=16),
        "total_num_requests": hops,
        "total_queued_requests": queued,
        "aggregated_metrics": None if calls is None else {CALLS: calls},
    }
    fields: dict[str, Any] = dict.fromkeys(inspect.signature(AutoscalingContext).parameters) | given
    return replicas_for_calls(AutoscalingContext(**fields))[0]


@pytest.mark.parametrize(
    ("calls", "hops", "queued", "number"),
    [
        ({"a": 16.0, "b": 16.0}, 4.0, 0.0, 2.0),
        ({"a": 64.0}, 4.0, 0.0, 4.0),
        ({"a": 64.0}, 36.0, 32.0, 6.0),
        ({"a": 0.0}, 0.0, 0.0, 0.0),
        ({}, 32.0, 0.0, 2.0),
        (None, 32.0, 0.0, 2.0),
    ],
)
def test_calls_in_hand_over_the_target(
    calls: dict[str, float] | None, hops: float, queued: float, number: float
) -> None:
    assert wanted(calls, hops=hops, queued=queued) == number
