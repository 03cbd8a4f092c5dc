"""The spans of requests through the real router and replica: what there is, below what, and what is never told."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode
from ray.exceptions import ActorDiedError
from tests.support.memory_spans import MemorySpans, is_child, told
from tests.support.projects import SmallHandle, publish
from tests.unit.serving.conftest import client_of

from polyloop.registry.presence import beat
from polyloop.registry.releases import set_canary
from polyloop.registry.store import Store
from polyloop.serving import dispatch
from polyloop.serving.collector import Collector
from polyloop.serving.router import Router
from polyloop.serving.tracing import spans as spans_module
from polyloop.spec.loader import LoadedSpec, load_spec

TRACE_ID, PARENT_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE_ID}-{PARENT_ID}-01"
SECRET = "my very secret sentence"


@pytest.fixture
def spans() -> MemorySpans:
    return MemorySpans()


@pytest.fixture
def service(
    loaded: LoadedSpec, champions: dict[str, str], handles: dict[str, SmallHandle], spans: MemorySpans
) -> Iterator[Router]:
    made = Router(loaded, handles, tracing=spans.tracing("router"))
    yield made
    made.close()


@pytest.fixture
async def client(service: Router) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service.app()) as made:
        yield made


async def ask(client: httpx.AsyncClient, headers: dict[str, str], **body: Any) -> httpx.Response:
    return await client.post("/v1/tasks/mood", json={"input": SECRET, "locale": "en", **body}, headers=headers)


async def test_a_request_is_one_trace_from_the_clients_span_to_the_call(
    client: httpx.AsyncClient, bearer: dict[str, str], spans: MemorySpans, handles: dict[str, SmallHandle]
) -> None:
    answer = await ask(client, {**bearer, "traceparent": TRACEPARENT, "tracestate": "other=1"})
    assert answer.status_code == 200
    request, inference, call = spans.one("POST /v1/tasks/{task}"), spans.one("inference"), spans.one("call")
    assert request.parent is not None
    assert (f"{request.parent.trace_id:032x}", f"{request.parent.span_id:016x}") == (TRACE_ID, PARENT_ID)
    assert is_child(spans.one("store"), request)
    assert is_child(inference, request)
    assert is_child(call, inference)
    assert told(request)["http.response.status_code"] == 200
    facts = told(inference)
    assert facts.pop("inference_id")
    assert facts == {
        "task": "mood",
        "version": "v1",
        "locale": "en",
        "target_locale": "en",
        "is_canary": False,
        "propensity": 1.0,
        "attempts": 1,
        "outcome": "answered",
        "input_tokens": 3,
        "output_tokens": 2,
    }
    (sent,) = handles["mood"].calls
    assert sent.trace == {
        "traceparent": f"00-{TRACE_ID}-{call.context.span_id:016x}-01",
        "tracestate": "other=1",
    }


async def test_a_key_that_is_known_costs_no_span_of_the_store(
    client: httpx.AsyncClient, bearer: dict[str, str], spans: MemorySpans
) -> None:
    for _ in range(3):
        await ask(client, bearer)
    assert len(spans.named("store")) == 1
    assert len({span.context.trace_id for span in spans.named("POST /v1/tasks/{task}")}) == 3


async def test_no_text_key_user_or_path_is_told(
    client: httpx.AsyncClient, bearer: dict[str, str], spans: MemorySpans, handles: dict[str, SmallHandle]
) -> None:
    handles["mood"].errors.append(ValueError(f"no luck with {SECRET}"))
    for _ in range(2):
        await ask(client, bearer, user="ana-the-user", session="her-session")
    await client.post(f"/v1/tasks/{SECRET}", json={"input": "x"}, headers=bearer)
    await client.post(f"/v1/nothing/{SECRET}", json={"input": "x"}, headers=bearer)
    everything = " ".join(span.to_json() for span in spans.all())
    assert len(spans.all()) > 8
    for hidden in (SECRET, SECRET.replace(" ", "%20"), "ana-the-user", "her-session", bearer["Authorization"][-20:]):
        assert hidden not in everything


async def test_an_attempt_that_met_a_lost_replica_is_a_span_of_its_own(
    client: httpx.AsyncClient,
    bearer: dict[str, str],
    spans: MemorySpans,
    handles: dict[str, SmallHandle],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatch, "RETRY_PAUSE_S", 0.001)
    handles["mood"].errors.append(ActorDiedError())
    assert (await ask(client, bearer)).status_code == 200
    first, second = spans.named("call")
    assert (told(first)["attempt"], told(first)["error.type"]) == (1, "ActorDiedError")
    assert first.status.status_code is StatusCode.ERROR
    assert (told(second)["attempt"], second.status.status_code) == (2, StatusCode.UNSET)
    assert told(spans.one("inference"))["attempts"] == 2
    first_sent, second_sent = handles["mood"].calls
    assert first_sent.trace != second_sent.trace


@pytest.mark.parametrize(
    ("body", "status", "outcome", "is_error"),
    [({"input": "\u200b"}, 422, "empty_input", False), ({"locale": "fr"}, 422, "unknown_locale", False)],
)
async def test_a_clients_mistake_is_told_and_is_no_fault(
    client: httpx.AsyncClient,
    bearer: dict[str, str],
    spans: MemorySpans,
    body: dict[str, str],
    status: int,
    outcome: str,
    is_error: bool,
) -> None:
    assert (await ask(client, bearer, **body)).status_code == status
    inference = spans.one("inference")
    assert (told(inference)["outcome"], told(inference)["error.type"]) == (outcome, outcome)
    assert (inference.status.status_code is StatusCode.ERROR) == is_error
    assert spans.one("POST /v1/tasks/{task}").status.status_code is StatusCode.UNSET


async def test_a_fault_is_told_as_one(
    client: httpx.AsyncClient, bearer: dict[str, str], spans: MemorySpans, handles: dict[str, SmallHandle]
) -> None:
    handles["mood"].errors.append(ZeroDivisionError("oh"))
    assert (await ask(client, bearer)).status_code == 500
    for name in ("POST /v1/tasks/{task}", "inference", "call"):
        assert spans.one(name).status.status_code is StatusCode.ERROR
    assert told(spans.one("inference"))["outcome"] == "internal_error"
    assert told(spans.one("POST /v1/tasks/{task}"))["http.response.status_code"] == 500


async def test_the_canary_is_told(
    loaded: LoadedSpec,
    store: Store,
    champions: dict[str, str],
    handles: dict[str, SmallHandle],
    bearer: dict[str, str],
    spans: MemorySpans,
) -> None:
    from datetime import UTC, datetime, timedelta

    publish(store, "mood", digest="b")
    beat(store, "mood-1", "mood", ["v1", "v2"], datetime.now(UTC) + timedelta(hours=1))
    set_canary(store, "mood", "v2", 0.5, actor="test", reason="a try")
    service = Router(loaded, handles, tracing=spans.tracing("router"))
    async with client_of(service.app()) as client:
        for number in range(12):
            await ask(client, bearer, user=f"name-{number}")
    service.close()
    assert {(told(span)["version"], told(span)["is_canary"]) for span in spans.named("inference")} == {
        ("v1", False),
        ("v2", True),
    }


async def test_inputs_side_by_side_have_their_own_spans_below_one_request(
    client: httpx.AsyncClient, bearer: dict[str, str], spans: MemorySpans
) -> None:
    texts = {"name": "input", "shape": [5], "datatype": "BYTES", "data": ["a"] * 5}
    locale = {"name": "locale", "shape": [1], "datatype": "BYTES", "data": ["en"]}
    answer = await client.post("/v2/models/mood/infer", json={"inputs": [texts, locale]}, headers=bearer)
    assert answer.status_code == 200
    request = spans.one("POST /v2/models/{task}/infer")
    inferences = spans.named("inference")
    assert len(inferences) == 5
    assert all(is_child(one, request) for one in inferences)
    assert {one.parent.span_id for one in spans.named("call") if one.parent} == {
        one.context.span_id for one in inferences
    }


async def test_a_stream_is_traced_to_its_last_piece(
    client: httpx.AsyncClient, bearer: dict[str, str], spans: MemorySpans, handles: dict[str, SmallHandle]
) -> None:
    headers = {**bearer, "Accept": "text/event-stream"}
    body = {"input": "good morning", "locale": "en", "target_locale": "de"}
    answer = await client.post("/v1/tasks/to-german", json=body, headers=headers)
    assert "guten Morgen" in answer.text
    request, inference = spans.one("POST /v1/tasks/{task}"), spans.one("inference")
    assert is_child(inference, request)
    assert is_child(spans.one("call"), inference)
    assert told(inference)["outcome"] == "answered"
    assert (inference.end_time or 0) <= (request.end_time or 0)


async def test_guardrails_have_a_span_below_which_their_judge_has_its_own(
    loaded: LoadedSpec,
    champions: dict[str, str],
    handles: dict[str, SmallHandle],
    bearer: dict[str, str],
    spans: MemorySpans,
    tmp_path: Path,
) -> None:
    import yaml

    data = yaml.safe_load(loaded.path.read_text())
    judge = {"guard": "offensive", "task": "mood", "label": "bad", "threshold": 0.2, "action": "flag"}
    data["tasks"]["to-german"]["guardrails"] = [judge]
    loaded.path.write_text(yaml.safe_dump(data))
    service = Router(load_spec(loaded.path), handles, tracing=spans.tracing("router"))
    async with client_of(service.app()) as client:
        body = {"input": "good morning", "locale": "en", "target_locale": "de"}
        answer = await client.post("/v1/tasks/to-german", json=body, headers=bearer)
    service.close()
    assert answer.status_code == 200, answer.text
    first = spans.named("guardrails")[0]
    assert is_child(first, spans.one("inference"))
    assert told(first) == {"on": "input", "fired": "offensive", "attempts": 1}
    judged = [span for span in spans.named("call") if told(span)["task"] == "mood"]
    assert judged
    assert is_child(judged[0], first)


async def test_feedback_is_traced_with_its_commit(
    loaded: LoadedSpec, client: httpx.AsyncClient, bearer: dict[str, str], spans: MemorySpans
) -> None:
    inference_id = (await ask(client, bearer)).json()["id"]
    service = Collector(loaded, tracing=spans.tracing("collector"))
    async with client_of(service.app(), root_path="/v1/feedback") as collector:
        answer = await collector.post("/v1/feedback", json={"inference_id": inference_id, "rating": 1}, headers=bearer)
    service.close()
    assert answer.status_code == 201, answer.text
    request = next(span for span in spans.all() if span.name.startswith("POST /v1/feedback"))
    (commit,) = [span for span in spans.named("store") if told(span)["what"] == "feedback"]
    assert is_child(commit, request)


async def test_what_is_not_the_api_is_not_traced(client: httpx.AsyncClient, spans: MemorySpans) -> None:
    for path in ("/healthz", "/readyz", "/docs"):
        await client.get(path)
    assert spans.all() == ()


async def test_where_the_sampler_says_no_nothing_is_made_here_or_in_the_replica(
    loaded: LoadedSpec,
    champions: dict[str, str],
    handles: dict[str, SmallHandle],
    bearer: dict[str, str],
    spans: MemorySpans,
) -> None:
    service = Router(loaded, handles, tracing=spans.tracing("router", sampler="parentbased_always_off"))
    async with client_of(service.app()) as client:
        await ask(client, bearer)
        assert spans.all() == ()
        assert [call.trace for call in handles["mood"].calls] == [None]
        await ask(client, {**bearer, "traceparent": TRACEPARENT})
        assert spans.one("inference").context.trace_id == int(TRACE_ID, 16)
        await ask(client, {**bearer, "traceparent": TRACEPARENT.removesuffix("01") + "00"})
    service.close()
    assert len(spans.named("inference")) == 1


@pytest.mark.parametrize("sent", ["", "00-0-0-01", "ff" + TRACEPARENT[2:], "00-" + "0" * 32 + "-" + PARENT_ID + "-01"])
async def test_a_traceparent_that_is_none_begins_a_trace(
    client: httpx.AsyncClient, bearer: dict[str, str], spans: MemorySpans, sent: str
) -> None:
    assert (await ask(client, {**bearer, "traceparent": sent})).status_code == 200
    assert spans.one("POST /v1/tasks/{task}").parent is None


async def test_without_traces_no_span_is_made(
    router: httpx.AsyncClient,
    bearer: dict[str, str],
    handles: dict[str, SmallHandle],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a span was made")

    monkeypatch.setattr(spans_module.RecordedSpan, "__init__", refuse)
    monkeypatch.setattr(spans_module.Span, "__init__", refuse, raising=False)
    answer = await ask(router, {**bearer, "traceparent": TRACEPARENT})
    assert answer.status_code == 200
    assert [call.trace for call in handles["mood"].calls] == [None]


async def test_requests_at_once_keep_their_traces_apart(
    client: httpx.AsyncClient, bearer: dict[str, str], spans: MemorySpans, handles: dict[str, SmallHandle]
) -> None:
    await asyncio.gather(*(ask(client, bearer) for _ in range(20)))
    by_trace: dict[int, list[ReadableSpan]] = {}
    for span in spans.all():
        by_trace.setdefault(span.context.trace_id, []).append(span)
    assert len(by_trace) == 20
    for group in by_trace.values():
        names = sorted(span.name for span in group if span.name != "store")
        assert names == ["POST /v1/tasks/{task}", "call", "inference"]
