"""The router's routes, over ASGI and without Serve: answers, refusals, and what is written down."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pytest
from ray.exceptions import ActorDiedError
from ray.serve.exceptions import BackPressureError
from tests.support.memory_recorder import MemoryRecorder
from tests.support.projects import SmallHandle, publish
from tests.support.wire_site import CITATION, LONG_ALIVE, RuleHandle
from tests.unit.serving.conftest import client_of

from polyloop.errors import RequestError
from polyloop.feedback.ids import digest_input, verify
from polyloop.registry.columns import utc_now
from polyloop.registry.keys import create_key
from polyloop.registry.presence import beat
from polyloop.registry.releases import Release, promote, set_canary
from polyloop.registry.store import Store, open_store
from polyloop.registry.tables import inferences
from polyloop.serving import dispatch
from polyloop.serving.answerer import Answerer
from polyloop.serving.answering import Piece
from polyloop.serving.auth import project_signing_key
from polyloop.serving.calls import Reply
from polyloop.serving.choice import choose, sticky_key
from polyloop.serving.router import Router
from polyloop.spec.loader import LoadedSpec, load_spec
from polyloop.tasks.base import TaskAnswer
from polyloop.tasks.translate import TranslateRequest

Headers = dict[str, str]

OIP_INPUT = {"name": "input", "shape": [1], "datatype": "BYTES", "data": ["a"]}


async def ask(router: httpx.AsyncClient, bearer: Headers, task: str = "mood", **body: Any) -> httpx.Response:
    return await router.post(f"/v1/tasks/{task}", json=body, headers=bearer)


async def logged(store: Store, count: int) -> list[Any]:
    """Return the rows of the inference log once there are so many."""
    deadline = time.monotonic() + 5
    rows: list[Any] = []
    while len(rows) < count:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
        with store.read() as connection:
            rows = list(connection.execute(inferences.select()))
    return rows


@pytest.mark.parametrize("path", ["/v1/tasks/", "/healthz/", "/console/", "/v1/releases/"])
async def test_nobody_is_sent_on_to_where_a_host_header_says(
    router: httpx.AsyncClient, bearer: Headers, path: str
) -> None:
    response = await router.get(path, headers={**bearer, "Host": "elsewhere.example"})
    assert (response.status_code, "location" in response.headers) == (404, False)
    assert response.headers["content-type"] == "application/problem+json"


async def test_an_answer_carries_a_signed_id_that_tells_what_answered(
    router: httpx.AsyncClient, bearer: Headers, store: Store
) -> None:
    response = await ask(router, bearer, input="  what a day ", locale="en")
    answer = response.json()
    assert response.status_code == 200
    assert answer.pop("latency_ms") >= 0
    claim = verify(answer.pop("id"), project_signing_key(store))
    assert answer == {
        "task": "mood",
        "locale": "en",
        "version": "v1",
        "output": "good",
        "scores": {"good": 0.75, "bad": 0.25},
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    assert (claim.task, claim.version, claim.locale, claim.propensity) == ("mood", "v1", "en", 1.0)
    assert claim.input_digest == digest_input("what a day", project_signing_key(store))


async def test_the_replicas_get_the_champion_and_the_normalised_text(
    router: httpx.AsyncClient, bearer: Headers, handles: dict[str, SmallHandle]
) -> None:
    await ask(router, bearer, task="to-german", input=" good\n morning ")
    (call,) = handles["to-german"].calls
    assert (call.version, call.text, call.target_locale) == ("v1", "good morning", "de")


async def test_an_inference_is_logged_under_the_id_of_its_answer(
    router: httpx.AsyncClient, bearer: Headers, store: Store
) -> None:
    answer = (await ask(router, bearer, input="what a day", locale="en", user="ana")).json()
    claim = verify(answer["id"], project_signing_key(store))
    (row,) = await logged(store, 1)
    assert (row.inference_id, row.input, row.output, row.user) == (claim.inference_id, "what a day", "good", "ana")


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("What a wonderful day it was for all of us!", "en"),
        ("Das war ein schöner Tag für uns alle!", "de"),
        ("7", "und"),
    ],
)
async def test_the_locale_is_told_when_none_is_given(
    router: httpx.AsyncClient, bearer: Headers, text: str, locale: str
) -> None:
    assert (await ask(router, bearer, input=text)).json()["locale"] == locale


async def test_an_input_without_locale_is_never_taken_for_one_that_the_task_only_writes(
    router: httpx.AsyncClient, bearer: Headers
) -> None:
    response = await ask(router, bearer, task="to-german", input="Hotel Restaurant Taxi")
    assert response.status_code == 200
    assert response.json()["target_locale"] == "de"


async def test_a_long_input_without_spaces_does_not_hold_up_the_event_loop(
    router: httpx.AsyncClient, bearer: Headers, loaded: LoadedSpec, handles: dict[str, SmallHandle]
) -> None:
    wide = loaded.spec.serving.model_copy(update={"max_body_bytes": 1_000_000})
    service = Router(
        LoadedSpec(
            spec=loaded.spec.model_copy(update={"serving": wide}),
            path=loaded.path,
            digest=loaded.digest,
            variables={},
            lines={},
        ),
        handles,
    )
    async with client_of(service.app()) as client:
        started = time.perf_counter()
        response = await ask(client, bearer, input="天气很好" * 20_000)
    service.close()
    assert response.status_code == 200
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"input": ""}, "invalid_request"),
        ({"input": " \n\u200b\u2060"}, "empty_input"),
        ({"input": 5}, "invalid_request"),
        ({"input": None}, "invalid_request"),
        ({"input": ["a"]}, "invalid_request"),
        ({}, "invalid_request"),
        ({"input": "a", "locale": "fr"}, "unknown_locale"),
        ({"input": "a", "target_locale": "fr"}, "invalid_request"),
        ({"input": "a", "locale": "not a tag"}, "invalid_request"),
        ({"input": "a", "session": ""}, "invalid_request"),
        ({"input": "a", "session": "x" * 201}, "invalid_request"),
    ],
)
async def test_a_wrong_request_is_a_422_that_says_what_is_wrong(
    router: httpx.AsyncClient, bearer: Headers, handles: dict[str, SmallHandle], body: dict[str, Any], code: str
) -> None:
    response = await ask(router, bearer, **body)
    assert (response.status_code, response.json()["code"]) == (422, code)
    assert handles["mood"].calls == []


async def test_an_unknown_locale_names_those_that_are_taken(router: httpx.AsyncClient, bearer: Headers) -> None:
    assert (await ask(router, bearer, input="a", locale="fr")).json()["detail"].endswith("it takes en, de")
    detail = (await ask(router, bearer, task="to-german", input="a", locale="de")).json()["detail"]
    assert detail.endswith("it takes en")


async def test_an_unknown_task_names_the_tasks(router: httpx.AsyncClient, bearer: Headers) -> None:
    response = await ask(router, bearer, task="no-such", input="a")
    assert (response.status_code, response.json()["code"]) == (404, "unknown_task")
    assert "mood, to-german" in response.json()["detail"]


async def test_a_body_over_the_limit_is_a_413(router: httpx.AsyncClient, bearer: Headers) -> None:
    assert (await ask(router, bearer, input="x" * 2_000)).status_code == 413


async def test_a_task_without_a_champion_is_a_503(
    loaded: LoadedSpec, handles: dict[str, SmallHandle], bearer: Headers
) -> None:
    service = Router(loaded, handles)
    async with client_of(service.app()) as client:
        response = await ask(client, bearer, input="a", locale="en")
    service.close()
    assert (response.status_code, response.json()["code"]) == (503, "no_model")
    assert "polyloop loop run" in response.json()["detail"]


async def test_a_model_that_takes_too_long_is_a_504_and_its_call_is_cancelled(
    router: httpx.AsyncClient, bearer: Headers, handles: dict[str, SmallHandle]
) -> None:
    handles["mood"]._delay_s = 20
    response = await ask(router, bearer, input="a", locale="en")
    await asyncio.sleep(0)  # the loop's next turn cancels it
    assert (response.status_code, response.json()["code"]) == (504, "timeout")
    assert [one.is_cancelled for one in handles["mood"].responses] == [True]


async def test_an_overloaded_task_is_a_429_with_retry_after_and_no_second_try(
    router: httpx.AsyncClient, bearer: Headers, handles: dict[str, SmallHandle]
) -> None:
    handles["mood"].errors = [BackPressureError(num_queued_requests=9, max_queued_requests=9)]
    response = await ask(router, bearer, input="a", locale="en")
    assert (response.status_code, response.json()["code"]) == (429, "overloaded")
    assert response.headers["retry-after"] == "1"
    assert len(handles["mood"].calls) == 1


async def test_a_replica_that_dies_under_a_call_is_not_seen_by_the_client(
    router: httpx.AsyncClient, bearer: Headers, handles: dict[str, SmallHandle], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "RETRY_PAUSE_S", 0.001)
    handles["mood"].errors = [ActorDiedError(), ActorDiedError()]
    assert (await ask(router, bearer, input="a", locale="en")).status_code == 200
    assert len(handles["mood"].calls) == 3


async def test_when_no_replica_stays_alive_it_is_a_503(
    router: httpx.AsyncClient, bearer: Headers, handles: dict[str, SmallHandle], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "RETRY_PAUSE_S", 0.001)
    handles["mood"].errors = [ActorDiedError() for _ in range(9)]
    response = await ask(router, bearer, input="a", locale="en")
    assert (response.status_code, response.json()["code"]) == (503, "no_replica")
    assert len(handles["mood"].calls) == dispatch.MAX_ATTEMPTS


async def test_a_refusal_by_the_model_reaches_the_client_and_is_not_tried_again(
    router: httpx.AsyncClient, bearer: Headers, handles: dict[str, SmallHandle]
) -> None:
    handles["mood"].errors = [RequestError("the input has 99 tokens", 422, "input_too_long")]
    response = await ask(router, bearer, input="a", locale="en")
    assert (response.status_code, response.json()["code"]) == (422, "input_too_long")
    assert len(handles["mood"].calls) == 1


async def test_tasks_are_listed_with_what_they_take_and_serve(router: httpx.AsyncClient, bearer: Headers) -> None:
    tasks = (await router.get("/v1/tasks", headers=bearer)).json()["tasks"]
    assert [(task["task"], task["champion"], task["locales"]) for task in tasks] == [
        ("mood", "v1", ["en", "de"]),
        ("to-german", "v1", ["en", "de"]),
    ]
    assert "input" in tasks[0]["request_schema"]["properties"]


async def test_versions_are_listed_newest_first(router: httpx.AsyncClient, bearer: Headers) -> None:
    models = (await router.get("/v1/models", headers=bearer)).json()["models"]
    assert {(model["task"], model["version"], model["champion"]) for model in models} == {
        ("mood", "v1", True),
        ("to-german", "v1", True),
    }
    assert models == sorted(models, key=lambda model: str(model["created_at"]), reverse=True)


async def test_models_are_also_listed_as_openai_lists_them(router: httpx.AsyncClient, bearer: Headers) -> None:
    body = (await router.get("/v1/models", headers=bearer)).json()
    assert body["object"] == "list"
    names = [(model["id"], model["object"], model["kind"], model["version"]) for model in body["data"]]
    assert names == [("mood", "model", "classify", "v1"), ("to-german", "model", "translate", "v1")]
    assert all(abs(model["created"] - time.time()) < 600 for model in body["data"])
    assert (await router.get("/v1/models/mood", headers=bearer)).json() == body["data"][0]
    missing = await router.get("/v1/models/v1", headers=bearer)
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_model")


async def test_a_task_without_a_champion_is_no_model_to_ask(
    loaded: LoadedSpec, handles: dict[str, SmallHandle], store: Store, bearer: Headers
) -> None:
    promote(store, "mood", publish(store, "mood"), actor="test", reason="first")
    publish(store, "to-german")
    service = Router(loaded, handles)
    async with client_of(service.app()) as client:
        body = (await client.get("/v1/models", headers=bearer)).json()
    service.close()
    assert [model["id"] for model in body["data"]] == ["mood"]
    assert {model["task"] for model in body["models"]} == {"mood", "to-german"}


async def test_a_client_that_accepts_events_gets_the_output_in_pieces(
    router: httpx.AsyncClient, bearer: Headers
) -> None:
    headers = {**bearer, "Accept": "text/event-stream"}
    response = await ask(router, headers, input="what a day", locale="en")
    assert response.headers["content-type"].startswith("text/event-stream")
    (name, piece), (last_name, answer) = [
        (lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: ")))
        for lines in (event.split("\n") for event in response.text.removesuffix("\n\n").split("\n\n"))
    ]
    assert (name, last_name) == ("piece", "answer")
    assert piece == {"id": answer["id"], "version": "v1", "text": "good"}
    assert answer["scores"] == {"good": 0.75, "bad": 0.25}
    refused = await ask(router, headers, input="a", locale="fr")
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")


async def test_pieces_carry_the_id_of_the_answer_which_alone_is_logged(
    loaded: LoadedSpec, champions: dict[str, str], store: Store
) -> None:
    reply = Reply(output="guten Tag dir", scores=None, num_input_tokens=2, num_output_tokens=3)
    handle = RuleHandle(lambda _: reply)
    service = Answerer(loaded, {"mood": handle, "to-german": handle}, store=store, recorder=MemoryRecorder())
    caller, _ = create_key(store, "test", ["infer"])
    stream = service.stream("to-german", TranslateRequest(input="good day"), caller)
    *pieces, answer = [part async for part in stream]
    left = service.stream("to-german", TranslateRequest(input="good day"), caller)
    assert await anext(left) is not None
    await left.aclose()
    rows = await logged(store, 1)
    service.close()
    assert isinstance(answer, TaskAnswer)
    assert [(one.id, one.version) for one in pieces] == [(answer.id, "v1")] * 3
    assert "".join(one.text for one in pieces if isinstance(one, Piece)) == answer.output == "guten Tag dir"
    assert answer.usage.output_tokens == 3
    assert [one.is_cancelled for one in handle.streams] == [False, True]
    assert [row.inference_id for row in rows] == [verify(answer.id, project_signing_key(store)).inference_id]


async def test_a_key_for_feedback_only_may_not_infer(router: httpx.AsyncClient, store: Store) -> None:
    headers = {"Authorization": f"Bearer {create_key(store, 'widget', ['feedback'])[1]}"}
    assert (await ask(router, headers, input="a")).status_code == 403


async def test_it_is_live_at_once_and_ready_when_replicas_hold_the_champions(
    router: httpx.AsyncClient, store: Store
) -> None:
    assert (await router.get("/healthz")).json() == {"status": "ok", "reasons": {}}
    unready = await router.get("/readyz")
    assert (unready.status_code, unready.json()["status"]) == (503, "not_ready")
    for task in ("mood", "to-german"):
        beat(store, task, task, ["v1"], utc_now())
    assert (await router.get("/readyz")).json() == {"status": "ok", "reasons": {}}


async def test_while_the_store_fails_readiness_is_told_in_its_own_form(
    router: httpx.AsyncClient, store: Store, bearer: Headers
) -> None:
    await ask(router, bearer, input="a", locale="en")
    with store.begin() as connection:
        connection.exec_driver_sql("DROP TABLE replicas")
    reason = "the store cannot say which replicas live"
    for path, body in (
        ("/readyz", {"status": "not_ready", "reasons": {"mood": reason, "to-german": reason}}),
        ("/v2/health/ready", {"ready": False}),
        ("/v2/models/mood/ready", {"name": "mood", "ready": False}),
    ):
        answer = await router.get(path, headers=bearer)
        assert (answer.status_code, answer.json()) == (503, body)


async def test_a_request_is_answered_while_every_thread_for_blocking_routes_is_busy(
    router: httpx.AsyncClient, bearer: Headers
) -> None:
    """As when the store hangs and something keeps asking /readyz, which reads it."""
    await ask(router, bearer, input="a", locale="en")
    threads = anyio.to_thread.current_default_thread_limiter()
    holders = [object() for _ in range(int(threads.total_tokens))]
    for holder in holders:
        threads.acquire_on_behalf_of_nowait(holder)
    try:
        paths = ("/v1/tasks/mood", "/v2/models/mood/versions/v1/infer")
        bodies = ({"input": "a", "locale": "en"}, {"inputs": [OIP_INPUT]})
        async with asyncio.timeout(20):
            answers = [
                await router.post(path, json=body, headers=bearer) for path, body in zip(paths, bodies, strict=True)
            ]
    finally:
        for holder in holders:
            threads.release_on_behalf_of(holder)
    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.fixture
async def with_canary(
    loaded: LoadedSpec, store: Store, champions: dict[str, str], handles: dict[str, SmallHandle]
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a router whose task mood has the canary v2 with a weight of a quarter, held by its replica."""
    publish(store, "mood", digest="b")
    beat(store, "mood-1", "mood", ["v1", "v2"], utc_now() + LONG_ALIVE)
    set_canary(store, "mood", "v2", 0.25, actor="test", reason="a try")
    service = Router(loaded, handles)
    async with client_of(service.app()) as client:
        yield client
    service.close()


