"""Hands a call to a task's replicas within a deadline, and again to another replica when one died under it.

Input: the `Way` to the replicas and a `Call`. Output: a `Reply`, after the pieces of its output where it is streamed,
or a `RequestError` of 429, 503 or 504. Inference changes nothing, so answering a call twice is harmless; that is what
makes a dead replica invisible to clients. Limits: a stream goes on at another replica only if that writes the same
text, so not where outputs are drawn at random.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import grpc
from ray.exceptions import RayActorError, RaySystemError
from ray.serve.exceptions import BackPressureError, RayServeException

from polyloop.errors import RequestError
from polyloop.serving.calls import Call, CutOffError, Reply, Way, is_leaving
from polyloop.serving.observing.asked import request_id_now
from polyloop.serving.tracing.spans import NO_SPAN, Span

logger = logging.getLogger("polyloop.serving")

MAX_ATTEMPTS = 5
RETRY_PAUSE_S = 0.1
LOST = (RayActorError, RaySystemError, RayServeException, grpc.RpcError, CutOffError)
"""What a call raises whose replica is gone."""
LOST_WORDS = "Unexpected error (StatusCode."
"""How the RuntimeError begins that Serve 2.60 has for a connection that ended before the replica took the call."""


def is_lost(error: Exception) -> bool:
    """Return whether a call failed because its replica is gone, so that another one may answer it."""
    return isinstance(error, LOST) or (isinstance(error, RuntimeError) and str(error).startswith(LOST_WORDS))


async def dispatch(way: Way, call: Call, *, task: str, timeout_s: float, span: Span = NO_SPAN) -> Reply:
    """Return the reply of a live replica; a timeout cancels the work that is still queued, and replicas know of it.

    Each attempt is a span `call` below `span`.
    """
    deadline_s = asyncio.get_running_loop().time() + timeout_s
    try:
        async with asyncio.timeout_at(deadline_s):
            return await _attempt(way, call, task, deadline_s, span)
    except TimeoutError:
        raise _too_slow(task, timeout_s) from None


async def dispatch_stream(
    way: Way, call: Call, *, task: str, timeout_s: float, span: Span = NO_SPAN
) -> AsyncGenerator[str | Reply]:
    """Give the pieces of an output as a replica writes them, and then the reply, whose output they make up.

    All of it has to come within the timeout. Whoever closes the generator early stops the work.
    """
    deadline_s = asyncio.get_running_loop().time() + timeout_s
    given, reply = "", None
    for attempt in range(MAX_ATTEMPTS):
        if attempt:
            await asyncio.sleep(RETRY_PAUSE_S * 2**attempt)
        written = ""
        try:
            with _attempt_span(span, task, attempt) as trying:
                sent = _sent(call, deadline_s, trying)
                async with aclosing(_parts(way.stream(sent), deadline_s)) as parts:
                    async for part in parts:
                        if isinstance(part, Reply):
                            reply = part
                            continue
                        written += part
                        if piece := _beyond(given, written, task):
                            given += piece
                            yield piece
        except TimeoutError:
            raise _too_slow(task, timeout_s) from None
        except BackPressureError:
            raise _overloaded(task) from None
        except Exception as error:  # handed on, unless the replica is gone
            if not is_lost(error):
                raise
            logger.warning("attempt %d of a stream from %s met a lost replica: %s", attempt + 1, task, error)
        if reply is not None:
            if written != given:
                raise _another_text(task)
            yield reply
            return
    raise _no_replica(task)


async def _parts(response: Any, deadline_s: float) -> AsyncGenerator[str | Reply]:
    """Give the parts of one call, which is cancelled where they are not all read; TimeoutError after the deadline."""
    is_over = False
    try:
        while True:
            # Around each part and not around all: a timeout belongs to one asyncio task, and several read a stream.
            try:
                async with asyncio.timeout_at(deadline_s):
                    part = await anext(response, None)
            except asyncio.CancelledError:
                if is_leaving():
                    raise
                raise CutOffError from None
            if part is None:
                is_over = True
                return
            yield part
    finally:
        if not is_over:
            response.cancel()


def _beyond(given: str, written: str, task: str) -> str:
    """Return what has been written beyond what was given already; RequestError (503) if that was another text."""
    if not written.startswith(given) and not given.startswith(written):
        raise _another_text(task)
    return written[len(given) :]


def _attempt_span(span: Span, task: str, attempt: int) -> Span:
    span.note(attempts=attempt + 1)
    return span.child("call", "client", task=task, attempt=attempt + 1)


def _sent(call: Call, deadline_s: float, span: Span) -> Call:
    """Return a call with the time that is left for it, and with what its replica needs to tell of it."""
    within_s = max(0.0, deadline_s - asyncio.get_running_loop().time())
    return replace(call, within_s=within_s, request_id=request_id_now(), trace=span.carrier)


async def _attempt(way: Way, call: Call, task: str, deadline_s: float, span: Span) -> Reply:
    for attempt in range(MAX_ATTEMPTS):
        if attempt:
            await asyncio.sleep(RETRY_PAUSE_S * 2**attempt)
        try:
            with _attempt_span(span, task, attempt) as trying:
                return await way.reply(_sent(call, deadline_s, trying))
        except BackPressureError:
            raise _overloaded(task) from None
        except Exception as error:  # handed on, unless the replica is gone
            if not is_lost(error):
                raise
            logger.warning("attempt %d of a call to %s met a lost replica: %s", attempt + 1, task, error)
    raise _no_replica(task)


def _too_slow(task: str, timeout_s: float) -> RequestError:
    return RequestError(
        f"the task {task!r} did not answer within {timeout_s:g} s; send a shorter input or try again later",
        504,
        "timeout",
    )


def _overloaded(task: str) -> RequestError:
    return RequestError(
        f"the task {task!r} has as many requests as it can take; try again in a second", 429, "overloaded"
    )


def _another_text(task: str) -> RequestError:
    return RequestError(
        f"the replica of the task {task!r} that wrote this was lost, and another one writes something else; send the "
        "request again",
        503,
        "no_replica",
    )


def _no_replica(task: str) -> RequestError:
    return RequestError(f"no replica of the task {task!r} stays alive; try again later", 503, "no_replica")
