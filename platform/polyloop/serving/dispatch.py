"""Hands a call to a task's replicas within a deadline, and again to another replica when one died under it.

Input: a Serve handle and a `Call`. Output: a `Reply`, or a `RequestError` of 429, 503 or 504. Inference changes
nothing, so answering a call twice is harmless; that is what makes a dead replica invisible to clients.
"""

import asyncio
import logging

import grpc
from ray.exceptions import RayActorError, RaySystemError
from ray.serve.exceptions import BackPressureError, RayServeException

from polyloop.errors import RequestError
from polyloop.serving.calls import Call, Reply, TaskHandle

logger = logging.getLogger("polyloop.serving")

MAX_ATTEMPTS = 5
RETRY_PAUSE_S = 0.1


async def dispatch(handle: TaskHandle, call: Call, *, task: str, timeout_s: float) -> Reply:
    """Return the reply of a live replica; a timeout cancels the work that is still queued."""
    try:
        async with asyncio.timeout(timeout_s):
            return await _attempt(handle, call, task)
    except TimeoutError:
        raise RequestError(
            f"the task {task!r} did not answer within {timeout_s:g} s; send a shorter input or try again later",
            504,
            "timeout",
        ) from None


async def _attempt(handle: TaskHandle, call: Call, task: str) -> Reply:
    for attempt in range(MAX_ATTEMPTS):
        if attempt:
            await asyncio.sleep(RETRY_PAUSE_S * 2**attempt)
        response = handle.remote(call)
        try:
            reply: Reply = await response
            return reply
        except asyncio.CancelledError:
            response.cancel()
            raise
        except BackPressureError:
            raise RequestError(
                f"the task {task!r} has as many requests as it can take; try again in a second", 429, "overloaded"
            ) from None
        except (RayActorError, RaySystemError, RayServeException, grpc.RpcError) as error:
            logger.warning("attempt %d of a call to %s met a lost replica: %s", attempt + 1, task, error)
    raise RequestError(f"no replica of the task {task!r} stays alive; try again later", 503, "no_replica")
