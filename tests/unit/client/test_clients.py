"""Both clients against a real service: answers, streams, feedback, lists, refusals, and what a bad network does."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.support.wire_site import BREAKS, CITATION, WireSite

from polyloop.client import AsyncClient, Client, Retries
from polyloop.errors import (
    ClientError,
    NoAnswerError,
    OverloadedError,
    RefusedKeyError,
    RefusedRequestError,
    ServiceFailedError,
    UnknownNameError,
)
from polyloop.registry.tables import feedback as feedback_table


def refusing(status: int, **headers: str) -> ASGIApp:
    """An application that answers as an overloaded service or proxy does."""
    return PlainTextResponse(
        "not now", status_code=status, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


async def hang_up(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Begin to answer, and close the connection."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"99")]})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})


async def sleep_long(_scope: Scope, receive: Receive, _send: Send) -> None:
    """Answer nothing until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def drip(_scope: Scope) -> ASGIApp:
    async def parts() -> Any:
        while True:
            yield b" "
            await asyncio.sleep(0.02)

    return StreamingResponse(parts(), media_type="application/json")


Ask = Callable[..., Any]


@pytest.fixture(params=["threads", "event loop"])
def ask(request: pytest.FixtureRequest, site: WireSite) -> Ask:
    """Call a method of either client, made for the call: `ask("answer", "mood", "a", retries=...)`."""

    def call(
        method: str, *arguments: Any, retries: Retries | None = None, key: str | None = None, **fields: Any
    ) -> Any:
        options: Any = {"retries": retries or Retries(deadline_s=20, first_pause_s=0.01, longest_pause_s=0.05)}
        if request.param == "threads":
            with Client(site.url, key or site.key, **options) as client:
                return getattr(client, method)(*arguments, **fields)

        async def main() -> Any:
            async with AsyncClient(site.url, key or site.key, **options) as client:
                return await getattr(client, method)(*arguments, **fields)

        with ThreadPoolExecutor(1) as executor:
            return executor.submit(asyncio.run, main()).result()

    return call


def paths(site: WireSite) -> list[str]:
    return [path for path, _ in site.interference.requests]


def test_a_task_is_asked_with_its_own_fields(ask: Ask) -> None:
    answer = ask("answer", "translate", "good day", locale="en", target_locale="de", user="ana")
    assert (answer.output, answer.locale, answer.target_locale, answer.version) == ("de: good day", "en", "de", "v1")
    assert answer.usage.input_tokens == 2
    assert answer.scores is None


def test_what_only_some_kinds_have_is_typed(ask: Ask) -> None:
    assert ask("answer", "mood", "a good day", locale="en").scores == {"good": 0.75, "bad": 0.25}
    helped = ask("answer", "help", "when?")
    assert (helped.citations[0].model_dump(), helped.confidence) == (CITATION, 0.75)
    talk = ask("answer", "talk", messages=[{"role": "user", "content": "hi"}], locale="en")
    assert talk.output == "user: hi"


def test_feedback_takes_an_answer_or_its_id_and_is_committed(ask: Ask, site: WireSite) -> None:
    answer = ask("answer", "mood", "a day")
    receipts = [ask("feedback", answer, correction="good", user="ana"), ask("feedback", answer.id, rating=-1)]
    with site.store.read() as connection:
        ids = {str(one) for one in connection.execute(select(feedback_table.c.feedback_id)).scalars()}
    assert {one.feedback_id for one in receipts} <= ids


def test_tasks_versions_and_health_are_told(ask: Ask, site: WireSite) -> None:
    assert [task.task for task in ask("tasks")] == list(site.loaded.spec.tasks)
    assert {(model.task, model.champion) for model in ask("models")} == {
        (name, True) for name in site.loaded.spec.tasks
    }
    health = ask("health")
    assert (health.is_ready, health.reasons) == (True, {})


def test_a_service_that_is_not_ready_is_an_answer_and_no_error(ask: Ask, site: WireSite) -> None:
    body = {"status": "not_ready", "reasons": {"mood": "no live replica holds v1"}}
    site.interference.instead = [JSONResponse(body, status_code=503)]
    health = ask("health")
    assert (health.is_ready, health.reasons) == (False, body["reasons"])
    assert paths(site) == ["/readyz"]


