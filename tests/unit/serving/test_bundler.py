"""Calls of the same moment share a hop where the model is fast; each gets its own reply, error or cancellation."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from ray.exceptions import ActorDiedError

from polyloop.errors import RequestError
from polyloop.serving.bundler import FAST_S, MAX_CALLS, Bundler
from polyloop.serving.calls import Call, CutOffError, Reply
from polyloop.serving.dispatch import is_lost


class Response:
    def __init__(self, answer: Any) -> None:
        self._answering: asyncio.Future[Any] = asyncio.ensure_future(answer)

    @property
    def is_cancelled(self) -> bool:
        return self._answering.cancelled()

    def cancel(self) -> None:
        self._answering.cancel()

    def __await__(self) -> Any:
        return self._answering.__await__()


class Handle:
    """Answers a text with itself in capitals; `bad` is refused, `slow` never answered, `lost` loses the replica."""

    def __init__(self, worked_s: float = 0.0) -> None:
        self.worked_s = worked_s
        self.hops: list[list[str]] = []
        self.responses: list[Response] = []

    def remote(self, call: Call) -> Response:
        return self._hop([call], lambda: self._one(call))

    def options(self, *, method_name: str, stream: bool) -> "Several":
        assert (method_name, stream) == ("each", False)
        return Several(self)

    def _hop(self, calls: Sequence[Call], answer: Any) -> Response:
        self.hops.append([call.text for call in calls])
        self.responses.append(Response(answer()))
        return self.responses[-1]

    async def _one(self, call: Call) -> Reply:
        await asyncio.sleep(3600 if call.text == "slow" else 0)
        if call.text == "bad":
            raise RequestError("no", 422, "bad")
        if call.text == "lost":
            raise ActorDiedError
        return Reply(
            output=call.text.upper(), scores=None, num_input_tokens=1, num_output_tokens=1, worked_s=self.worked_s
        )


class Several:
    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def remote(self, calls: Sequence[Call]) -> Response:
        async def each() -> list[Any]:
            if any(call.text == "lost" for call in calls):
                raise ActorDiedError
            return await asyncio.gather(*map(self._handle._one, calls), return_exceptions=True)

        return self._handle._hop(calls, each)


def call(text: str) -> Call:
    return Call(version="v1", text=text, locale="en", target_locale="en")


async def asked(bundler: Bundler, *texts: str) -> list[Any]:
    replies = await asyncio.gather(*(bundler.reply(call(text)) for text in texts), return_exceptions=True)
    return [one.output if isinstance(one, Reply) else type(one) for one in replies]


@pytest.fixture
async def handle() -> Handle:
    return Handle()


@pytest.fixture
async def bundler(handle: Handle) -> Bundler:
    """A bundler that knows already that the model is fast."""
    bundler = Bundler(handle)
    await bundler.reply(call("first"))
    handle.hops.clear()
    handle.responses.clear()
    return bundler


async def test_calls_of_the_same_moment_share_a_hop_in_their_order(bundler: Bundler, handle: Handle) -> None:
    assert await asked(bundler, "a", "b", "c") == ["A", "B", "C"]
    assert handle.hops == [["a", "b", "c"]]


async def test_calls_that_come_one_after_the_other_go_alone_and_at_once(bundler: Bundler, handle: Handle) -> None:
    assert [await asked(bundler, text) for text in "ab"] == [["A"], ["B"]]
    assert handle.hops == [["a"], ["b"]]


async def test_a_hop_takes_no_more_than_its_most(bundler: Bundler, handle: Handle) -> None:
    texts = [f"t{number}" for number in range(MAX_CALLS + 3)]
    assert await asked(bundler, *texts) == [text.upper() for text in texts]
    assert [len(hop) for hop in handle.hops] == [MAX_CALLS, 3]


async def test_calls_go_alone_until_the_model_is_known_and_while_it_is_slow() -> None:
    handle = Handle(worked_s=FAST_S * 1.01)
    bundler = Bundler(handle)
    for _ in range(2):
        assert await asked(bundler, "a", "b") == ["A", "B"]
    assert handle.hops == [["a"], ["b"]] * 2


async def test_a_model_that_becomes_fast_is_noticed() -> None:
    handle = Handle(worked_s=FAST_S * 1.5)
    bundler = Bundler(handle)
    await asked(bundler, "a")
    handle.worked_s = 0.0
    for _ in range(8):
        await asked(bundler, "a")
    handle.hops.clear()
    await asked(bundler, "a", "b")
    assert handle.hops == [["a", "b"]]


async def test_an_error_is_told_to_its_own_caller_alone(bundler: Bundler) -> None:
    assert await asked(bundler, "a", "bad", "b") == ["A", RequestError, "B"]


async def test_a_lost_replica_is_told_to_all_and_the_next_call_goes_out_again(bundler: Bundler) -> None:
    assert await asked(bundler, "a", "lost", "b") == [ActorDiedError] * 3
    assert await asked(bundler, "a") == ["A"]


async def test_who_leaves_keeps_nobody_from_an_answer(bundler: Bundler, handle: Handle) -> None:
    leaving, staying = asyncio.create_task(bundler.reply(call("a"))), asyncio.create_task(bundler.reply(call("b")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).output == "B"
    assert leaving.cancelled()
    assert [one.is_cancelled for one in handle.responses] == [False]


async def test_who_leaves_before_the_hop_is_not_asked_for(bundler: Bundler, handle: Handle) -> None:
    leaving, staying = asyncio.create_task(bundler.reply(call("a"))), asyncio.create_task(bundler.reply(call("b")))
    leaving.cancel()
    assert (await staying).output == "B"
    assert handle.hops == [["b"]]


async def test_a_hop_that_nobody_waits_for_is_cancelled(bundler: Bundler, handle: Handle) -> None:
    asking = [asyncio.create_task(bundler.reply(call(text))) for text in ("slow", "slow")]
    await asyncio.sleep(0.01)
    asking[0].cancel()
    await asyncio.sleep(0.01)
    assert [one.is_cancelled for one in handle.responses] == [False]
    asking[1].cancel()
    await asyncio.sleep(0.01)
    assert [one.is_cancelled for one in handle.responses] == [True]


async def test_a_hop_that_is_cancelled_elsewhere_is_lost_and_its_callers_are_not_cancelled(
    bundler: Bundler, handle: Handle
) -> None:
    asking = [asyncio.create_task(bundler.reply(call(text))) for text in ("slow", "b")]
    await asyncio.sleep(0.01)
    handle.responses[0].cancel()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(one) for one in found] == [CutOffError, CutOffError]
    assert all(isinstance(one, Exception) and is_lost(one) for one in found)
