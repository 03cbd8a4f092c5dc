"""What passes between the router and a task's replicas; it stands alone, so that the router needs no model code.

Input: a `Call`. Output: a `Reply`, or pieces of its output and then the `Reply`. `TaskHandle` is as much of Serve's
DeploymentHandle as the router uses.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class Call:
    """One input, with the version that shall answer it."""

    version: str
    text: str
    locale: str
    target_locale: str
    within_s: float | None = field(default=None, compare=False)
    """Seconds, from when it is received, after which nobody waits for the answer any more. A span and not a time, since
    the clocks of nodes differ."""
    request_id: str | None = field(default=None, compare=False)
    """Id of the request, for the replica's log lines."""
    trace: Mapping[str, str] | None = field(default=None, compare=False)
    """Headers by which the replica's spans go on from the router's; None where none are made."""

    def by(self, version: str) -> "Call":
        """Return the same call to another version."""
        return replace(self, version=version)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One output; `scores` maps labels to probabilities for classify tasks."""

    output: str
    scores: dict[str, float] | None
    num_input_tokens: int
    num_output_tokens: int
    citations: tuple[dict[str, Any], ...] = ()
    """What backs an answer out of documents, best first, with the keys of `polyloop.tasks.answer.Citation`."""
    confidence: float | None = None
    """Chance, 0 to 1, that an answer out of documents is right."""
    worked_s: float = field(default=0.0, compare=False)
    """How long the model worked on it, alone or in a batch, without waiting."""


class CutOffError(Exception):
    """A hop was cancelled by another than its caller, as when Serve lets go of a replica; there is no answer."""


def is_leaving() -> bool:
    """Return whether the current task has been cancelled, so that a CancelledError in it is its own."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Way(Protocol):
    """How the router gets calls to a task answered: by replicas, over a hop, or in its own process."""

    @property
    def alive(self) -> bool:
        """True while it works; otherwise the router has to be replaced."""

    def holds(self, version: str) -> bool:
        """Return False where a version cannot be asked this way, whatever other routers can."""

    async def reply(self, call: Call) -> Reply:
        """Return the reply to one call, or raise what the call or the hop raised."""

    def stream(self, call: Call) -> Any:
        """Return an async iterator of the pieces of an output and then the `Reply`, which has `cancel()`."""

    def close(self) -> None:
        """Let go of what it holds; may block."""


class TaskHandle(Protocol):
    """The way to the replicas of one task."""

    def remote(self, call: Call) -> Any:
        """Send a call; what comes back is awaited for the `Reply`, and has `cancel()`.

        From a handle that streams it is iterated over instead.
        """

    def options(self, *, method_name: str, stream: bool) -> Any:
        """Return a handle of another method: `stream` gives several parts, `each` takes several calls."""
