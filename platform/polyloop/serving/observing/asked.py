"""What is known of the request that is answered now: its id, and more as it becomes known.

Input: facts, from wherever they are settled. Output: the same facts, for log lines and errors of the same request. It
follows the request's context through coroutines and `asyncio.to_thread`; a model's own thread works for many requests
at once and has none.
"""

import re
import uuid
from contextvars import ContextVar, Token
from dataclasses import dataclass

ASKED = "polyloop.asked"
"""Where a request's ASGI scope holds its `Asked`."""
_GOOD_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
"""What ids of proxies and clients are made of: UUIDs, base 64, HAProxy's and Amazon's; nothing that a line quotes."""


@dataclass(kw_only=True)
class Asked:
    """One request over HTTP in a router or collector, or one call in a replica."""

    request_id: str | None
    trace_id: str | None = None
    task: str | None = None
    version: str | None = None
    locale: str | None = None
    outcome: str | None = None
    """As in the figures: answered, cancelled, or a code; of several inputs the first that was not answered."""
    key_id: str | None = None
    num_inputs: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def told(self) -> dict[str, str]:
        """Return what each log line about this request carries."""
        facts = {
            "request_id": self.request_id,
            "trace_id": self.trace_id,
            "task": self.task,
            "version": self.version,
        }
        return {name: value for name, value in facts.items() if value}


_asked: ContextVar[Asked | None] = ContextVar("polyloop_asked", default=None)


def asked_now() -> Asked | None:
    """Return the request that this context belongs to."""
    return _asked.get()


def begin_asked(asked: Asked) -> "Token[Asked | None]":
    """Make `asked` the request of this context; give the token to `end_asked` in the same context."""
    return _asked.set(asked)


def end_asked(token: "Token[Asked | None]") -> None:
    """Undo `begin_asked`."""
    _asked.reset(token)


def request_id_now() -> str | None:
    """Return the id of the request that this context belongs to."""
    asked = _asked.get()
    return asked.request_id if asked else None


def line_facts() -> dict[str, str]:
    """Return what a log line of this context carries."""
    asked = _asked.get()
    return asked.told() if asked else {}


def is_good_id(sent: str) -> bool:
    """Return whether a client's X-Request-Id may stand in lines and headers as it is."""
    return _GOOD_ID.fullmatch(sent) is not None


def new_request_id() -> str:
    """Return an id that nobody else has."""
    return uuid.uuid4().hex