def test_a_503_of_something_else_than_the_service_is_an_error(ask: Ask, site: WireSite) -> None:
    site.interference.instead = [refusing(503)]
    with pytest.raises(ServiceFailedError, match="not now"):
        ask("health")


@pytest.mark.parametrize(
    ("arguments", "fields", "error", "code"),
    [
        (("mood", "a"), {"locale": "zh"}, RefusedRequestError, "unknown_locale"),
        (("mood", "a"), {"colour": "red"}, RefusedRequestError, "invalid_request"),
        (("mood", "x" * 30_000), {}, RefusedRequestError, "body_too_large"),
        (("nobody", "a"), {}, UnknownNameError, "unknown_task"),
        (("no/body?", "a"), {}, UnknownNameError, "no_such_route"),
    ],
)
def test_a_refusal_is_typed_and_not_tried_again(
    ask: Ask, site: WireSite, arguments: Any, fields: Any, error: type[ClientError], code: str
) -> None:
    with pytest.raises(error) as caught:
        ask("answer", *arguments, **fields)
    problem: Any = caught.value
    assert (problem.code, problem.detail in str(problem)) == (code, True)
    (sent,) = [headers["x-request-id"] for _, headers in site.interference.requests]
    assert problem.request_id == sent


def test_a_refused_key_is_typed(ask: Ask, site: WireSite) -> None:
    with pytest.raises(RefusedKeyError) as caught:
        ask("answer", "mood", "a", key="plk_unknown")
    assert (caught.value.status, caught.value.code) == (401, "bad_key")
    assert len(paths(site)) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_says_not_now_is_tried_again_with_the_same_request_id(ask: Ask, site: WireSite, status: int) -> None:
    site.interference.instead = [refusing(status), refusing(status)]
    assert ask("answer", "gist", "a b").output == "a b"
    assert len(paths(site)) == 3
    assert len({headers["x-request-id"] for _, headers in site.interference.requests}) == 1


def test_a_500_is_not_tried_again(ask: Ask, site: WireSite) -> None:
    site.interference.instead = [refusing(500)]
    with pytest.raises(ServiceFailedError) as caught:
        ask("answer", "gist", "a b")
    assert (caught.value.code, caught.value.detail) == ("not_a_problem", "not now")
    assert len(paths(site)) == 1


def test_a_connection_that_ends_in_an_answer_is_tried_again(ask: Ask, site: WireSite) -> None:
    site.interference.instead = [hang_up, hang_up]
    assert ask("answer", "gist", "a b").output == "a b"


def test_retry_after_is_waited_for(ask: Ask, site: WireSite) -> None:
    site.interference.instead = [refusing(429, retry_after="1")]
    started = time.monotonic()
    assert ask("answer", "gist", "a b").output == "a b"
    assert time.monotonic() - started >= 1


def test_a_service_that_stays_overloaded_is_given_up_at_the_last_try(ask: Ask, site: WireSite) -> None:
    site.interference.instead = [refusing(429)] * 9
    with pytest.raises(OverloadedError):
        ask("answer", "gist", "a", retries=Retries(max_tries=3, first_pause_s=0.001))
    assert len(paths(site)) == 3


def test_a_retry_after_beyond_the_deadline_is_not_waited_for(ask: Ask, site: WireSite) -> None:
    site.interference.instead = [refusing(503, retry_after="20")]
    started = time.monotonic()
    with pytest.raises(ServiceFailedError):
        ask("answer", "gist", "a", retries=Retries(deadline_s=5))
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("stands_still", [sleep_long, lambda *call: drip(call[0])(*call)], ids=["silent", "dripping"])
def test_a_call_ends_at_its_deadline(ask: Ask, site: WireSite, stands_still: ASGIApp) -> None:
    site.interference.instead = [stands_still] * 9
    started = time.monotonic()
    with pytest.raises(NoAnswerError, match="got no answer"):
        ask("answer", "gist", "a", retries=Retries(deadline_s=0.6, max_tries=1))
    assert 0.5 < time.monotonic() - started < 10


