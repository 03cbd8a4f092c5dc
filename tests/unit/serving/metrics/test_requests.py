"""What is recorded of requests: one outcome each, times and tokens of those that were answered."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing

import pytest
from ray.exceptions import ActorDiedError
from tests.support.memory_recorder import MemoryRecorder
from tests.support.projects import SmallHandle, SmallModel

from polyloop.errors import ClusterError, RequestError
from polyloop.models.contract import PredictInput, Prediction
from polyloop.registry.keys import KeyInfo, authenticate, create_key
from polyloop.registry.store import Store
from polyloop.serving import dispatch
from polyloop.serving.answerer import Answerer
from polyloop.serving.batcher import Batcher
from polyloop.serving.metrics.batches import BatchFigures
from polyloop.serving.metrics.requests import outcome_of
from polyloop.serving.metrics.table import (
    BATCH_ROWS,
    BATCH_SECONDS,
    FIRST_PIECE_SECONDS,
    GUARDRAILS,
    QUEUE_SECONDS,
    REQUEST_SECONDS,
    REQUESTS,
    TOKENS,
)
from polyloop.spec.loader import LoadedSpec
from polyloop.tasks.classify import ClassifyRequest
from polyloop.tasks.translate import TranslateRequest


@pytest.fixture
def recorder() -> MemoryRecorder:
    return MemoryRecorder()


@pytest.fixture
def service(
    loaded: LoadedSpec,
    store: Store,
    champions: dict[str, str],
    handles: dict[str, SmallHandle],
    recorder: MemoryRecorder,
) -> Iterator[Answerer]:
    made = Answerer(loaded, handles, store=store, recorder=recorder)
    yield made
    made.close()


@pytest.fixture
def caller(store: Store) -> KeyInfo:
    key = authenticate(store, create_key(store, "test", ["infer"])[1])
    assert key is not None
    return key


async def test_an_answer_is_counted_with_its_time_and_tokens(
    service: Answerer, caller: KeyInfo, recorder: MemoryRecorder
) -> None:
    answer = await service.answer("mood", ClassifyRequest(input="what a day", locale="en"), caller)
    facts = {"task": "mood", "version": "v1"}
    assert recorder.of(REQUESTS, **facts, locale="en", outcome="answered") == [1]
    (elapsed_s,) = recorder.of(REQUEST_SECONDS, **facts, locale="en")
    assert 0 <= answer.latency_ms <= elapsed_s * 1_000 + 1
    assert recorder.of(TOKENS, **facts, direction="input") == [3]
    assert recorder.of(TOKENS, **facts, direction="output") == [2]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (RequestError("too long", code="input_too_long"), "input_too_long"),
        (ClusterError("gone"), "unavailable"),
        (ZeroDivisionError("oh"), "internal_error"),
    ],
)
async def test_what_failed_is_counted_by_its_code(
    service: Answerer,
    caller: KeyInfo,
    recorder: MemoryRecorder,
    handles: dict[str, SmallHandle],
    error: Exception,
    outcome: str,
) -> None:
    handles["mood"].errors.append(error)
    with pytest.raises(type(error)):
        await service.answer("mood", ClassifyRequest(input="what a day", locale="en"), caller)
    assert recorder.of(REQUESTS, task="mood", version="v1", locale="en", outcome=outcome) == [1]
    assert recorder.of(REQUEST_SECONDS) == []


async def test_a_request_that_is_refused_before_a_version_is_known_has_no_version(
    service: Answerer, caller: KeyInfo, recorder: MemoryRecorder
) -> None:
    with pytest.raises(RequestError):
        await service.answer("mood", ClassifyRequest(input="\u200b", locale="en"), caller)
    assert recorder.of(REQUESTS, task="mood", version="", locale="", outcome="empty_input") == [1]


async def test_a_stream_tells_its_first_piece_once(
    service: Answerer, caller: KeyInfo, recorder: MemoryRecorder
) -> None:
    body = TranslateRequest(input="good morning", locale="en", target_locale="de")
    parts = [part async for part in service.stream("to-german", body, caller)]
    assert len(parts) == 2
    assert len(recorder.of(FIRST_PIECE_SECONDS, task="to-german", version="v1")) == 1
    assert recorder.of(REQUESTS, task="to-german", outcome="answered") == [1]


async def test_who_leaves_a_stream_is_counted_as_such(
    service: Answerer, caller: KeyInfo, recorder: MemoryRecorder
) -> None:
    body = TranslateRequest(input="good morning", locale="en", target_locale="de")
    async with aclosing(service.stream("to-german", body, caller)) as parts:
        await anext(parts)
    assert recorder.of(REQUESTS, task="to-german", outcome="cancelled") == [1]


async def test_a_replica_that_died_and_was_replaced_is_one_answered_request(
    service: Answerer,
    caller: KeyInfo,
    recorder: MemoryRecorder,
    handles: dict[str, SmallHandle],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatch, "RETRY_PAUSE_S", 0.001)
    handles["mood"].errors.append(ActorDiedError())
    await service.answer("mood", ClassifyRequest(input="what a day", locale="en"), caller)
    assert sum(recorder.of(REQUESTS)) == 1
    assert recorder.of(REQUESTS, outcome="answered") == [1]
    assert recorder.of(GUARDRAILS) == []


def test_outcomes_of_errors() -> None:
    assert outcome_of(asyncio.CancelledError()) == "cancelled"
    assert outcome_of(GeneratorExit()) == "cancelled"
    assert outcome_of(RequestError("x", 429, "overloaded")) == "overloaded"


async def test_calls_of_a_model_tell_rows_times_and_waiting(recorder: MemoryRecorder) -> None:
    model = SmallModel("v1")
    batcher: Batcher[PredictInput, Prediction] = Batcher(
        lambda version, items: model.predict(list(items)),
        max_batch_size=4,
        batch_wait_s=0.05,
        on_batch=BatchFigures(recorder, "mood"),
    )
    items = [PredictInput(text=text, locale="en", target_locale="en") for text in "abc"]
    await asyncio.gather(*(batcher.submit("v1", item) for item in items))
    assert recorder.of(BATCH_ROWS, task="mood", version="v1") == [3]
    assert len(recorder.of(BATCH_SECONDS, task="mood", version="v1")) == 1
    (longest_s,) = recorder.of(QUEUE_SECONDS, task="mood")
    assert longest_s > 0
