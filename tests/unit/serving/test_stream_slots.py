"""Texts are written piece by piece beside the event loop, so many at once, and stop when nobody reads them."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator

import pytest

from polyloop.errors import RequestError
from polyloop.serving.stream_slots import StreamSlots


class Writing:
    """Gives three texts, waits for permission before each, and notes what becomes of it."""

    def __init__(self) -> None:
        self.may_go = threading.Event()
        self.may_go.set()
        self.is_at_work = threading.Event()
        self.is_closed = threading.Event()
        self.threads: set[str] = set()

    def start(self) -> Generator[str]:
        return self._parts()

    def _parts(self) -> Generator[str]:
        try:
            for number in range(3):
                self.is_at_work.set()
                assert self.may_go.wait(10)
                self.threads.add(threading.current_thread().name)
                yield str(number)
        finally:
            self.is_closed.set()


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def waiting_reader(stream: AsyncGenerator[str], writing: Writing) -> "asyncio.Future[str]":
    """Return who waits for a part that is being written and may not be finished yet."""
    writing.may_go.clear()
    reader = asyncio.ensure_future(anext(stream))
    await eventually(writing.is_at_work.is_set)
    return reader


async def test_parts_come_in_order_from_a_thread_of_their_own() -> None:
    slots, writing = StreamSlots(1), Writing()
    assert [part async for part in slots.run(writing.start)] == ["0", "1", "2"]
    assert writing.threads == {"stream-0_0"}
    await eventually(lambda: slots.is_any_free)


async def test_as_many_as_there_are_slots_go_at_once_and_a_slot_comes_back() -> None:
    slots = StreamSlots(2)
    streams = [slots.run(Writing().start) for _ in range(2)]
    assert [await anext(stream) for stream in streams] == ["0", "0"]
    assert not slots.is_any_free
    await streams[0].aclose()
    await eventually(lambda: slots.is_any_free)
    assert await anext(streams[1]) == "1"
    await streams[1].aclose()
    assert not StreamSlots(0).is_any_free


async def test_what_is_no_longer_read_is_closed() -> None:
    slots, writing = StreamSlots(1), Writing()
    stream = slots.run(writing.start)
    await anext(stream)
    await stream.aclose()
    await eventually(writing.is_closed.is_set)
    await eventually(lambda: slots.is_any_free)


async def test_a_reader_that_is_cancelled_while_it_waits_does_not_wait_for_the_step() -> None:
    slots, writing = StreamSlots(1), Writing()
    stream = slots.run(writing.start)
    reader = await waiting_reader(stream, writing)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert not writing.is_closed.is_set()
    assert not slots.is_any_free
    writing.may_go.set()
    await eventually(writing.is_closed.is_set)
    await eventually(lambda: slots.is_any_free)


async def test_a_failure_is_raised_and_gives_the_slot_back() -> None:
    slots = StreamSlots(1)

    def refuse() -> Generator[str]:
        raise RequestError("the input has 99 tokens", 422, "input_too_long")

    def fail() -> Generator[str]:
        yield "a"
        raise ZeroDivisionError

    with pytest.raises(RequestError, match="99 tokens"):
        await anext(slots.run(refuse))
    await eventually(lambda: slots.is_any_free)
    stream = slots.run(fail)
    assert await anext(stream) == "a"
    with pytest.raises(ZeroDivisionError):
        await anext(stream)
    await eventually(lambda: slots.is_any_free)


async def test_the_event_loop_is_free_while_a_step_works() -> None:
    slots, writing = StreamSlots(1), Writing()
    stream = slots.run(writing.start)
    reader = await waiting_reader(stream, writing)
    writing.may_go.set()
    assert await reader == "0"
    await stream.aclose()
