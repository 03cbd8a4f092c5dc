"""The router's side: a connection to one replica of the node.

Input: `Call`s from the router's event loop. Output: `Reply`s, or pieces of an output and then the `Reply`. Errors:
what the replica raised; `CutOffError` to everybody who waits when the connection ends, so that another replica is
asked.
"""

import asyncio
import itertools
from pathlib import Path
from typing import Any

from polyloop.serving.calls import Call, CutOffError, Reply
from polyloop.serving.nearby.line import Line
from polyloop.serving.nearby.wire import WIRE, Kind, call_parts, error_of, reply_of
from polyloop.serving.parts import Parts

CONNECT_S = 1.0


class Channel(Line):
    """Asks one replica; for one event loop."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count()
        self._whole: dict[int, asyncio.Future[Reply]] = {}
        self._written: dict[int, Written] = {}
        self._may_ask = False

    @classmethod
    async def to(cls, path: Path) -> "Channel":
        """Connect to the socket of a replica; OSError where nobody listens."""
        async with asyncio.timeout(CONNECT_S):
            _, channel = await asyncio.get_running_loop().create_unix_connection(cls, str(path))
        return channel

    @property
    def is_usable(self) -> bool:
        """True once the replica has greeted in the same form, until it leaves or is lost."""
        return self._may_ask and self.is_connected

    @property
    def num_in_flight(self) -> int:
        """How many calls are being answered."""
        return len(self._whole) + len(self._written)

    async def reply(self, call: Call) -> Reply:
        """Return the reply to one call; who is cancelled meanwhile has the replica leave it."""
        number = self._begin(Kind.CALL, call)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._whole[number] = future
        try:
            return await future
        except asyncio.CancelledError:
            self.send(Kind.CANCEL, number)
            raise
        finally:
            self._whole.pop(number, None)
            self._go_if_done()

    def stream(self, call: Call) -> "Written":
        """Return the parts of one output."""
        number = self._begin(Kind.STREAM, call)
        self._written[number] = written = Written(self, number)
        return written

    def leave(self, number: int) -> None:
        """Let go of a stream, and have the replica stop it if it is still written."""
        if self._written.pop(number, None) is not None:
            self.send(Kind.CANCEL, number)
            self._go_if_done()

    def heard(self, kind: int, *parts: Any) -> None:
        """Give a part of an answer to who waits for it."""
        match [kind, *parts]:
            case [Kind.REPLY, number, made_of]:
                self._over(number, reply_of(made_of))
            case [Kind.PIECE, number, text]:
                if number in self._written:
                    self._written[number].made.put_nowait(text)
            case [Kind.FAILED, number, name, arguments]:
                self._over(number, error_of(name, arguments))
            case [Kind.HELLO, wire]:
                self._may_ask = wire == WIRE
            case [Kind.LEAVING]:
                self._may_ask = False
                self._go_if_done()

    def lost(self) -> None:
        """Tell all who wait."""
        for number in [*self._whole, *self._written]:
            self._over(number, CutOffError())

    def _begin(self, kind: Kind, call: Call) -> int:
        if not self.is_connected:
            raise CutOffError
        number = next(self._numbers)
        self.send(kind, number, call_parts(call))
        return number

    def _over(self, number: int, result: Reply | Exception) -> None:
        future, written = self._whole.get(number), self._written.pop(number, None)
        if written is not None:
            written.made.put_nowait(result)
            written.made.put_nowait(None)
            self._go_if_done()
        if future is None or future.done():
            return
        if isinstance(result, Reply):
            future.set_result(result)
        else:
            future.set_exception(result)

    def _go_if_done(self) -> None:
        """Let a replica go that leaves, once it has answered all."""
        if not self._may_ask and not self.num_in_flight:
            self.close()


class Written(Parts):
    """The parts of one output, as they come; no more wait than an output has."""

    def __init__(self, channel: Channel, number: int) -> None:
        super().__init__()
        self._channel, self._number = channel, number

    def cancel(self) -> None:
        """Stop the writing."""
        self._channel.leave(self._number)
