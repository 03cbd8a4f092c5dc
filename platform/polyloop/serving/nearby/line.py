"""One end of a connection between a router and a replica: the part that is the same on both sides.

Messages of the same moment are written together, so that a busy end makes few system calls, and a lone one does not
wait.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import Any, cast

from polyloop.serving.nearby.wire import Reader, packed

logger = logging.getLogger("polyloop.serving")


class Line(asyncio.Protocol, ABC):
    """Sends messages, and hears those of the other end; for one event loop."""

    def __init__(self) -> None:
        self._reader = Reader()
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hear the messages that are whole; who sends something else is not listened to any more."""
        try:
            for message in self._reader.messages(data):
                self.heard(*message)
        except Exception as error:  # the boundary to the other process: whatever is wrong with it ends the connection
            logger.error("a connection between a router and a replica ends: %s", type(error).__name__)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """End, whoever ended it."""
        self._transport = None
        self.lost()

    @property
    def is_connected(self) -> bool:
        """True until the connection has ended."""
        return self._transport is not None

    def send(self, *message: Any) -> None:
        """Send a message; nothing happens after the end of the connection."""
        self._unsent.append(packed(*message))
        if len(self._unsent) == 1:
            asyncio.get_running_loop().call_soon(self._flush)

    def close(self) -> None:
        """End the connection, after what has been sent."""
        self._flush()
        if self._transport is not None:
            self._transport.close()

    @abstractmethod
    def heard(self, *message: Any) -> None:
        """Take a message."""

    @abstractmethod
    def lost(self) -> None:
        """Give up what waits for the other end."""

    def _flush(self) -> None:
        if self._transport is not None and self._unsent:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()
