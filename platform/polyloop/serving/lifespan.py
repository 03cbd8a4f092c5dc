"""Ends what an ASGI application holds in order: queues are written and stores closed when Serve stops its replica.

Input: a closing function, which may block. Output: a lifespan for FastAPI.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI


def closing_at_the_end(close: Callable[[], None]) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return a lifespan that calls `close` in a thread when the application shuts down."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(close)

    return lifespan
