"""The route that is asked most has a short way, which answers as the long one would."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from tests.support.projects import SmallHandle
from tests.unit.serving.conftest import client_of

from polyloop.serving.express import PATH, Express, task_of
from polyloop.serving.observing.door import route_of
from polyloop.serving.router import Router
from polyloop.spec.loader import LoadedSpec

Headers = dict[str, str]


def scope(path: str, **changes: Any) -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": path, "root_path": "", **changes}


def test_only_a_request_to_one_task_takes_the_short_way() -> None:
    assert task_of(scope("/v1/tasks/mood")) == "mood"
    assert task_of(scope("/v1/tasks/ß \x00")) == "ß \x00"


@pytest.mark.parametrize(
    "other",
    [
        scope("/v1/tasks/"),
        scope("/v1/tasks"),
        scope("/v1/tasks/mood/"),
        scope("/v1/tasks/mood/x"),
        scope("/v1/tasks/mood:batch"),
        scope("/v1/taskss/mood"),
        scope("/below/v1/tasks/mood"),
        scope("/v1/tasks/mood", method="GET"),
        scope("/v1/tasks/mood", type="websocket"),
        scope("/v1/tasks/mood", root_path="/below"),
    ],
)
def test_everything_else_goes_on_to_the_application(other: dict[str, Any]) -> None:
    assert task_of(other) is None


async def test_the_handler_gets_task_and_header_and_the_scope_the_route() -> None:
    app = FastAPI()
    seen: list[Any] = []

    async def handler(task: str, request: Request, authorization: str | None) -> Response:
        seen.append((task, authorization, route_of(request.scope), await request.json()))
        return PlainTextResponse("short")

    async def long_way(task: str) -> str:
        return f"long {task}"

    app.add_api_route(PATH, long_way, methods=["POST"])
    (route,) = (route for route in app.routes if isinstance(route, APIRoute))
    app.add_middleware(Express, route, handler)
    async with client_of(app) as client:
        short = await client.post("/v1/tasks/mood", json=[1], headers={"Authorization": "Bearer x"})
        without = await client.post("/v1/tasks/mood", json=[2])
        beside = await client.post("/v1/tasks/mood:batch", json=[3])
    assert (short.text, without.text, beside.json()) == ("short", "short", "long mood:batch")
    assert seen == [("mood", "Bearer x", PATH, [1]), ("mood", None, PATH, [2])]


REQUESTS: dict[str, dict[str, Any]] = {
    "an answer": {"json": {"input": "fine", "locale": "en"}},
    "no such task": {"url": "/v1/tasks/nothing", "json": {"input": "fine"}},
    "a coded path": {"url": "/v1/tasks/m%6Fod", "json": {"input": "fine", "locale": "en"}},
    "no key": {"json": {"input": "fine"}, "headers": {"Authorization": ""}},
    "no JSON": {"content": b"{"},
    "not UTF-8": {"content": b'{"input": "\xff"}'},
    "no body": {"content": b""},
    "a wrong field": {"json": {"input": "fine", "inptu": 1}},
    "too large": {"json": {"input": "x" * 2_000_000}},
    "a version that is not asked for by this key": {"url": "/v1/tasks/mood?version=v1", "json": {"input": "fine"}},
    "another parameter": {"url": "/v1/tasks/mood?a=1", "json": {"input": "fine", "locale": "en"}},
    "GET": {"method": "GET"},
    "a longer path": {"url": "/v1/tasks/mood/", "json": {"input": "fine"}},
    "events": {"json": {"input": "fine", "locale": "en"}, "headers": {"Accept": "text/event-stream"}},
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_both_ways_give_the_same(
    name: str,
    loaded: LoadedSpec,
    champions: dict[str, str],
    handles: dict[str, SmallHandle],
    bearer: Headers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = {"method": "POST", "url": "/v1/tasks/mood", **REQUESTS[name]}
    request["headers"] = bearer | {"X-Request-Id": "r1"} | request.get("headers", {})
    answers = []
    for is_short in (True, False):
        with monkeypatch.context() as changed:
            if not is_short:
                changed.setattr("polyloop.serving.express.task_of", lambda scope: None)
            router = Router(loaded, handles)
            async with client_of(router.app()) as client:
                answers.append(await client.request(**request))
            router.close()
    short_answer, long_answer = answers
    assert short_answer.status_code == long_answer.status_code
    assert told(short_answer) == told(long_answer)


def told(answer: httpx.Response) -> tuple[dict[str, str], Any]:
    """Return the headers and body of an answer, without what is another one each time."""
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    if "json" not in answer.headers.get("content-type", ""):
        return headers, [line for line in answer.text.splitlines() if line.startswith("event:")]
    return headers, {key: value for key, value in answer.json().items() if key not in ("id", "latency_ms")}
