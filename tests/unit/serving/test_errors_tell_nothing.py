"""What fails inside tells the client nothing of the inside, and the log nothing of what users wrote."""

import logging
import traceback
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from ray.exceptions import RayTaskError
from sqlalchemy import create_engine
from tests.support.projects import SmallHandle
from tests.unit.serving.conftest import client_of

from polyloop.errors import RegistryError, RequestError
from polyloop.registry.store import Store, open_store
from polyloop.registry.urls import check_url
from polyloop.serving.auth import KeyCheck
from polyloop.serving.problems import install_problem_handlers
from polyloop.serving.unforeseen import QuotingNothing, outline

WRITTEN = "my-address-is-Baker-Street-221b"
PASSWORD = "hunter2-is-secret"
AWAY = f"postgresql+psycopg://polyloop:{PASSWORD}@127.0.0.1:9/polyloop?connect_timeout=2"
"""A store that nothing listens for."""
INNER = (WRITTEN, PASSWORD, "Traceback", "/platform/polyloop", ".py", "ValueError", "127.0.0.1:9")


def failing_on(text: str) -> None:
    """Fail as a model does that quotes its input, with another such failure as the cause."""
    try:
        raise KeyError(f"no embedding of {text}")
    except KeyError as error:
        raise ValueError(f"cannot answer {text!r}") from error


def failure_of(text: str) -> Exception:
    try:
        failing_on(text)
    except ValueError as error:
        return error
    raise AssertionError("it did not fail")


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.fixture
def away() -> Iterator[Store]:
    """A store whose server does not answer, as one is that went away after the service had begun."""
    url = check_url(AWAY)
    store = Store(url, create_engine(url))
    yield store
    store.close()


ROUTES = (
    ("/v1/tasks/mood", {"input": WRITTEN}),
    ("/v1/chat/completions", {"model": "mood", "messages": [{"role": "user", "content": WRITTEN}]}),
    ("/v1/completions", {"model": "mood", "prompt": WRITTEN}),
    ("/v2/models/mood/infer", {"inputs": [{"name": "input", "shape": [1], "datatype": "BYTES", "data": [WRITTEN]}]}),
)


@pytest.mark.parametrize(("route", "body"), ROUTES)
@pytest.mark.parametrize("is_remote", [False, True])
async def test_a_model_that_quotes_its_input_tells_neither_client_nor_log(
    router: httpx.AsyncClient,
    bearer: dict[str, str],
    handles: dict[str, SmallHandle],
    logged: pytest.LogCaptureFixture,
    route: str,
    body: dict[str, object],
    is_remote: bool,
) -> None:
    error = failure_of(WRITTEN)
    if is_remote:
        error = RayTaskError("task", "".join(traceback.format_exception(error)), error).as_instanceof_cause()
    handles["mood"].errors = [error]
    answer = await router.post(route, json=body, headers={**bearer, "X-Request-Id": "abc"})
    assert answer.status_code == 500
    assert not [inner for inner in INNER if inner in answer.text]
    assert WRITTEN not in logged.text
    assert "request abc to " in logged.text
    assert "ValueError" in logged.text


@pytest.mark.parametrize("route", ["/v1/tasks/mood", "/v1/chat/completions"])
async def test_a_stream_that_breaks_off_tells_nothing_either(
    router: httpx.AsyncClient,
    bearer: dict[str, str],
    handles: dict[str, SmallHandle],
    logged: pytest.LogCaptureFixture,
    route: str,
) -> None:
    handles["mood"].errors = [failure_of(WRITTEN)]
    body = {"input": WRITTEN} if "tasks" in route else {**dict(ROUTES[1][1]), "stream": True}
    answer = await router.post(route, json=body, headers={**bearer, "Accept": "text/event-stream"})
    assert answer.status_code == 500
    assert not [inner for inner in INNER if inner in answer.text]
    assert WRITTEN not in logged.text


async def test_a_store_that_is_away_tells_neither_its_address_nor_its_password(
    away: Store, logged: pytest.LogCaptureFixture
) -> None:
    app = FastAPI()
    install_problem_handlers(app)

    async def look() -> None:
        await KeyCheck(away).require("Bearer plk_00000000_" + "a" * 43, "infer")

    app.add_api_route("/", look)
    answer = await client_of(app).get("/")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert not [inner for inner in INNER if inner in answer.text]
    assert "polyloop:***@127.0.0.1" in logged.text
    assert PASSWORD not in logged.text


def test_a_store_that_cannot_be_opened_does_not_tell_its_password() -> None:
    with pytest.raises(RegistryError) as caught:
        open_store(AWAY)
    assert PASSWORD not in str(caught.value)


def test_an_outline_has_types_and_places_and_no_message() -> None:
    text = outline(failure_of(WRITTEN))
    first, second = text.split("; from ")
    assert first.startswith("ValueError at ")
    assert second.startswith("KeyError at ")
    assert first.count("in failing_on") == second.count("in failing_on") == 1
    assert WRITTEN not in text
    assert "\n" not in text


def test_a_failure_at_a_model_leaves_nothing_behind_that_quotes(logged: pytest.LogCaptureFixture) -> None:
    with pytest.raises(RequestError) as caught, QuotingNothing("the model v1 of mood"):
        failing_on(WRITTEN)
    assert (caught.value.status, caught.value.code) == (500, "internal_error")
    assert WRITTEN not in "".join(traceback.format_exception(caught.value))
    assert WRITTEN not in logged.text
    assert "the model v1 of mood failed: ValueError at " in logged.text


def test_a_refusal_of_a_model_is_passed_on_as_it_is() -> None:
    refusal = RequestError("the input has 99 tokens", 422, "input_too_long")
    with pytest.raises(RequestError) as caught, QuotingNothing("the model v1 of mood"):
        raise refusal
    assert caught.value is refusal
