"""A model that lives in the router answers as one in a replica does, and the router looks after it."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.converted_models import ConvertedModel, converted_model
from tests.support.converted_project import TASK, long_call, write_converted_project
from tests.unit.serving.conftest import client_of

from polyloop.errors import ModelError, RequestError
from polyloop.registry.columns import utc_now
from polyloop.registry.keys import create_key
from polyloop.registry.presence import PRESENCE_TTL_S, live_replicas
from polyloop.registry.store import Store, open_store
from polyloop.serving.calls import Call, Reply
from polyloop.serving.dispatch import dispatch, dispatch_stream
from polyloop.serving.in_router import InRouter
from polyloop.serving.observing.asked import line_facts
from polyloop.serving.router import Router, router_with_models
from polyloop.serving.task_model import TaskModel
from polyloop.serving.tracing.tracer import Tracing
from polyloop.spec.loader import load_spec


@dataclass(frozen=True)
class Home:
    """A router with a model in it, and the call that the model answers at length."""

    way: InRouter
    router: Router
    client: httpx.AsyncClient
    store: Store
    call: Call

    async def ask(self, **headers: str) -> httpx.Response:
        """Send the call over HTTP."""
        key = create_key(self.store, "test", ["infer"])[1]
        body = {"input": self.call.text, "locale": self.call.locale, "target_locale": self.call.target_locale}
        return await self.client.post(
            f"/v1/tasks/{TASK}", json=body, headers={"Authorization": f"Bearer {key}", **headers}
        )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ConvertedModel:
    return converted_model("recipe-translate", tmp_path_factory.mktemp("recipe"))


@pytest.fixture
async def home(model: ConvertedModel, tmp_path: Path) -> AsyncIterator[Home]:
    spec = write_converted_project(model, tmp_path, placement="router", batch_wait_ms=0)
    loaded = load_spec(spec)
    loaded = loaded.__class__(**{**vars(loaded), "spec": all_lines(loaded.spec)})
    way = InRouter(TaskModel(str(spec), TASK))
    router, store = Router(loaded, {TASK: way}), open_store(loaded.store_url)
    async with client_of(router.app()) as client:
        yield Home(way, router, client, store, long_call(model))
    router.close()
    store.close()


def present(home: Home) -> tuple[Any, ...]:
    return live_replicas(home.store, TASK, now=utc_now(), ttl_s=PRESENCE_TTL_S)


def all_lines(spec: Any) -> Any:
    return spec.model_copy(update={"serving": spec.serving.model_copy(update={"access_log": "all"})})


async def parts_of(home: Home, call: Call) -> list[str | Reply]:
    return [part async for part in dispatch_stream(home.way, call, task=TASK, timeout_s=30)]


async def test_it_answers_over_http_and_each_line_is_about_the_request(
    home: Home, request: pytest.FixtureRequest
) -> None:
    told: list[tuple[str, str]] = []
    access, handler = logging.getLogger("polyloop.access"), logging.Handler()
    handler.emit = lambda record: told.append((line_facts()["request_id"], vars(record)["access"]["outcome"]))  # type: ignore[method-assign]
    access.addHandler(handler)
    access.setLevel(logging.INFO)
    request.addfinalizer(lambda: access.removeHandler(handler))
    alone = await dispatch(home.way, home.call, task=TASK, timeout_s=30)
    for accept in ("application/json", "text/event-stream"):
        response = await home.ask(Accept=accept, **{"X-Request-Id": f"asked-for-{accept}"})
        answer = response.json() if accept.endswith("json") else last_event(response.text)
        assert (response.status_code, answer["output"], answer["version"]) == (200, alone.output, "v1")
    assert told == [("asked-for-application/json", "answered"), ("asked-for-text/event-stream", "answered")]


def last_event(text: str) -> dict[str, Any]:
    data = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    answer: dict[str, Any] = json.loads(data[-1])
    return answer


async def test_a_stream_is_the_pieces_of_the_whole_answer(home: Home) -> None:
    whole = await dispatch(home.way, home.call, task=TASK, timeout_s=30)
    *pieces, last = await parts_of(home, home.call)
    assert last == whole
    assert len(pieces) > 3
    assert "".join(map(str, pieces)) == whole.output


async def test_a_stream_that_is_left_stops_and_makes_room(home: Home) -> None:
    async def is_in_pieces() -> bool:
        return len(await parts_of(home, home.call)) > 2

    for _ in range(6):  # more than may be written at once
        async with aclosing(dispatch_stream(home.way, home.call, task=TASK, timeout_s=30)) as parts:
            await anext(parts)
    async with asyncio.timeout(30):
        while not await is_in_pieces():
            await asyncio.sleep(0.01)


async def test_a_stream_whose_writing_is_cut_off_elsewhere_is_begun_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await dispatch(home.way, home.call, task=TASK, timeout_s=30)
    asked: list[Call] = []

    async def stream(_: Any, call: Call) -> AsyncIterator[str | Reply]:
        asked.append(call)
        yield whole.output[:2]
        if len(asked) == 1:
            raise asyncio.CancelledError
        yield whole.output[2:]
        yield whole

    monkeypatch.setattr(TaskModel, "stream", stream)
    assert await parts_of(home, home.call) == [whole.output[:2], whole.output[2:], whole]
    assert len(asked) == 2


async def test_what_the_model_refuses_is_refused_whole_and_in_pieces(home: Home) -> None:
    too_long = Call(**{**vars(home.call), "text": home.call.text * 100})
    with pytest.raises(RequestError, match="takes at most"):
        await dispatch(home.way, too_long, task=TASK, timeout_s=30)
    with pytest.raises(RequestError, match="takes at most"):
        await parts_of(home, too_long)


async def test_time_runs_out_as_over_a_hop(home: Home) -> None:
    with pytest.raises(RequestError, match="did not answer within"):
        await dispatch(home.way, home.call, task=TASK, timeout_s=1e-4)
    with pytest.raises(RequestError, match="did not answer within"):
        [part async for part in dispatch_stream(home.way, home.call, task=TASK, timeout_s=1e-4)]


async def test_a_promotion_waits_for_it_and_it_takes_leave_with_the_router(home: Home) -> None:
    (replica,) = present(home)
    assert tuple(replica.versions) == ("v1",)
    assert home.router.alive
    assert (await home.client.get("/readyz")).status_code == 200

    assert home.way.holds("v1")
    assert not home.way.holds("v2")

    await asyncio.to_thread(home.way.close)
    assert present(home) == ()
    assert not home.router.alive


async def test_a_router_without_its_own_model_is_not_ready_whatever_others_hold(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home.way, "holds", lambda _: False)
    response = await home.client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["reasons"] == {TASK: "this router does not hold v1"}


def test_a_router_that_cannot_begin_takes_its_models_out_again(model: ConvertedModel, tmp_path: Path) -> None:
    class Stubborn(TaskModel):
        def __init__(self, spec_path: str, task: str, *, tracing: Tracing | None = None) -> None:
            if task != TASK:
                raise ModelError("no memory")
            super().__init__(spec_path, task, tracing=tracing)

    loaded = load_spec(write_converted_project(model, tmp_path, placement="router"))
    with pytest.raises(ModelError, match="no memory"):
        router_with_models(loaded, {}, (TASK, "another"), Stubborn)
    store = open_store(loaded.store_url)
    assert live_replicas(store, TASK, now=utc_now(), ttl_s=PRESENCE_TTL_S) == ()
    store.close()
