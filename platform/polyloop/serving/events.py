"""Answers that come in parts: server-sent events, over one response that ends with the answer or with an error.

Input: items as they come. Output: the event stream of the WHATWG's HTML standard
(https://html.spec.whatwg.org/multipage/server-sent-events.html). A failure before the first item is raised, so that it
is answered with its own status; a later one has to be an event, since the status has been sent by then.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request
from fastapi.responses import StreamingResponse

from polyloop.serving.problems import Failure, describe

MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""Keeps caches and proxies from holding events back."""

Item = TypeVar("Item")


def event(data: str, name: str | None = None) -> str:
    """Return one event; `data` must have no line breaks, as compact JSON has none."""
    return f"event: {name}\ndata: {data}\n\n" if name else f"data: {data}\n\n"


async def begun(items: AsyncGenerator[Item]) -> AsyncGenerator[Item]:
    """Wait for the first item, raising what stands in its way, and return a generator of all of them."""
    first = await anext(items)
    return _with_first(first, items)


async def _with_first(first: Item, items: AsyncGenerator[Item]) -> AsyncGenerator[Item]:
    async with aclosing(items):
        yield first
        async for item in items:
            yield item


async def side_by_side(streams: Sequence[AsyncGenerator[Item]]) -> AsyncGenerator[tuple[int, Item]]:
    """Yield the items of all streams as they come, each with the number of its stream.

    The first failure ends all of them, and so does whoever closes this generator early. A stream runs ahead of the
    reader by one item at most.
    """
    coming: asyncio.Queue[tuple[int, Item | _End]] = asyncio.Queue(maxsize=1)

    async def follow(number: int, items: AsyncGenerator[Item]) -> None:
        failure = None
        try:
            async with aclosing(items):
                async for item in items:
                    await coming.put((number, item))
        except Exception as error:  # handed to the reader, who raises it
            failure = error
        await coming.put((number, _End(failure)))

    followers = [asyncio.create_task(follow(number, items)) for number, items in enumerate(streams)]
    try:
        left = len(followers)
        while left:
            number, item = await coming.get()
            if not isinstance(item, _End):
                yield number, item
            elif item.failure is not None:
                raise item.failure
            else:
                left -= 1
    finally:
        for follower in followers:
            follower.cancel()
        await asyncio.gather(*followers, return_exceptions=True)


@dataclass(frozen=True)
class _End:
    """What comes after the last item of a stream."""

    failure: Exception | None


def event_response(
    request: Request, events: AsyncGenerator[str], failed: Callable[[Failure], str]
) -> StreamingResponse:
    """Return the response that sends `events`, and what `failed` makes of the failure where they break off."""
    return StreamingResponse(_guarded(request, events, failed), media_type=MEDIA_TYPE, headers=HEADERS)


async def _guarded(
    request: Request, events: AsyncGenerator[str], failed: Callable[[Failure], str]
) -> AsyncGenerator[str]:
    async with aclosing(events):
        try:
            async for one in events:
                yield one
        except Exception as error:  # the request's boundary: logged by `describe`, told to the client as an event
            yield failed(describe(request, error))