@pytest.mark.parametrize("field", ["user", "session"])
async def test_a_canary_answers_its_users_and_the_id_and_the_log_tell_the_propensity(
    with_canary: httpx.AsyncClient, bearer: Headers, store: Store, handles: dict[str, SmallHandle], field: str
) -> None:
    release = Release(task="mood", champion="v1", canary="v2", canary_weight=0.25)
    claims = {}
    for name in (f"name-{number}" for number in range(12)):
        expected = choose(release, sticky_key(**{"user": None, "session": None, field: name}))
        assert expected is not None
        answers = [(await ask(with_canary, bearer, input="a", locale="en", **{field: name})).json() for _ in range(2)]
        assert [answer["version"] for answer in answers] == [expected.version] * 2
        claim = verify(answers[0]["id"], project_signing_key(store))
        assert (claim.version, claim.propensity) == (expected.version, expected.propensity)
        claims[claim.inference_id] = claim
    assert {claim.version for claim in claims.values()} == {"v1", "v2"}
    assert {call.version for call in handles["mood"].calls} == {"v1", "v2"}
    rows = await logged(store, 24)
    assert {(row.version, row.propensity) for row in rows} == {("v1", 0.75), ("v2", 0.25)}
    by_id = {row.inference_id: (row.version, row.propensity) for row in rows}
    assert {key: by_id[key] for key in claims} == {
        key: (claim.version, claim.propensity) for key, claim in claims.items()
    }


