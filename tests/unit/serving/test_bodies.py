"""Bodies are read within the limit, strictly, and errors name place and value."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict
from starlette.types import Message
from tests.unit.serving.conftest import client_of

from polyloop.errors import RequestError
from polyloop.serving.bodies import place_of, read_body
from polyloop.serving.problems import install_problem_handlers


class Body(BaseModel):
    """A body with one text and an optional number."""

    model_config = ConfigDict(extra="forbid")

    text: str
    count: int = 0


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = FastAPI()
    install_problem_handlers(app)

    async def take(request: Request) -> Body:
        return await read_body(request, Body, max_body_bytes=100)

    app.add_api_route("/", take, methods=["POST"])
    return client_of(app)


async def test_a_fitting_body_is_read(client: httpx.AsyncClient) -> None:
    answer = await client.post("/", content='{"text": "好", "count": 2}')
    assert (answer.status_code, answer.json()) == (200, {"text": "好", "count": 2})


async def test_an_announced_body_over_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/", json={"text": "x" * 200})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert "100 bytes" in answer.json()["detail"]


async def test_a_body_without_a_length_is_cut_off_as_soon_as_it_is_too_large(client: httpx.AsyncClient) -> None:
    sent = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 1
            yield b"x" * 60

    answer = await client.post("/", content=parts())
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert sent < 10


async def test_a_body_at_the_limit_is_taken(client: httpx.AsyncClient) -> None:
    answer = await client.post("/", content='{"text": "' + "x" * (100 - 12) + '"}')
    assert answer.status_code == 200


@pytest.mark.parametrize("raw", [b"", b"{", b"text=1", b'{"text": "\xff"}', b'{"text": "\\ud800"}'])
async def test_what_is_not_json_is_a_400(client: httpx.AsyncClient, raw: bytes) -> None:
    answer = await client.post("/", content=raw)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


@pytest.mark.parametrize(
    ("raw", "place", "value"),
    [
        ('{"text": 5}', "text: ", "(got 5)"),
        ('{"text": "a", "count": "3"}', "count: ", '(got "3")'),
        ('{"text": "a", "more": "字"}', "more: ", '(got "字")'),
        ('{"count": 1}', "text: ", '(got {"count": 1})'),
        ("[1]", "body: ", "(got [1])"),
    ],
)
async def test_wrong_content_is_a_422_that_names_place_and_value(
    client: httpx.AsyncClient, raw: str, place: str, value: str
) -> None:
    answer = await client.post("/", content=raw)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["detail"].startswith(place)
    assert answer.json()["detail"].endswith(value)


async def test_a_client_that_goes_away_in_the_middle_is_told_apart_from_a_failure() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b'{"te', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    request = Request({"type": "http", "method": "POST", "headers": [], "path": "/"}, receive)
    with pytest.raises(RequestError) as caught:
        await read_body(request, Body, max_body_bytes=100)
    assert (caught.value.status, caught.value.code) == (400, "incomplete_body")


@pytest.mark.parametrize(
    ("location", "place"),
    [((), ""), (("n",), "n"), (("messages", 0, "content", 2, "text"), "messages[0].content[2].text")],
)
def test_a_place_is_written_as_programs_write_it(location: tuple[int | str, ...], place: str) -> None:
    assert place_of(location) == place
