"""Keeps replies for inputs that come again word for word, within a bound of memory and of age.

Input: calls and their replies. Output: the reply to an equal call of the same version, or None. Only outputs that
follow from their inputs may be kept: the spec refuses it where outputs are drawn at random. For one event loop. Limits:
each router has its own; sizes are those of texts, with an allowance for what holds them.
"""

import sys
import time
from collections import OrderedDict
from dataclasses import dataclass

from polyloop.serving.calls import Call, Reply

OVERHEAD_BYTES = 1_024
"""Allowance for the objects around an entry's texts, scores included."""

Key = tuple[str, str, str, str]


@dataclass(frozen=True, kw_only=True)
class _Entry:
    reply: Reply
    size_bytes: int
    until_s: float


class ReplyCache:
    """The replies of one task, least recently asked first."""

    def __init__(self, *, max_bytes: float, ttl_s: float) -> None:
        self._max_bytes, self._ttl_s = max_bytes, ttl_s
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self.size_bytes = 0
        """What all entries take, at most `max_bytes`."""

    def get(self, call: Call) -> Reply | None:
        """Return the reply that an equal call got, unless it is too old."""
        key = _key(call)
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.until_s < time.monotonic():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry.reply

    def put(self, call: Call, reply: Reply) -> None:
        """Keep a reply; one that is larger than the whole memory is not kept."""
        size = _size_bytes(call, reply)
        if size > self._max_bytes:
            return
        key = _key(call)
        if key in self._entries:
            self._drop(key)
        self._entries[key] = _Entry(reply=reply, size_bytes=size, until_s=time.monotonic() + self._ttl_s)
        self.size_bytes += size
        while self.size_bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: Key) -> None:
        self.size_bytes -= self._entries.pop(key).size_bytes


def _key(call: Call) -> Key:
    return call.version, call.locale, call.target_locale, call.text


def _size_bytes(call: Call, reply: Reply) -> int:
    citations = sum(sys.getsizeof(value) for citation in reply.citations for value in citation.values())
    scores = sum(sys.getsizeof(label) for label in reply.scores or ())
    return OVERHEAD_BYTES + sys.getsizeof(call.text) + sys.getsizeof(reply.output) + citations + scores