def test_a_service_that_is_not_there_is_named(site: WireSite) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with (
        Client(url, site.key, retries=Retries(max_tries=2, first_pause_s=0.01)) as client,
        pytest.raises(NoAnswerError, match=f"POST {url}/v1/tasks/mood got no answer: ConnectError"),
    ):
        client.answer("mood", "a")


def test_a_connection_that_is_closed_at_once_is_tried_again_until_the_last_try(site: WireSite) -> None:
    accepted = []

    def close_all(listener: socket.socket) -> None:
        for _ in range(3):
            connection, _address = listener.accept()
            accepted.append(connection.recv(65_536))
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as executor:
        closing = executor.submit(close_all, listener)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Client(url, site.key, retries=Retries(max_tries=3, first_pause_s=0.01)) as client:
            with pytest.raises(NoAnswerError):
                client.answer("mood", "a")
            closing.result(timeout=10)
    assert [b"POST /v1/tasks/mood" in one for one in accepted] == [True] * 3


def test_feedback_that_is_tried_again_is_stored_once(ask: Ask, site: WireSite) -> None:
    """The first try is committed, but its receipt gets lost."""
    answer = ask("answer", "mood", "a day")
    app = site.interference._app

    async def lose_the_receipt(scope: Scope, receive: Receive, send: Send) -> None:
        async def nowhere(_message: Any) -> None:
            await asyncio.sleep(0)

        await app(scope, receive, nowhere)
        await hang_up(scope, receive, send)

    def count() -> int:
        with site.store.read() as connection:
            return connection.execute(select(func.count()).select_from(feedback_table)).scalar_one()

    before = count()
    site.interference.requests.clear()
    site.interference.instead = [lose_the_receipt, refusing(503)]
    receipt = ask("feedback", answer, rating=1)
    assert receipt.feedback_id
    assert count() == before + 1
    keys = [headers["idempotency-key"] for _, headers in site.interference.requests]
    assert (len(keys), len(set(keys))) == (3, 1)


def test_each_feedback_has_a_key_of_its_own_unless_it_is_given_one(ask: Ask, site: WireSite) -> None:
    answer = ask("answer", "mood", "a day")
    site.interference.requests.clear()
    first, second = (ask("feedback", answer, rating=1).feedback_id for _ in range(2))
    assert first != second
    given = [ask("feedback", answer, rating=1, idempotency_key="mine-" + answer.id[-8:]).feedback_id for _ in range(2)]
    assert given[0] == given[1]


def test_a_body_that_no_service_of_ours_sends_is_told_as_such(ask: Ask, site: WireSite) -> None:
    site.interference.instead = [PlainTextResponse("<html>welcome</html>")]
    with pytest.raises(ClientError, match="check the base_url"):
        ask("tasks")


def test_a_newer_service_may_say_more(ask: Ask, site: WireSite) -> None:
    content = ask("answer", "mood", "a").model_dump(mode="json", exclude_none=True)
    site.interference.instead = [JSONResponse({**content, "mood_of_the_day": "fine"})]
    assert ask("answer", "mood", "a").model_dump(mode="json", exclude_none=True) == content


# ---- Streams


def test_a_stream_gives_text_as_it_is_written_then_the_answer(client: Client) -> None:
    with client.stream("tale", "a good day") as stream:
        with pytest.raises(NoAnswerError, match="read it to its end"):
            _ = stream.answer
        assert list(stream) == ["a ", "tale ", "of ", "a ", "good ", "day"]
    assert stream.answer.output == "a tale of a good day"
    assert client.feedback(stream.answer, rating=1).feedback_id


async def test_a_stream_on_an_event_loop(async_client: AsyncClient) -> None:
    async with await async_client.stream("tale", "day") as stream:
        assert [text async for text in stream] == ["a ", "tale ", "of ", "day"]
    assert stream.answer.task == "tale"


