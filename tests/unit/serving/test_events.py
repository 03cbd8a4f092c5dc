"""Answers in parts: a first failure is raised, a later one is told, and what is no longer read is stopped."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from fastapi import Request

from polyloop.errors import RequestError
from polyloop.serving.events import begun, event, event_response, side_by_side
from polyloop.serving.problems import Failure

REQUEST = Request({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""})


class Source:
    """Gives numbers as texts; fails where it is told to, and notes that it was closed."""

    def __init__(self, *, fails_at: int = -1, error: Exception | None = None) -> None:
        self.is_closed = False
        self._fails_at, self._error = fails_at, error or RequestError("died", 503, "no_replica")

    async def parts(self) -> AsyncGenerator[str]:
        """Give three texts."""
        try:
            for number in range(3):
                if number == self._fails_at:
                    raise self._error
                yield str(number)
        finally:
            self.is_closed = True


def told(failure: Failure) -> str:
    return failure.problem.code


async def test_all_parts_come_in_order() -> None:
    source = Source()
    assert [part async for part in await begun(source.parts())] == ["0", "1", "2"]
    assert source.is_closed


async def test_a_failure_before_the_first_part_is_raised() -> None:
    with pytest.raises(RequestError, match="died"):
        await begun(Source(fails_at=0).parts())


@pytest.mark.parametrize(("error", "code"), [(None, "no_replica"), (ZeroDivisionError("secret"), "internal_error")])
async def test_a_later_failure_is_the_last_part(error: Exception | None, code: str) -> None:
    response = event_response(REQUEST, await begun(Source(fails_at=2, error=error).parts()), told)
    assert [part async for part in response.body_iterator] == ["0", "1", code]


async def test_what_is_no_longer_read_is_stopped() -> None:
    source = Source()
    response = event_response(REQUEST, await begun(source.parts()), told)
    parts = response.body_iterator
    assert isinstance(parts, AsyncGenerator)
    assert await anext(parts) == "0"
    assert not source.is_closed
    await parts.aclose()
    assert source.is_closed


def test_an_event_has_a_name_where_it_needs_one() -> None:
    assert event("{}") == "data: {}\n\n"
    assert event("{}", "piece") == "event: piece\ndata: {}\n\n"


async def test_several_streams_come_side_by_side() -> None:
    turns: asyncio.Queue[None] = asyncio.Queue()

    async def waiting() -> AsyncGenerator[str]:
        yield "first"
        await turns.get()
        yield "last"

    quick = Source()
    found: list[tuple[int, str]] = []
    async with aclosing(side_by_side([waiting(), quick.parts()])) as parts:
        async for part in parts:
            found.append(part)
            if part == (1, "2"):
                turns.put_nowait(None)
    assert [text for number, text in found if number == 0] == ["first", "last"]
    assert [text for number, text in found if number == 1] == ["0", "1", "2"]
    assert found.index((1, "2")) < found.index((0, "last"))
    assert quick.is_closed


async def test_the_failure_of_one_stream_ends_all() -> None:
    broken, whole = Source(fails_at=1), Source()
    with pytest.raises(RequestError, match="died"):
        async for _ in side_by_side([whole.parts(), broken.parts()]):
            pass
    assert broken.is_closed
    assert whole.is_closed


async def test_streams_that_are_no_longer_read_are_stopped_together() -> None:
    sources = [Source(), Source()]
    streams = side_by_side([source.parts() for source in sources])
    await anext(streams)
    await streams.aclose()
    assert all(source.is_closed for source in sources)
