"""Each request has one id, everywhere, and at most one line of its own, which holds no text."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from ray.serve._private.http_util import RequestIdMiddleware
from tests.support.projects import SmallHandle
from tests.unit.serving.conftest import client_of

from polyloop.errors import ClusterError
from polyloop.registry.keys import list_keys
from polyloop.registry.store import Store
from polyloop.serving.observing.asked import is_good_id
from polyloop.serving.router import Router
from polyloop.spec.loader import LoadedSpec

SECRET = "my very secret sentence"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """Return the facts of each access line so far."""
    caplog.set_level(logging.DEBUG, logger="polyloop.access")
    return lambda: [vars(record)["access"] for record in caplog.records if record.name == "polyloop.access"]


@pytest.fixture
async def told_all(
    loaded: LoadedSpec, champions: dict[str, str], handles: dict[str, SmallHandle]
) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(loaded, handles, "all") as client:
        yield client


@asynccontextmanager
async def serving(
    loaded: LoadedSpec, handles: dict[str, SmallHandle], access_log: str
) -> AsyncIterator[httpx.AsyncClient]:
    spec = loaded.spec.model_copy(update={"serving": loaded.spec.serving.model_copy(update={"access_log": access_log})})
    changed = LoadedSpec(**{**vars(loaded), "spec": spec})
    service = Router(changed, handles)
    async with client_of(service.app()) as client:
        yield client
    service.close()


async def ask(client: httpx.AsyncClient, headers: dict[str, str], **body: Any) -> httpx.Response:
    return await client.post("/v1/tasks/mood", json={"input": SECRET, "locale": "en", **body}, headers=headers)


@pytest.mark.parametrize(
    "sent",
    ["a", "7f0c2b6e-96d4-4f39-9f4f-8d1f2e7c5a10", "Root=1-67891233-abcdef012345678912345678", "x" * 128, "A/b+c=="],
)
async def test_an_id_that_is_sent_goes_to_the_replica_and_into_errors(
    router: httpx.AsyncClient, bearer: dict[str, str], handles: dict[str, SmallHandle], sent: str
) -> None:
    await ask(router, {**bearer, "X-Request-Id": sent})
    assert [call.request_id for call in handles["mood"].calls] == [sent]
    refused = await ask(router, {**bearer, "X-Request-Id": sent}, locale="fr")
    assert refused.json()["request_id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 129, "two words", 'quo"te', "semi;colon", "tab\there", "ümlaut".encode()])
async def test_an_id_that_could_not_stand_in_a_line_is_replaced(
    router: httpx.AsyncClient, bearer: dict[str, str], handles: dict[str, SmallHandle], sent: str | bytes
) -> None:
    header = sent.encode() if isinstance(sent, str) else sent
    headers = httpx.Headers([(b"Authorization", bearer["Authorization"].encode()), (b"X-Request-Id", header)])
    body = {"input": SECRET, "locale": "en"}
    answer = await router.post("/v1/tasks/mood", json=body, headers=headers)
    (call,) = handles["mood"].calls
    assert call.request_id is not None
    assert is_good_id(call.request_id)
    assert call.request_id.encode() != header
    assert answer.headers["x-request-id"] == call.request_id


async def test_a_request_without_an_id_gets_one_that_the_client_is_told(
    router: httpx.AsyncClient, bearer: dict[str, str], handles: dict[str, SmallHandle]
) -> None:
    answers = [await ask(router, bearer) for _ in range(3)]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert ids == [call.request_id for call in handles["mood"].calls]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("sent", [None, "an-id-of-the-client"])
async def test_behind_serve_the_id_comes_back_once(
    loaded: LoadedSpec,
    champions: dict[str, str],
    handles: dict[str, SmallHandle],
    bearer: dict[str, str],
    sent: str | None,
) -> None:
    service = Router(loaded, handles)
    async with client_of(RequestIdMiddleware(service.app())) as client:
        answer = await ask(client, {**bearer, **({"X-Request-Id": sent} if sent else {})})
    service.close()
    assert answer.headers.get_list("x-request-id") == [call.request_id for call in handles["mood"].calls]
    assert sent in (None, answer.headers["x-request-id"])


async def test_an_unforeseen_failure_is_told_with_its_id(
    router: httpx.AsyncClient,
    bearer: dict[str, str],
    handles: dict[str, SmallHandle],
    caplog: pytest.LogCaptureFixture,
) -> None:
    handles["mood"].errors.append(ZeroDivisionError("oh"))
    answer = await ask(router, {**bearer, "X-Request-Id": "abc"})
    assert (answer.status_code, answer.json()["request_id"]) == (500, "abc")
    assert "request abc to /v1/tasks/mood failed" in caplog.text


async def test_a_line_tells_what_became_of_a_request_and_no_text(
    told_all: httpx.AsyncClient, bearer: dict[str, str], store: Store, lines: Lines
) -> None:
    await ask(told_all, bearer, user="ana-the-user")
    (line,) = lines()
    assert line.pop("latency_ms") > 0
    assert line == {
        "method": "POST",
        "route": "/v1/tasks/{task}",
        "status": 200,
        "outcome": "answered",
        "locale": "en",
        "key_id": list_keys(store)[0].key_id,
        "input_tokens": 3,
        "output_tokens": 2,
        "inputs": 1,
    }


async def test_no_line_holds_a_text_a_secret_or_a_path(
    told_all: httpx.AsyncClient,
    bearer: dict[str, str],
    handles: dict[str, SmallHandle],
    lines: Lines,
) -> None:
    await told_all.post(f"/v1/tasks/{SECRET}", json={"input": "x"}, headers=bearer)
    await told_all.post(f"/v1/{SECRET}", json={"input": "x"}, headers=bearer)
    await ask(told_all, {"Authorization": f"Bearer {SECRET}"})
    await ask(told_all, bearer, user="ana-the-user")
    assert [line["status"] for line in lines()] == [404, 404, 401, 200]
    everything = repr(lines())
    for hidden in (SECRET, SECRET.replace(" ", "%20"), "ana-the-user", bearer["Authorization"][-20:]):
        assert hidden not in everything


@pytest.mark.parametrize(("access_log", "told"), [("none", []), ("failures", [422, 503]), ("all", [200, 422, 503])])
async def test_the_spec_says_which_requests_get_a_line(
    loaded: LoadedSpec,
    champions: dict[str, str],
    handles: dict[str, SmallHandle],
    bearer: dict[str, str],
    lines: Lines,
    access_log: str,
    told: list[int],
) -> None:
    async with serving(loaded, handles, access_log) as client:
        await ask(client, bearer)
        await ask(client, bearer, locale="fr")
        handles["mood"].errors.append(ClusterError("gone"))
        await ask(client, bearer)
        await client.get("/healthz")
    assert [line["status"] for line in lines()] == told


async def test_faults_are_warnings(
    told_all: httpx.AsyncClient,
    bearer: dict[str, str],
    handles: dict[str, SmallHandle],
    lines: Lines,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await ask(told_all, bearer)
    handles["mood"].errors.append(ClusterError("gone"))
    await ask(told_all, bearer)
    levels = [record.levelname for record in caplog.records if record.name == "polyloop.access"]
    assert levels == ["INFO", "WARNING"]


async def test_a_stream_that_breaks_off_is_a_failure_although_its_status_was_sent(
    loaded: LoadedSpec,
    champions: dict[str, str],
    handles: dict[str, SmallHandle],
    bearer: dict[str, str],
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def parts(self: SmallHandle, call: Any) -> AsyncIterator[str]:
        yield "guten"
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(SmallHandle, "_parts", parts)
    headers = {**bearer, "Accept": "text/event-stream"}
    body = {"input": "good morning", "locale": "en", "target_locale": "de"}
    async with serving(loaded, handles, "failures") as client:
        answer = await client.post("/v1/tasks/to-german", json=body, headers=headers)
    assert answer.status_code == 200
    assert [(line["status"], line["outcome"]) for line in lines()] == [(200, "internal_error")]


async def test_several_inputs_are_one_line(told_all: httpx.AsyncClient, bearer: dict[str, str], lines: Lines) -> None:
    texts = {"name": "input", "shape": [5], "datatype": "BYTES", "data": ["a"] * 5}
    locale = {"name": "locale", "shape": [1], "datatype": "BYTES", "data": ["en"]}
    await told_all.post("/v2/models/mood/infer", json={"inputs": [texts, locale]}, headers=bearer)
    (line,) = lines()
    assert (line["inputs"], line["input_tokens"], line["output_tokens"]) == (5, 15, 10)
