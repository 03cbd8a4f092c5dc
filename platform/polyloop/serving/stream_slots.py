"""Lets a bounded number of texts be written piece by piece at once, each step in a thread of its own.

Input: a function that starts a generator of parts, such as `Predictor.stream`. Output: the parts, as they come, without
holding up the event loop. Whoever closes the output early closes the generator, after the step that it is at.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Part = TypeVar("Part")

END: Any = object()
"""Comes where there is no further part."""


class StreamSlots:
    """Threads to write in; one event loop alone may use them."""

    def __init__(self, count: int) -> None:
        # One worker each: what is asked of it is done in order, so that nothing is closed while it works.
        self._free = [ThreadPoolExecutor(1, thread_name_prefix=f"stream-{number}") for number in range(count)]

    @property
    def is_any_free(self) -> bool:
        """Return whether `run` may be called."""
        return bool(self._free)

    async def run(self, start: Callable[[], Generator[Part]]) -> AsyncGenerator[Part]:
        """Give the parts of the generator that `start` returns; what either raises is raised."""
        thread = self._free.pop()
        opened: list[Generator[Part]] = []

        def step() -> Part:
            if not opened:
                opened.append(start())
            return next(opened[0], END)

        def close() -> None:
            for generator in opened:
                generator.close()

        try:
            while (part := await asyncio.get_running_loop().run_in_executor(thread, step)) is not END:
                yield part
        finally:
            thread.submit(close).add_done_callback(lambda _: self._free.append(thread))
