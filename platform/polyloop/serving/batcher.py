"""Groups concurrent requests into one model call, without making a lone request wait for long.

Input: single items from coroutines. Output: their results, each to its caller, and how long the model worked. While the
model is busy, new items gather; when it is free, it takes up to `max_batch_size` of the oldest. An idle model waits
`batch_wait_s` for company where its last call had some: clients that come together share calls, and a lone one never
waits. Items of different keys (model versions) never share a call, and none is worked on whose deadline has passed. The
model runs in one thread of its own, so the event loop stays free to take requests; only a quick model that is mostly
idle (`quickness`) is called by the loop itself. It never runs twice at once.
"""

import asyncio
import math
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from polyloop.errors import ModelError, RequestError
from polyloop.serving.quickness import Quickness
from polyloop.serving.tracing.spans import Span, current_span

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class _Waiting(Generic[Item, Result]):
    key: str
    item: Item
    future: "asyncio.Future[Batched[Result]]" = field(compare=False)
    deadline_s: float
    since_s: float = field(compare=False, default_factory=time.perf_counter)
    span: Span = field(compare=False, default_factory=current_span)


@dataclass(frozen=True, kw_only=True)
class Batched(Generic[Result]):
    """One item's result."""

    result: Result
    worked_s: float
    """How long the call took that gave it."""


@dataclass(frozen=True, kw_only=True)
class BatchFacts:
    """What is told of one call."""

    key: str
    num_items: int
    longest_wait_s: float
    """How long the item waited for it that came first."""
    began_s: float
    """When the call began, by `time.perf_counter`."""
    took_s: float
    traced: tuple[tuple[Span, float], ...] = ()
    """Of the items whose requests are traced, the span and the time from which it waited."""


OnBatch = Callable[[BatchFacts], None]
"""Told of each call that gave results, from the thread that made it."""


class Batcher(Generic[Item, Result]):
    """Runs `call(key, items)` for groups of items with the same key; results must be in the order of the items.

    An exception in a group of several is not passed to all: the group is halved until the items that fail stand alone,
    so that one bad item can neither fail its neighbours nor cost each of them a call of its own.
    """

    def __init__(
        self,
        call: Callable[[str, Sequence[Item]], Sequence[Result]],
        *,
        max_batch_size: int,
        batch_wait_s: float,
        on_batch: OnBatch = lambda _: None,
        is_ready: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """`is_ready` says of a key whether a call has nothing to do first that may take long, as a model to load."""
        self._call, self._on_batch, self._is_ready = call, on_batch, is_ready
        self._max_batch_size = max_batch_size
        self._batch_wait_s = batch_wait_s
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")
        self._worker: asyncio.Task[None] | None = None
        self._expects_company = False
        self._quickness: dict[str, Quickness] = defaultdict(Quickness)

    async def submit(self, key: str, item: Item, *, within_s: float | None = None) -> Batched[Result]:
        """Return the result for `item`; a caller that is cancelled takes its waiting item out of the queue.

        RequestError (504), once its turn comes, where more than `within_s` seconds have passed by then.
        """
        future: asyncio.Future[Batched[Result]] = asyncio.get_running_loop().create_future()
        now_s = time.perf_counter()
        waiting = _Waiting(key, item, future, math.inf if within_s is None else now_s + within_s)
        is_idle = self._worker is None or self._worker.done()
        if is_idle and not self._waiting and now_s < waiting.deadline_s and self._is_quick(key, now_s):
            return self._results([waiting])[0]
        self._waiting.append(waiting)
        if is_idle:
            self._worker = asyncio.create_task(self._work())
        return await future

    def _is_quick(self, key: str, now_s: float) -> bool:
        return self._quickness[key].is_enough(now_s) and self._is_ready(key)

    async def _work(self) -> None:
        if self._expects_company and len(self._waiting) < self._max_batch_size and self._batch_wait_s > 0:
            await asyncio.sleep(self._batch_wait_s)
        while group := self._next_group():
            self._expects_company = len(group) > 1
            await self._answer(group)

    def _next_group(self) -> list[_Waiting[Item, Result]]:
        """Take the oldest live item and up to the batch size of the others with its key, in order."""
        group: list[_Waiting[Item, Result]] = []
        others: deque[_Waiting[Item, Result]] = deque()
        while self._waiting and len(group) < self._max_batch_size:
            waiting = self._waiting.popleft()
            if waiting.future.done():
                continue
            if waiting.deadline_s < time.perf_counter():
                waiting.future.set_exception(too_late())
                continue
            if group and waiting.key != group[0].key:
                others.append(waiting)
            else:
                group.append(waiting)
        self._waiting.extendleft(reversed(others))
        return group

    async def _answer(self, group: list[_Waiting[Item, Result]]) -> None:
        live = [waiting for waiting in group if not waiting.future.done()]
        if not live:
            return
        try:
            results = await asyncio.get_running_loop().run_in_executor(self._thread, self._results, live)
        except Exception as error:  # the boundary to the model: every failure goes to its caller
            if len(live) > 1:
                middle = len(live) // 2
                await self._answer(live[:middle])
                await self._answer(live[middle:])
            elif not live[0].future.done():
                live[0].future.set_exception(error)
            return
        for waiting, result in zip(live, results, strict=True):
            if not waiting.future.done():
                waiting.future.set_result(result)

    def _results(self, group: Sequence[_Waiting[Item, Result]]) -> Sequence[Batched[Result]]:
        began_s = time.perf_counter()
        key = group[0].key
        try:
            results = self._call(key, [waiting.item for waiting in group])
        finally:
            took_s = self._quickness[key].called(began_s, time.perf_counter())
        self._on_batch(
            BatchFacts(
                key=key,
                num_items=len(group),
                longest_wait_s=began_s - min(waiting.since_s for waiting in group),
                began_s=began_s,
                took_s=took_s,
                traced=tuple((waiting.span, waiting.since_s) for waiting in group if waiting.span.is_recorded),
            )
        )
        if len(results) != len(group):
            raise ModelError(f"the model gave {len(results)} results for {len(group)} items")
        return [Batched(result=result, worked_s=took_s) for result in results]


def too_late() -> RequestError:
    """Return the error for an item that waited for longer than its caller does."""
    return RequestError("the request waited for longer than it was given; try again later", 504, "timeout")
