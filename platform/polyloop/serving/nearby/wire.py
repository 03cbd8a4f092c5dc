"""What routers and the replicas of their node say to each other over a socket. Pure.

Messages are MessagePack arrays: a `Kind`, then for most the number that the router gave to its call, then what the
call or its reply is made of, field by field. Errors are named, and made anew on the other side: nothing that is read
can run code. Both sides must have the same `WIRE`, which follows from the fields, so that two releases of Polyloop
that would misread each other do not speak (a router then asks over Serve).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import fields
from enum import IntEnum
from operator import attrgetter
from typing import Any

import msgpack

from polyloop.errors import OverloadError, ParameterError, RequestError
from polyloop.serving.calls import Call, Reply

MAX_MESSAGE_BYTES = 100 * 1024 * 1024
"""Most that may be read before a message is whole; requests are bounded long before, by `serving.max_body_bytes`."""


class Kind(IntEnum):
    """What a message says."""

    HELLO = 0
    """A replica's first: its `WIRE`."""
    CALL = 1
    """A call that is to be answered whole."""
    STREAM = 2
    """A call that is to be answered in pieces."""
    CANCEL = 3
    """Nobody waits for the answer to a call any more."""
    REPLY = 4
    PIECE = 5
    FAILED = 6
    """A call raised an error."""
    LEAVING = 7
    """The replica takes no more calls; it answers those that it has."""


_ERRORS = {one.__name__: one for one in (RequestError, ParameterError, OverloadError)}
_KINDS = frozenset(Kind)
_CALL, _REPLY = (tuple(one.name for one in fields(of)) for of in (Call, Reply))
_of_call, _of_reply = attrgetter(*_CALL), attrgetter(*_REPLY)
WIRE = hashlib.sha256(repr((list(Kind), sorted(_ERRORS), _CALL, _REPLY)).encode()).hexdigest()[:16]
"""Names this form of the messages."""


class Reader:
    """Puts messages together from what a socket gives."""

    def __init__(self) -> None:
        self._unpacker = msgpack.Unpacker(unicode_errors="surrogatepass", max_buffer_size=MAX_MESSAGE_BYTES)

    def messages(self, data: bytes) -> Iterator[list[Any]]:
        """Give the messages that are whole with `data`; ValueError where they are none."""
        self._unpacker.feed(data)
        for message in self._unpacker:
            if not isinstance(message, list) or not message or message[0] not in _KINDS:
                raise ValueError("what was read is no message of a router or a replica")
            yield message


def packed(*message: Any) -> bytes:
    """Return a message as bytes."""
    return bytes(msgpack.packb(message, default=dict, unicode_errors="surrogatepass"))


def call_parts(call: Call) -> tuple[Any, ...]:
    """Return what a call is made of, for a message."""
    return tuple(_of_call(call))


def call_of(parts: list[Any]) -> Call:
    """Return the call that these parts make."""
    return Call(**dict(zip(_CALL, parts, strict=True)))


def reply_parts(reply: Reply) -> tuple[Any, ...]:
    """Return what a reply is made of, for a message."""
    return tuple(_of_reply(reply))


def reply_of(parts: list[Any]) -> Reply:
    """Return the reply that these parts make."""
    found = dict(zip(_REPLY, parts, strict=True))
    return Reply(**found | {"citations": tuple(found["citations"])})


def error_parts(error: RequestError) -> tuple[str, tuple[Any, ...]]:
    """Return the name of an error and what it is made of, for a message."""
    made_by, arguments = error.__reduce__()
    return made_by.__name__, arguments


def error_of(name: str, arguments: list[Any]) -> RequestError:
    """Return the error of this name; KeyError for one that no replica raises."""
    return _ERRORS[name](*arguments)
