"""The replica's side: a socket on which routers of the same node ask its model.

Input: a model and a path. Effect: while it is open there is a socket at the path, and calls that come by it are
answered as those are that come by Serve. Whoever can open the socket may ask, so it lies in a folder of its owner's
(`polyloop.serving.nearby.places`). When it closes it says so first, and answers what it has been asked.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, Protocol

from polyloop.errors import RequestError
from polyloop.serving.calls import Call, Reply
from polyloop.serving.nearby.line import Line
from polyloop.serving.nearby.wire import WIRE, Kind, call_of, error_parts, reply_parts
from polyloop.serving.unforeseen import CODE, DETAIL, outline

logger = logging.getLogger("polyloop.serving")

UNFINISHED = ".new"
"""Ending of the socket's name while nobody listens to it yet."""
DRAIN_S = 20.0
"""How long routers have for their last calls; Serve ends a replica 30 s after it told it to stop."""


Answer = Callable[[int, Call], Awaitable[None]]
"""Answers the call of a number."""


class Model(Protocol):
    """What answers: `polyloop.serving.task_model.TaskModel`."""

    async def __call__(self, call: Call) -> Reply:
        """Return the reply to one call."""

    def stream(self, call: Call) -> AsyncGenerator[str | Reply]:
        """Give the pieces of one output, and then the reply."""


class Listener:
    """Answers the routers of its node; for one event loop."""

    def __init__(self, model: Model, path: Path) -> None:
        self._model, self._path = model, path
        self._callers: set[Caller] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to listen; OSError where there can be no socket at the path."""
        unfinished = self._path.with_suffix(UNFINISHED)
        self._server = await asyncio.get_running_loop().create_unix_server(
            lambda: Caller(self._model, self._callers), str(unfinished)
        )
        unfinished.rename(self._path)

    async def close(self) -> None:
        """Take no more connections and calls; return when all callers have gone, or after `DRAIN_S`."""
        if self._server is None:
            return
        self._path.unlink(missing_ok=True)
        self._server.close()
        for caller in list(self._callers):
            caller.send(Kind.LEAVING)
        try:
            async with asyncio.timeout(DRAIN_S):
                while self._callers:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            logger.warning("%d routers have not let go of this replica within %g s", len(self._callers), DRAIN_S)
            for caller in list(self._callers):
                caller.close()


class Caller(Line):
    """A router that is connected; stays in `callers` for as long."""

    def __init__(self, model: Model, callers: "set[Caller]") -> None:
        super().__init__()
        self._model, self._callers = model, callers
        self._at_work: dict[int, asyncio.Task[None]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        super().connection_made(transport)
        self._callers.add(self)
        self.send(Kind.HELLO, WIRE)

    def heard(self, kind: int, number: int, *parts: Any) -> None:
        """Begin to answer a call, or leave it."""
        if kind == Kind.CANCEL:
            if number in self._at_work:
                self._at_work[number].cancel()
            return
        answer = self._whole if kind == Kind.CALL else self._pieces
        task = asyncio.get_running_loop().create_task(self._told(answer, number, call_of(parts[0])))
        self._at_work[number] = task
        task.add_done_callback(lambda _: self._at_work.pop(number, None))

    def lost(self) -> None:
        """Stop the work that nobody waits for any more."""
        self._callers.discard(self)
        for task in self._at_work.values():
            task.cancel()

    async def _told(self, answer: Answer, number: int, call: Call) -> None:
        try:
            await answer(number, call)
        except RequestError as error:
            self.send(Kind.FAILED, number, *error_parts(error))
        except Exception as error:  # the boundary to the router: every failure goes to its caller
            logger.error("a call failed: %s", outline(error))
            self.send(Kind.FAILED, number, *error_parts(RequestError(DETAIL, 500, CODE)))

    async def _whole(self, number: int, call: Call) -> None:
        self.send(Kind.REPLY, number, reply_parts(await self._model(call)))

    async def _pieces(self, number: int, call: Call) -> None:
        async with aclosing(self._model.stream(call)) as parts:
            async for part in parts:
                if isinstance(part, Reply):
                    self.send(Kind.REPLY, number, reply_parts(part))
                else:
                    self.send(Kind.PIECE, number, part)
