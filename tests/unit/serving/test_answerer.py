"""What a router does before and after the model: limits, kept answers, and who stands in where something fails."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.memory_recorder import MemoryRecorder
from tests.support.projects import SmallHandle, publish
from tests.support.wire_site import LONG_ALIVE
from tests.unit.serving.conftest import client_of

from polyloop.errors import ModelError, RequestError
from polyloop.feedback.ids import verify
from polyloop.registry.columns import utc_now
from polyloop.registry.keys import create_key
from polyloop.registry.presence import beat
from polyloop.registry.releases import promote, set_canary
from polyloop.registry.store import Store, open_store
from polyloop.serving.auth import project_signing_key
from polyloop.serving.metrics.table import CACHE, FALLBACKS, REQUESTS
from polyloop.serving.router import Router
from polyloop.spec.limits import KeyLimits
from polyloop.spec.loader import load_spec

Ask = Callable[..., Any]
SCORES = {"good": 0.75, "bad": 0.25}


class Site:
    """A router of a spec with changes, its store, its handles and its figures."""

    def __init__(self, store: Store, handles: dict[str, SmallHandle], client: httpx.AsyncClient) -> None:
        self.store, self.handles, self.client = store, handles, client
        self.recorder = MemoryRecorder()

    async def ask(self, task: str = "mood", *, key: str, text: str = "a", **more: Any) -> httpx.Response:
        """Ask a task."""
        body = {"input": text, "locale": "en", **more}
        return await self.client.post(f"/v1/tasks/{task}", json=body, headers={"Authorization": f"Bearer {key}"})


@pytest.fixture
async def site_of(
    spec_data: dict[str, Any], write_spec: Callable[[dict[str, Any]], Path], handles: dict[str, SmallHandle]
) -> AsyncIterator[Callable[[], Any]]:
    """Return a function that starts a router of the spec as it has been changed by then; each task has a champion."""
    async with AsyncExitStack() as started:

        @asynccontextmanager
        async def running() -> AsyncIterator[Site]:
            loaded = load_spec(write_spec(spec_data))
            store = open_store(loaded.store_url)
            for task in spec_data["tasks"]:
                promote(store, task, publish(store, task), actor="test", reason="first")
                handles.setdefault(task, SmallHandle(output="other", scores=SCORES))
            site = Site(store, handles, None)  # type: ignore[arg-type]  # the client comes next
            router = Router(loaded, handles, recorder=site.recorder)
            async with client_of(router.app()) as site.client:
                yield site
            router.close()
            store.close()

        async def start() -> Site:
            return await started.enter_async_context(running())

        yield start


def new_key(store: Store, **limits: int) -> str:
    return create_key(store, "test", ["infer", "feedback"], limits=KeyLimits(**limits) if limits else None)[1]


async def test_a_key_is_held_to_its_own_limits_in_every_protocol(site_of: Ask) -> None:
    site: Site = await site_of()
    key = new_key(site.store, requests_per_minute=3)
    header = {"Authorization": f"Bearer {key}"}
    tensor = {"name": "input", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]}
    first = await site.client.post("/v2/models/mood/infer", json={"inputs": [tensor]}, headers=header)
    second = await site.ask(key=key)
    third = await site.ask(key=key)
    chat = {"model": "mood", "messages": [{"role": "user", "content": "a"}]}
    fourth = await site.client.post("/v1/chat/completions", json=chat, headers=header)
    streamed = await site.client.post(
        "/v1/tasks/mood", json={"input": "a", "locale": "en"}, headers={**header, "Accept": "text/event-stream"}
    )
    assert [one.status_code for one in (first, second, third, fourth, streamed)] == [200, 200, 429, 429, 429]
    assert (third.json()["code"], third.headers["retry-after"]) == ("key_rate", "20")
    assert fourth.json()["error"]["code"] == "key_rate"
    assert (await site.ask(key=new_key(site.store))).status_code == 200


async def test_tokens_of_answers_and_of_streams_are_charged(site_of: Ask) -> None:
    site: Site = await site_of()
    for headers in ({}, {"Accept": "text/event-stream"}):
        key = new_key(site.store, tokens_per_minute=5)
        asked: dict[str, Any] = {
            "json": {"input": "a", "locale": "en"},
            "headers": {"Authorization": f"Bearer {key}", **headers},
        }
        statuses = [(await site.client.post("/v1/tasks/mood", **asked)).status_code for _ in range(3)]
        assert statuses == [200, 429, 429], headers


async def test_the_usual_limits_of_the_spec_hold_for_keys_without_their_own(
    spec_data: dict[str, Any], handles: dict[str, SmallHandle], site_of: Ask
) -> None:
    spec_data["serving"] = {"key_limits": {"max_concurrent": 1}}
    handles["mood"] = SmallHandle(scores=SCORES, delay_s=0.2)
    site: Site = await site_of()
    key, other = new_key(site.store), new_key(site.store, max_concurrent=2)
    answers = await asyncio.gather(*(site.ask(key=one) for one in (key, key, other, other)))
    assert sorted(one.status_code for one in answers) == [200, 200, 200, 429]
    assert (await site.ask(key=key)).status_code == 200


async def test_a_task_refuses_what_it_could_not_answer_in_time(
    spec_data: dict[str, Any], handles: dict[str, SmallHandle], site_of: Ask
) -> None:
    spec_data["serving"] = {"max_wait_s": 0.05}
    spec_data["tasks"]["mood"]["serving"] = {"max_ongoing_requests": 4}
    handles["mood"] = SmallHandle(scores=SCORES, delay_s=0.3)
    site: Site = await site_of()
    key = new_key(site.store)
    answers = await asyncio.gather(*(site.ask(key=key) for _ in range(12)))
    assert sorted(one.status_code for one in answers) == [200] * 4 + [429] * 8
    refused = next(one for one in answers if one.status_code == 429)
    assert refused.json()["code"] == "overloaded"
    assert int(refused.headers["retry-after"]) >= 1
    assert len(site.recorder.of(REQUESTS, task="mood", outcome="overloaded")) == 8
    assert (await site.ask(key=key)).status_code == 200
    assert (await site.ask("to-german", key=key)).status_code == 200


async def test_replicas_are_told_how_much_time_is_left(site_of: Ask, spec_data: dict[str, Any]) -> None:
    spec_data["serving"] = {"request_timeout_s": 7.0}
    site: Site = await site_of()
    await site.ask(key=new_key(site.store))
    within_s = site.handles["mood"].calls[0].within_s
    assert within_s is not None
    assert 6.0 < within_s <= 7.0


async def test_an_equal_input_is_answered_from_memory_with_an_id_of_its_own(
    spec_data: dict[str, Any], site_of: Ask
) -> None:
    spec_data["tasks"]["to-german"]["serving"] = {"cache_mb": 1}
    site: Site = await site_of()
    key = new_key(site.store)
    first, second, other = [await site.ask("to-german", key=key, text=text) for text in ("good", " good", "Good")]
    assert len(site.handles["to-german"].calls) == 2
    assert first.json()["output"] == second.json()["output"] == other.json()["output"]
    ids = {verify(one.json()["id"], project_signing_key(site.store)).inference_id for one in (first, second, other)}
    assert len(ids) == 3
    assert site.recorder.of(CACHE, task="to-german", outcome="hit") == [1]
    header = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    streamed = await site.client.post("/v1/tasks/to-german", json={"input": "good", "locale": "en"}, headers=header)
    assert streamed.text.count("event: piece") == streamed.text.count("event: answer") == 1
    assert len(site.handles["to-german"].calls) == 2
    await site.ask(key=key)
    await site.ask(key=key)
    assert len(site.handles["mood"].calls) == 2


async def test_what_was_streamed_is_kept_too(spec_data: dict[str, Any], site_of: Ask) -> None:
    spec_data["tasks"]["to-german"]["serving"] = {"cache_mb": 1}
    site: Site = await site_of()
    header = {"Authorization": f"Bearer {new_key(site.store)}", "Accept": "text/event-stream"}
    await site.client.post("/v1/tasks/to-german", json={"input": "good", "locale": "en"}, headers=header)
    await site.ask("to-german", key=new_key(site.store), text="good")
    assert len(site.handles["to-german"].calls) == 1


@pytest.mark.parametrize("error", [ModelError("damaged"), ZeroDivisionError()])
async def test_a_canary_that_fails_costs_nobody_an_answer(site_of: Ask, error: Exception) -> None:
    site: Site = await site_of()
    canary = publish(site.store, "mood", digest="b")
    beat(site.store, "r1", "mood", ["v1", canary], utc_now() + LONG_ALIVE)
    set_canary(site.store, "mood", canary, 0.999_999, actor="test", reason="try")
    await asyncio.sleep(1.0)
    site.handles["mood"].errors.append(error)
    answer = await site.ask(key=new_key(site.store))
    assert (answer.status_code, answer.json()["version"]) == (200, "v1")
    assert [call.version for call in site.handles["mood"].calls] == [canary, "v1"]
    assert verify(answer.json()["id"], project_signing_key(site.store)).propensity == 1.0
    assert len(site.recorder.of(FALLBACKS, task="mood", version=canary)) == 1
    assert len(site.recorder.of(REQUESTS, task="mood", version="v1", outcome="answered")) == 1


async def test_a_canary_does_not_fall_back_where_the_request_is_at_fault(site_of: Ask) -> None:
    site: Site = await site_of()
    canary = publish(site.store, "mood", digest="b")
    beat(site.store, "r1", "mood", ["v1", canary], utc_now() + LONG_ALIVE)
    set_canary(site.store, "mood", canary, 0.999_999, actor="test", reason="try")
    await asyncio.sleep(1.0)
    site.handles["mood"].errors.append(RequestError("the input has 99 tokens", 422, "input_too_long"))
    assert (await site.ask(key=new_key(site.store))).status_code == 422
    assert len(site.handles["mood"].calls) == 1


@pytest.fixture
def with_smaller(spec_data: dict[str, Any]) -> None:
    spec_data["tasks"]["smaller"] = {**spec_data["tasks"]["mood"]}
    spec_data["tasks"]["mood"]["serving"] = {"fallback_task": "smaller", "max_ongoing_requests": 1}


@pytest.mark.usefixtures("with_smaller")
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_another_task_answers_for_one_that_fails_and_says_so(site_of: Ask, accept: str) -> None:
    site: Site = await site_of()
    site.handles["mood"].errors.append(ModelError("damaged"))
    header = {"Authorization": f"Bearer {new_key(site.store)}", "Accept": accept}
    answer = await site.client.post("/v1/tasks/mood", json={"input": "a", "locale": "en"}, headers=header)
    assert answer.status_code == 200
    assert '"task":"smaller"' in answer.text
    assert '"output":"other"' in answer.text
    assert len(site.recorder.of(FALLBACKS, task="mood", version="", reason="unavailable")) == 1


@pytest.mark.usefixtures("with_smaller")
async def test_another_task_answers_what_there_is_no_time_for(site_of: Ask, handles: dict[str, SmallHandle]) -> None:
    handles["mood"] = SmallHandle(scores=SCORES, delay_s=0.3)
    site: Site = await site_of()
    key = new_key(site.store)
    answers = await asyncio.gather(*(site.ask(key=key) for _ in range(4)))
    assert [one.status_code for one in answers] == [200] * 4
    assert sorted(one.json()["task"] for one in answers) == ["mood", "smaller", "smaller", "smaller"]


@pytest.mark.usefixtures("with_smaller")
async def test_a_bad_request_is_refused_by_the_task_that_was_asked(site_of: Ask) -> None:
    site: Site = await site_of()
    assert (await site.ask(key=new_key(site.store), text=" ")).json()["code"] == "empty_input"
    assert not site.handles["smaller"].calls


async def test_a_task_at_rest_is_ready(spec_data: dict[str, Any], site_of: Ask) -> None:
    spec_data["tasks"]["mood"]["serving"] = {"min_replicas": 0}
    site: Site = await site_of()
    reasons = (await site.client.get("/readyz")).json()["reasons"]
    assert reasons == {"to-german": "no live replica holds v1"}
    beat(site.store, "r1", "mood", [], utc_now() + LONG_ALIVE)
    reasons = (await site.client.get("/readyz")).json()["reasons"]
    assert reasons["mood"] == "no live replica holds v1"
