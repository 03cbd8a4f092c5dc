"""Who is let in and who is not: by the limits of a key, and by the pace of a task."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.memory_recorder import MemoryRecorder

from polyloop.errors import OverloadError
from polyloop.registry.keys import KeyInfo
from polyloop.serving.limits.gates import KeyGate, TaskGate, room_of
from polyloop.serving.metrics.table import KEY_REFUSALS
from polyloop.spec.limits import KeyLimits
from polyloop.spec.models import Spec


@pytest.fixture
def recorder() -> MemoryRecorder:
    return MemoryRecorder()


def key(name: str = "web", **limits: int) -> KeyInfo:
    own = KeyLimits(**limits) if limits else None
    return KeyInfo(key_id=name, name=name, scopes=("infer",), created_at=datetime.now(UTC), limits=own)


def test_without_limits_everything_is_let_in(recorder: MemoryRecorder) -> None:
    gate = KeyGate(KeyLimits(), recorder)
    with ExitStack() as open_requests:
        for _ in range(1_000):
            open_requests.enter_context(gate.admitted(key(), "mood", num_inputs=100)).spend(10**9)
    assert not recorder.values


def test_a_key_has_so_many_requests_in_flight_and_again_when_one_is_done(recorder: MemoryRecorder) -> None:
    gate = KeyGate(KeyLimits(max_concurrent=2), recorder)
    with gate.admitted(key(), "mood"):
        with gate.admitted(key(), "mood", num_inputs=64):
            with (
                pytest.raises(OverloadError, match="'web' has 2 requests in flight") as met,
                gate.admitted(key(), "mood"),
            ):
                pass
            assert (met.value.status, met.value.code, met.value.retry_after_s) == (429, "key_concurrency", 1.0)
            with gate.admitted(key("app"), "mood"):
                pass
        with gate.admitted(key(), "mood"):
            pass
    assert recorder.of(KEY_REFUSALS, task="mood", reason="key_concurrency") == [1]


def test_a_request_that_fails_gives_its_place_back(recorder: MemoryRecorder) -> None:
    gate = KeyGate(KeyLimits(max_concurrent=1), recorder)
    for _ in range(3):
        with pytest.raises(ValueError, match="model"), gate.admitted(key(), "mood"):
            raise ValueError("model")


@pytest.mark.parametrize("num_inputs", [1, 5])
def test_each_input_counts_for_the_rate(num_inputs: int, recorder: MemoryRecorder) -> None:
    gate = KeyGate(KeyLimits(requests_per_minute=10), recorder)
    for _ in range(10 // num_inputs):
        with gate.admitted(key(), "mood", num_inputs=num_inputs):
            pass
    with pytest.raises(OverloadError, match=r"used its 10 inputs a minute; come again in 6\.0 s") as met:
        gate.admitted(key(), "mood").__enter__()
    assert met.value.retry_after_s == pytest.approx(6.0, abs=0.1)


def test_tokens_are_charged_afterwards(recorder: MemoryRecorder) -> None:
    gate = KeyGate(KeyLimits(tokens_per_minute=100), recorder)
    with gate.admitted(key(), "mood") as tokens:
        tokens.spend(250)
    with pytest.raises(OverloadError, match="used its 100 tokens a minute") as met:
        gate.admitted(key(), "mood").__enter__()
    assert met.value.retry_after_s == pytest.approx(90.6, abs=0.2)


def test_a_keys_own_limits_take_the_place_of_the_usual_ones(recorder: MemoryRecorder) -> None:
    gate = KeyGate(KeyLimits(requests_per_minute=1), recorder)
    for _ in range(5):
        with gate.admitted(key("partner", tokens_per_minute=1_000), "mood"):
            pass


def num_let_in(gate: TaskGate, task: str, num_requests: int, open_requests: ExitStack) -> int:
    """Return how many of some requests at once are let in; they stay open."""
    for number in range(num_requests):
        try:
            open_requests.enter_context(gate.admitted(task))
        except OverloadError:
            return number
    return num_requests


@pytest.fixture
def spec(spec_data: dict[str, Any]) -> Spec:
    spec_data["serving"] = {"max_wait_s": 0.5}
    spec_data["tasks"]["mood"]["serving"] = {"min_replicas": 2, "max_ongoing_requests": 3}
    spec_data["tasks"]["to-german"]["serving"] = {"min_replicas": 0, "max_ongoing_requests": 4}
    return Spec.model_validate(spec_data)


def test_what_the_kept_replicas_take_is_always_let_in(spec: Spec) -> None:
    assert (room_of(spec.tasks["mood"]), room_of(spec.tasks["to-german"])) == (6, 4)
    gate = TaskGate(spec)
    with ExitStack() as open_requests:
        for _ in range(6):
            open_requests.enter_context(gate.admitted("mood"))
        with pytest.raises(OverloadError, match=r"'mood' has more requests than it can answer within 0\.5 s") as met:
            gate.admitted("mood").__enter__()
        assert (met.value.code, met.value.retry_after_s) == ("overloaded", 60.0)
        with gate.admitted("to-german"):
            pass
    with gate.admitted("mood"):
        pass


def test_more_are_let_in_where_they_would_not_wait(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    gate = TaskGate(spec)
    for _ in range(50):
        with gate.admitted("mood") as work:
            now_s[0] += 0.002
            work.worked_s = 0.002
    with ExitStack() as open_requests:
        # At 500 a second, 0.5 s of waiting and 2 ms of work are 251 requests.
        assert num_let_in(gate, "mood", 1_000, open_requests) == pytest.approx(252, abs=1)