def test_a_stream_holds_every_character_that_an_answer_holds(client: Client, site: WireSite, request: Any) -> None:
    rule = site.handles["tale"].rule
    request.addfinalizer(lambda: setattr(site.handles["tale"], "rule", rule))
    site.handles["tale"].rule = lambda call: replace(rule(call), output="one\u2028two \u2029three\x85four")
    with client.stream("tale", "day") as stream:
        assert "".join(stream) == stream.answer.output == "one\u2028two \u2029three\x85four"


def test_a_stream_is_tried_again_until_it_begins(client: Client, site: WireSite) -> None:
    site.interference.instead = [refusing(503), refusing(502)]
    assert "".join(client.stream("tale", "day")) == "a tale of day"
    assert len(paths(site)) == 3


def test_a_refused_stream_is_a_typed_problem(client: Client) -> None:
    with pytest.raises(RefusedRequestError) as caught:
        client.stream("tale", "a", style="essay")
    assert caught.value.code == "unknown_style"


async def test_a_refused_stream_on_an_event_loop(async_client: AsyncClient) -> None:
    with pytest.raises(UnknownNameError):
        await async_client.stream("nobody", "a")


def test_a_stream_that_fails_under_way_is_not_tried_again(client: Client, site: WireSite) -> None:
    texts = iter(client.stream("tale", BREAKS))
    assert [next(texts), next(texts)] == ["a ", "tale "]
    with pytest.raises(ServiceFailedError) as caught:
        next(texts)
    assert (caught.value.status, caught.value.code) == (503, "no_replica")
    assert len(paths(site)) == 1


def cut_off(*events: str) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for one in events:
            await send({"type": "http.response.body", "body": one.encode(), "more_body": True})

    return app


def test_a_stream_whose_connection_breaks_is_an_error_and_never_an_end(client: Client, site: WireSite) -> None:
    site.interference.instead = [cut_off('event: piece\ndata: {"text": "a "}\n\n')]
    texts = iter(client.stream("tale", "a"))
    assert next(texts) == "a "
    with pytest.raises(NoAnswerError):
        next(texts)


def test_a_stream_that_ends_without_an_answer_is_an_error(client: Client, site: WireSite) -> None:
    body = 'event: piece\ndata: {"text": "a "}\n\nevent: later\ndata: {}\n\n: comment\n\n'
    site.interference.instead = [PlainTextResponse(body, media_type="text/event-stream")]
    texts = iter(client.stream("tale", "a"))
    assert next(texts) == "a "
    with pytest.raises(NoAnswerError, match="broke off"):
        next(texts)


def test_an_event_that_makes_no_sense_is_an_error(client: Client, site: WireSite) -> None:
    body = "event: answer\ndata: {}\n\n"
    site.interference.instead = [PlainTextResponse(body, media_type="text/event-stream")]
    with pytest.raises(ClientError, match="did not answer as a Polyloop service does"):
        list(client.stream("tale", "a"))


# ---- Many at once


def test_one_client_serves_many_threads_over_few_connections(client: Client) -> None:
    barrier = threading.Barrier(8)

    def work(number: int) -> list[str]:
        barrier.wait()
        return [client.answer("gist", f"{number} {place}").output for place in range(5)]

    with ThreadPoolExecutor(8) as executor:
        given = list(executor.map(work, range(8)))
    assert given == [[f"{number} {place}" for place in range(5)] for number in range(8)]
    pool: Any = client._http._transport
    assert len(pool._pool.connections) <= 8


async def test_one_client_serves_many_tasks(async_client: AsyncClient) -> None:
    answers = await asyncio.gather(*(async_client.answer("gist", str(number)) for number in range(20)))
    assert [answer.output for answer in answers] == [str(number) for number in range(20)]


def test_the_body_says_only_what_was_given(client: Client, site: WireSite) -> None:
    bodies: list[Any] = []
    app = site.interference._app

    async def look(scope: Scope, receive: Receive, send: Send) -> None:
        async def seen() -> Any:
            message = await receive()
            bodies.append(message.get("body", b""))
            return message

        await app(scope, seen, send)

    site.interference.instead = [look]
    client.answer("gist", "a", locale=None, user="ana")
    assert json.loads(bodies[0]) == {"input": "a", "user": "ana"}
