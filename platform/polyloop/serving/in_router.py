"""The way to a task whose model lives in the router's own process: calls without a hop.

Input: `Call`s from the router's event loop. Output: `Reply`s, or pieces of an output and then the `Reply`, by the same
`TaskModel` that runs in replicas, with its batches, versions and heartbeat. Limits: the model shares the router's
interpreter and dies with it (docs/decisions/0032).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from polyloop.serving.calls import Call, CutOffError, Reply, is_leaving
from polyloop.serving.parts import Parts
from polyloop.serving.task_model import TaskModel


class InRouter:
    """A `Way` to a model in this process."""

    def __init__(self, model: TaskModel) -> None:
        self._model = model

    @property
    def alive(self) -> bool:
        """True while the model follows its release."""
        return self._model.alive

    def holds(self, version: str) -> bool:
        """Return whether the model can answer with a version at once."""
        return self._model.holds(version)

    async def reply(self, call: Call) -> Reply:
        """Return the reply to one call."""
        return await self._model(call)

    def stream(self, call: Call) -> "MadeParts":
        """Return the parts of one output."""
        return MadeParts(self._model.stream(call))

    def close(self) -> None:
        """Let go of the model; may block."""
        self._model.close()


class MadeParts(Parts):
    """The parts of one output, made in a context of their own.

    What the model notes of its call in its context (a request's id and version, a span) would otherwise stay in the
    router's, since nothing is undone where a generator ends.
    """

    def __init__(self, parts: AsyncGenerator[str | Reply]) -> None:
        super().__init__(most=1)  # one part ahead, so that a slow reader holds up the writer
        self._making = asyncio.get_running_loop().create_task(self._make(parts))

    def cancel(self) -> None:
        """Stop the writing."""
        self._making.cancel()

    async def _make(self, parts: AsyncGenerator[str | Reply]) -> None:
        last: Exception | None = None
        try:
            async with aclosing(parts):
                async for part in parts:
                    await self.made.put(part)
        except asyncio.CancelledError:
            if is_leaving():
                raise
            last = CutOffError()
        except Exception as error:  # handed on to the reader
            last = error
        await self.made.put(last)
