"""Small projects for tests of serving, retraining and commands: a spec, a store, versions, and what stands in for Ray.

The stand-ins behave: a `SmallModel` answers by rule, and a `SmallHandle` calls one as Serve's handle would.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from typing import Any

from polyloop.models.predict import PredictInput, Prediction
from polyloop.registry.store import Store
from polyloop.registry.versions import publish_version, reserve_version
from polyloop.serving.calls import Call, Reply


def publish(store: Store, task: str, *, digest: str = "a") -> str:
    """Make a published version of `task` (v1, v2, ...) whose artefact stands at its own name, and return its name."""
    record = reserve_version(
        store, task, digest, dataset_digest="d" * 64, holdout_digest="h" * 64, spec_digest="s" * 64
    )
    publish_version(store, task, record.version, path=record.version, size_bytes=1, metrics={})
    return record.version


class SmallModel:
    """Answers `version: text`; refuses texts that hold `bad`."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.is_warm = False

    def warm_up(self) -> None:
        """Note that it was called."""
        self.is_warm = True

    def predict(self, items: Sequence[PredictInput]) -> list[Prediction]:
        """Return one answer an item."""
        for item in items:
            if "bad" in item.text:
                raise ValueError(f"{item.text} is bad")
        return [
            Prediction(output=f"{self.version}: {item.text}", scores=None, num_input_tokens=1, num_output_tokens=1)
            for item in items
        ]


class SmallResponse:
    """What a handle gives: awaited once for the answer, and to be cancelled."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self._answer = answer
        self.is_cancelled = False

    def cancel(self) -> None:
        """Note that it was called."""
        self.is_cancelled = True

    def __await__(self) -> Generator[Any, None, Reply]:
        """Give the answer."""
        result: Reply = yield from self._answer().__await__()
        return result


class SmallStream:
    """What a handle that streams gives: iterated over for the parts, and to be cancelled."""

    def __init__(self, parts: AsyncGenerator[str | Reply]) -> None:
        self._parts = parts
        self.is_cancelled = False

    def cancel(self) -> None:
        """Note that it was called."""
        self.is_cancelled = True

    async def __anext__(self) -> str | Reply:
        """Give the next part."""
        return await anext(self._parts)


class SmallStreaming:
    """A handle that streams; `parts` gives those of a call."""

    def __init__(self, parts: Callable[[Call], AsyncGenerator[str | Reply]], streams: list[SmallStream]) -> None:
        self._parts, self._streams = parts, streams

    def remote(self, call: Call) -> SmallStream:
        """Take a call."""
        self._streams.append(SmallStream(self._parts(call)))
        return self._streams[-1]

    def options(self, *, method_name: str, stream: bool) -> Any:
        """Be asked only once."""
        raise AssertionError("the handle streams already")


class SmallBundles:
    """A handle that takes several calls at once; `each` answers them."""

    def __init__(self, each: Callable[[Sequence[Call]], Awaitable[Sequence[Any]]]) -> None:
        self._each = each

    def remote(self, calls: Sequence[Call]) -> SmallResponse:
        """Take several calls."""
        return SmallResponse(lambda: self._each(calls))


def one_by_one(handle: Any) -> SmallBundles:
    """Return the handle that takes several calls, each answered as `handle` does alone."""

    async def awaited(call: Call) -> Reply:
        reply: Reply = await handle.remote(call)
        return reply

    async def each(calls: Sequence[Call]) -> Sequence[Any]:
        return await asyncio.gather(*map(awaited, calls), return_exceptions=True)

    return SmallBundles(each)


class SmallHandle:
    """Stands in for the handle of a deployment; errors given to it are raised, one a call, before it answers."""

    def __init__(
        self, *, output: str = "good", scores: dict[str, float] | None = None, delay_s: float = 0.0, **others: Any
    ) -> None:
        self.errors: list[Exception] = []
        self.calls: list[Call] = []
        self.responses: list[SmallResponse] = []
        self.streams: list[SmallStream] = []
        self._output, self._scores, self._delay_s, self._others = output, scores, delay_s, others

    def say(self, output: str, scores: dict[str, float]) -> None:
        """Answer otherwise from now on."""
        self._output, self._scores = output, scores

    def remote(self, call: Call) -> SmallResponse:
        """Take a call."""
        self.calls.append(call)
        self.responses.append(SmallResponse(self._answer))
        return self.responses[-1]

    def options(self, *, method_name: str, stream: bool) -> SmallStreaming | SmallBundles:
        """Return the handle that gives its output in one piece, or the one that takes several calls."""
        if method_name == "each":
            return one_by_one(self)
        assert (method_name, stream) == ("stream", True)
        return SmallStreaming(self._parts, self.streams)

    async def _parts(self, call: Call) -> AsyncGenerator[str | Reply]:
        self.calls.append(call)
        reply = await self._answer()
        if reply.output:
            yield reply.output
        yield reply

    async def _answer(self) -> Reply:
        await asyncio.sleep(self._delay_s)
        if self.errors:
            raise self.errors.pop(0)
        return Reply(output=self._output, scores=self._scores, num_input_tokens=3, num_output_tokens=2, **self._others)
