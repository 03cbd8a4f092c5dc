"""Takes calls that come at the same moment to a replica in one hop, where a hop costs more than the model's work.

Input: `Call`s from the coroutines of one event loop. Output: to each its `Reply`, or what its call raised. Nothing
waits for company: what has come by the time that the loop gets to it goes together, so a lone call is not delayed, and
the busier the router the more share a hop. Calls to slow models go alone, since a bundle is answered by one replica
while others may be idle. A bundle whose callers have all gone is cancelled.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from polyloop.serving.calls import Call, CutOffError, Reply, TaskHandle, is_leaving

MAX_CALLS = 16
"""Most calls of a bundle."""
FAST_S = 0.02
"""Calls share a hop while the model takes no longer than this for what it works on at once (docs/decisions/0031)."""
MEMORY = 0.9
"""Weight of the past in the mean of the model's times."""


@dataclass(frozen=True)
class _Waiting:
    call: Call
    future: "asyncio.Future[Reply]"


class Bundler:
    """A `Way` to the replicas of one task."""

    alive = True
    """Serve looks after replicas."""

    def __init__(self, handle: TaskHandle) -> None:
        self._handle = handle
        self._of_several: Any = None
        self._waiting: list[_Waiting] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._worked_s = math.inf

    def holds(self, _version: str) -> bool:
        """Return True: replicas tell by themselves what they hold."""
        return True

    async def reply(self, call: Call) -> Reply:
        """Return the reply to one call, or raise what the call or the hop raised."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(call, loop.create_future())
        self._waiting.append(waiting)
        if len(self._waiting) == 1:
            loop.call_soon(self._send)
        reply = await waiting.future
        self._worked_s = (
            reply.worked_s if self._worked_s == math.inf else MEMORY * self._worked_s + (1 - MEMORY) * reply.worked_s
        )
        return reply

    def stream(self, call: Call) -> Any:
        """Return the parts of one output; what is streamed goes alone."""
        return self._handle.options(method_name="stream", stream=True).remote(call)

    def close(self) -> None:
        """Have nothing to let go of."""

    def _send(self) -> None:
        waiting = [one for one in self._waiting if not one.future.done()]
        self._waiting.clear()
        size = MAX_CALLS if self._worked_s <= FAST_S else 1
        for start in range(0, len(waiting), size):
            carrying = asyncio.get_running_loop().create_task(self._carry(waiting[start : start + size]))
            self._under_way.add(carrying)
            carrying.add_done_callback(self._under_way.discard)

    async def _carry(self, bundle: Sequence[_Waiting]) -> None:
        response: Any = None

        def gone(_: Any) -> None:
            if response is not None and all(one.future.cancelled() for one in bundle):
                response.cancel()

        for one in bundle:
            one.future.add_done_callback(gone)
        try:
            response = self._remote([one.call for one in bundle])
            found = await response
            results: Sequence[Reply | BaseException] = [found] if len(bundle) == 1 else found
        except asyncio.CancelledError:
            if is_leaving():
                for one in bundle:
                    one.future.cancel()
                raise
            results = [CutOffError()] * len(bundle)
        except Exception as error:  # handed on to each caller
            results = [error] * len(bundle)
        for one, result in zip(bundle, results, strict=True):
            if one.future.done():
                continue
            if isinstance(result, asyncio.CancelledError):
                one.future.set_exception(CutOffError())
            elif isinstance(result, BaseException):
                one.future.set_exception(result)
            else:
                one.future.set_result(result)

    def _remote(self, calls: list[Call]) -> Any:
        if len(calls) == 1:
            return self._handle.remote(calls[0])
        if self._of_several is None:  # made here, as a handle belongs to the event loop that it is first used in
            self._of_several = self._handle.options(method_name="each", stream=False)
        return self._of_several.remote(calls)
