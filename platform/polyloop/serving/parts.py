"""The parts of one output, handed from who makes them to who reads them; both belong to one event loop.

Input: pieces of a text, the `Reply` or an error, and None at the end. Output: an async iterator of them, which raises
the error in its place.
"""

import asyncio
from typing import Self

from polyloop.serving.calls import Reply


class Parts:
    """A queue that is read as an iterator; `most` is how many parts may wait, 0 for any number."""

    def __init__(self, *, most: int = 0) -> None:
        self.made: asyncio.Queue[str | Reply | Exception | None] = asyncio.Queue(maxsize=most)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | Reply:
        part = await self.made.get()
        if part is None:
            raise StopAsyncIteration
        if isinstance(part, Exception):
            raise part
        return part