async def test_a_canary_leaves_other_tasks_alone(with_canary: httpx.AsyncClient, bearer: Headers, store: Store) -> None:
    answer = (await ask(with_canary, bearer, task="to-german", input="good morning", user="ana")).json()
    assert verify(answer["id"], project_signing_key(store)).propensity == 1.0


async def test_a_canary_that_no_replica_holds_leaves_all_users_to_the_champion(
    loaded: LoadedSpec, champions: dict[str, str], handles: dict[str, SmallHandle], bearer: Headers, store: Store
) -> None:
    publish(store, "mood", digest="b")
    beat(store, "mood-1", "mood", ["v1"], utc_now())
    set_canary(store, "mood", "v2", 0.9, actor="test", reason="a try")
    service = Router(loaded, handles)
    async with client_of(service.app()) as client:
        answers = [(await ask(client, bearer, input="a", locale="en")).json() for _ in range(10)]
    service.close()
    claims = [verify(answer["id"], project_signing_key(store)) for answer in answers]
    assert {(claim.version, claim.propensity) for claim in claims} == {("v1", 1.0)}


async def test_who_names_the_champion_gets_it_while_there_is_a_canary(
    with_canary: httpx.AsyncClient, bearer: Headers, store: Store
) -> None:
    users = [f"name-{number}" for number in range(12)]
    by_user = {"name": "user", "shape": [12], "datatype": "BYTES", "data": users}
    texts = {"name": "input", "shape": [12], "datatype": "BYTES", "data": ["a"] * 12}
    body = {"inputs": [texts, by_user, {**OIP_INPUT, "name": "locale", "data": ["en"]}]}
    named = await with_canary.post("/v2/models/mood/versions/v1/infer", json=body, headers=bearer)
    assert (named.status_code, named.json().get("model_version")) == (200, "v1")
    (ids,) = [one["data"] for one in named.json()["outputs"] if one["name"] == "id"]
    claims = [verify(id_, project_signing_key(store)) for id_ in ids]
    assert {(claim.version, claim.propensity) for claim in claims} == {("v1", 1.0)}
    drawn = await with_canary.post("/v2/models/mood/infer", json=body, headers=bearer)
    assert "model_version" not in drawn.json()
    refused = await with_canary.post("/v2/models/mood/versions/v2/infer", json=body, headers=bearer)
    assert (refused.status_code, refused.json()["code"]) == (404, "version_not_served")


