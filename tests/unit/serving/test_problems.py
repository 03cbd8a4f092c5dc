"""Every failure becomes problem+json, with the headers that its status needs and no inner detail."""

import httpx
import pytest
from fastapi import FastAPI
from ray.exceptions import RayTaskError
from tests.unit.serving.conftest import client_of

from polyloop.errors import FeedbackError, OverloadError, ParameterError, RegistryError, RequestError, StorageFullError
from polyloop.serving.observing.door import Door
from polyloop.serving.problems import Failure, install_problem_handlers
from polyloop.serving.tracing.tracer import OFF


def client_that_meets(error: Exception) -> httpx.AsyncClient:
    app = FastAPI()
    app.add_middleware(Door, OFF, "none")
    install_problem_handlers(app)

    async def fail() -> None:
        raise error

    app.add_api_route("/", fail)
    return client_of(app)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RequestError("too much", 429, "overloaded"), 429, "overloaded"),
        (FeedbackError("forged"), 422, "invalid_feedback"),
        (RegistryError("the store at /secret is locked"), 503, "unavailable"),
        (StorageFullError("/secret is full"), 503, "storage_full"),
        (ZeroDivisionError("secret"), 500, "internal_error"),
    ],
)
async def test_a_failure_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    answer = await client_that_meets(error).get("/")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (status, status, code)
    assert "secret" not in answer.text


async def test_a_named_failure_keeps_its_status_on_its_way_through_ray() -> None:
    cause = RequestError("the input has 99 tokens", 422, "input_too_long")
    error = RayTaskError(function_name="task", traceback_str="a traceback", cause=cause).as_instanceof_cause()
    answer = await client_that_meets(error).get("/")
    assert (answer.status_code, answer.json()["code"]) == (422, "input_too_long")
    assert answer.json()["detail"] == "the input has 99 tokens"


@pytest.mark.parametrize("status", [429, 503])
async def test_an_overload_says_when_to_try_again(status: int) -> None:
    answer = await client_that_meets(RequestError("later", status, "later")).get("/")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(("retry_after_s", "header"), [(0.2, "1"), (3.0, "3"), (3.01, "4")])
async def test_an_overload_that_knows_when_it_ends_says_so_in_whole_seconds(retry_after_s: float, header: str) -> None:
    answer = await client_that_meets(OverloadError("later", "overloaded", retry_after_s)).get("/")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, header)


async def test_a_401_names_the_scheme() -> None:
    answer = await client_that_meets(RequestError("no key", 401, "missing_key")).get("/")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_unknown_route_and_a_wrong_method_are_problems_too() -> None:
    client = client_that_meets(ValueError())
    missing, wrong = await client.get("/nowhere"), await client.post("/")
    assert (missing.status_code, missing.json()["code"]) == (404, "no_such_route")
    assert (wrong.status_code, wrong.json()["code"], wrong.headers["allow"]) == (405, "http_error", "GET")


@pytest.mark.parametrize("error", [ValueError(), RegistryError("locked")])
async def test_the_request_id_of_the_caller_comes_back_and_is_in_the_log(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_that_meets(error)
    answer = await client.get("/", headers={"X-Request-Id": "abc"})
    assert answer.json()["request_id"] == "abc"
    assert "request abc to / failed" in caplog.text
    made = (await client.get("/")).json()["request_id"]
    assert f"request {made} to / failed" in caplog.text


async def test_a_protocol_may_have_a_shape_of_its_own_below_its_path() -> None:
    app = FastAPI()

    def shape(failure: Failure) -> dict[str, str | None]:
        return {"oops": failure.problem.code, "place": failure.parameter}

    install_problem_handlers(app, {"/other": shape})

    async def fail() -> None:
        raise ParameterError("n: no", "n", code="unsupported_parameter")

    for path in ("/ours", "/other"):
        app.add_api_route(path, fail)
    client = client_of(app)
    other, ours, missing = await client.get("/other"), await client.get("/ours"), await client.get("/other/x")
    assert (other.status_code, other.json()) == (400, {"oops": "unsupported_parameter", "place": "n"})
    assert other.headers["content-type"] == "application/json"
    assert (ours.status_code, ours.json()["code"]) == (400, "unsupported_parameter")
    assert (missing.status_code, missing.json()["oops"]) == (404, "no_such_route")
