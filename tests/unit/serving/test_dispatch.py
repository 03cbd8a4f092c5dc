"""A stream goes on at another replica when one is lost, keeps its deadline, and stops when nobody reads it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from ray.exceptions import ActorDiedError
from ray.serve.exceptions import BackPressureError
from tests.support.projects import SmallStream, SmallStreaming

from polyloop.errors import RequestError
from polyloop.serving import dispatch
from polyloop.serving.bundler import Bundler
from polyloop.serving.calls import Call, Reply
from polyloop.serving.dispatch import dispatch_stream

CALL = Call(version="v1", text="one two", locale="en", target_locale="de")


def reply(output: str) -> Reply:
    return Reply(output=output, scores=None, num_input_tokens=2, num_output_tokens=3)


class Replicas:
    """A handle whose calls give one script after the other: texts are pieces, errors are raised, numbers are waits."""

    def __init__(self, *scripts: list[Any]) -> None:
        self.scripts = list(scripts)
        self.streams: list[SmallStream] = []

    def remote(self, call: Call) -> Any:
        raise AssertionError("the call is to be streamed")

    def options(self, *, method_name: str, stream: bool) -> SmallStreaming:
        assert (method_name, stream) == ("stream", True)
        return SmallStreaming(self._parts, self.streams)

    async def _parts(self, call: Call) -> AsyncGenerator[str | Reply]:
        assert call == CALL
        for step in self.scripts.pop(0):
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, float):
                await asyncio.sleep(step)
            else:
                yield step


def streamed(replicas: Replicas, *, timeout_s: float = 60.0) -> AsyncGenerator[str | Reply]:
    return dispatch_stream(Bundler(replicas), CALL, task="to-german", timeout_s=timeout_s)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "RETRY_PAUSE_S", 0.0)


async def test_pieces_come_as_they_are_written_and_then_the_reply() -> None:
    replicas = Replicas(["eins ", "zwei", reply("eins zwei")])
    assert [part async for part in streamed(replicas)] == ["eins ", "zwei", reply("eins zwei")]
    assert [one.is_cancelled for one in replicas.streams] == [False]


@pytest.mark.parametrize(
    ("lost", "again", "rest"),
    [
        ([ActorDiedError()], ["eins ", "zwei"], ["eins ", "zwei"]),
        (["eins ", ActorDiedError()], ["eins ", "zwei"], ["eins ", "zwei"]),
        (["eins z", ActorDiedError()], ["eins", " zwei"], ["eins z", "wei"]),
        (["eins ", "zwei", ActorDiedError()], ["eins zwei"], ["eins ", "zwei"]),
        (["eins ", "zwei"], ["eins zwei"], ["eins ", "zwei"]),
    ],
)
async def test_what_a_lost_replica_has_written_is_not_sent_twice(
    lost: list[Any], again: list[str], rest: list[str]
) -> None:
    replicas = Replicas(lost, [*again, reply("eins zwei")])
    assert [part async for part in streamed(replicas)] == [*rest, reply("eins zwei")]
    assert len(replicas.streams) == 2


async def test_a_replica_that_is_lost_after_its_reply_is_not_missed() -> None:
    replicas = Replicas(["eins", reply("eins"), ActorDiedError()])
    assert [part async for part in streamed(replicas)] == ["eins", reply("eins")]


@pytest.mark.parametrize("other", ["zwei ", "eins"])
async def test_another_text_than_was_begun_is_an_error_as_is_a_shorter_one(other: str) -> None:
    stream = streamed(Replicas(["eins ", ActorDiedError()], [other, reply(other)]))
    assert await anext(stream) == "eins "
    with pytest.raises(RequestError, match="another one writes something else") as caught:
        await anext(stream)
    assert (caught.value.status, caught.value.code) == (503, "no_replica")


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError(), RuntimeError("Unexpected error (StatusCode.UNAVAILABLE): Socket closed.")]
)
async def test_a_hop_that_serve_cuts_off_is_tried_again(error: BaseException) -> None:
    replicas = Replicas(["eins ", error], ["eins ", "zwei", reply("eins zwei")])
    assert [part async for part in streamed(replicas)] == ["eins ", "zwei", reply("eins zwei")]


async def test_when_no_replica_stays_alive_it_is_a_503() -> None:
    replicas = Replicas(*[[ActorDiedError()] for _ in range(9)])
    with pytest.raises(RequestError, match="no replica of the task 'to-german' stays alive"):
        await anext(streamed(replicas))
    assert len(replicas.streams) == dispatch.MAX_ATTEMPTS


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BackPressureError(num_queued_requests=9, max_queued_requests=9), 429),
        (RequestError("the input has 99 tokens", 422, "input_too_long"), 422),
    ],
)
async def test_a_refusal_is_not_tried_again(error: Exception, status: int) -> None:
    replicas = Replicas([error])
    with pytest.raises(RequestError) as caught:
        await anext(streamed(replicas))
    assert caught.value.status == status


async def test_a_stream_that_takes_too_long_is_a_504_and_its_call_is_cancelled() -> None:
    replicas = Replicas(["eins ", 60.0, reply("eins ")])
    stream = streamed(replicas, timeout_s=0.2)
    assert await anext(stream) == "eins "
    with pytest.raises(RequestError, match=r"did not answer within 0\.2 s") as caught:
        await anext(stream)
    assert caught.value.status == 504
    assert [one.is_cancelled for one in replicas.streams] == [True]


async def _close(stream: AsyncGenerator[str | Reply]) -> None:
    await stream.aclose()


async def _cancel(stream: AsyncGenerator[str | Reply]) -> None:
    reader = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.01)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader


@pytest.mark.parametrize("leave", [_close, _cancel])
async def test_the_call_is_cancelled_when_nobody_reads_on(leave: Callable[[Any], Any]) -> None:
    replicas = Replicas(["eins ", 60.0, reply("eins ")])
    stream = streamed(replicas)
    await anext(stream)
    await leave(stream)
    assert [one.is_cancelled for one in replicas.streams] == [True]


async def test_a_stream_may_be_read_by_one_task_after_the_other() -> None:
    stream = streamed(Replicas(["eins ", "zwei", reply("eins zwei")]))
    assert await asyncio.create_task(anext(stream)) == "eins "
    assert await asyncio.create_task(anext(stream)) == "zwei"