@pytest.fixture
async def asking(
    write_spec: Callable[[dict[str, Any]], Path], spec_data: dict[str, Any]
) -> AsyncIterator[tuple[httpx.AsyncClient, Headers, SmallHandle]]:
    """A client of a project with an answer task, its key and the handle of the task."""
    documents = [{"paths": ["*.txt"], "licence": "CC0-1.0"}]
    spec_data["tasks"] = {"help": {"kind": "answer", "corpora": ["moods"], "documents": documents}}
    loaded = load_spec(write_spec(spec_data))
    store = open_store(loaded.store_url)
    promote(store, "help", publish(store, "help"), actor="test", reason="first")
    handle = SmallHandle(output="In 1901.", citations=(CITATION,), confidence=0.75)
    service = Router(loaded, {"help": handle})
    async with client_of(service.app()) as client:
        yield client, {"Authorization": f"Bearer {create_key(store, 'test', ['infer'])[1]}"}, handle
    service.close()
    store.close()


async def test_an_answer_out_of_documents_carries_its_citations(
    asking: tuple[httpx.AsyncClient, Headers, SmallHandle],
) -> None:
    client, bearer, handle = asking
    answer = (await ask(client, bearer, task="help", input=" When was it built? ", locale="en")).json()
    assert (answer["output"], answer["confidence"], answer["citations"]) == ("In 1901.", 0.75, [CITATION])
    assert [call.text for call in handle.calls] == ["When was it built?"]
    assert "scores" not in answer
