"""Answers that come in parts: server-sent events, over one response that ends with the answer or with an error.

Input: items as they come. Output: the event stream of the WHATWG's HTML standard
(https://html.spec.whatwg.org/multipage/server-sent-events.html). A failure before the first item is raised, so that it
is answered with its own status; a later one has to be an event, since the status has been sent by then.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
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
