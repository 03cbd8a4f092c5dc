"""A task's deployment: what Serve runs around a `TaskModel`, and where routers of its node find it.

Input: `Call`s, over Serve's handle or over a socket. Output: `Reply`s, or pieces of a text and then the `Reply`.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from polyloop.errors import ClusterError
from polyloop.serving.calls import Call, Reply
from polyloop.serving.nearby.listener import Listener
from polyloop.serving.nearby.places import ENDING, socket_folder
from polyloop.serving.scaling import CALLS
from polyloop.serving.task_model import TaskModel

logger = logging.getLogger("polyloop.serving")


class TaskReplica:
    """Serve deployment class, bound once per task of the spec."""

    def __init__(self, spec_path: str, task: str, task_model: type[TaskModel] = TaskModel) -> None:
        self._model = task_model(spec_path, task)
        self._listener: Listener | None = None
        # Serve makes a replica in its event loop; it is asked over Serve until the socket is there.
        self._opening = asyncio.get_running_loop().create_task(self._open(spec_path, task))

    async def __call__(self, call: Call) -> Reply:
        """Answer one call; errors as for the model."""
        return await self._model(call)

    async def each(self, calls: Sequence[Call]) -> list[Reply | BaseException]:
        """Answer several calls side by side; what a call raises is in the place of its reply."""
        return await self._model.each(calls)

    async def stream(self, call: Call) -> AsyncGenerator[str | Reply]:
        """Give the pieces of one output as they are written, and then the reply."""
        async with aclosing(self._model.stream(call)) as parts:
            async for part in parts:
                yield part

    def record_autoscaling_stats(self) -> dict[str, float]:
        """Return what `polyloop.serving.scaling` counts; Serve asks for it."""
        return {CALLS: float(self._model.num_in_hand)}

    def check_health(self) -> None:
        """Tell Serve to replace this replica when it no longer follows its release."""
        if not self._model.alive:
            raise ClusterError("the replica no longer follows its release")

    async def __del__(self) -> None:
        """Answer the last calls and close when Serve stops this replica in order."""
        if hasattr(self, "_opening"):
            await self._opening
            if self._listener is not None:
                await self._listener.close()
            await asyncio.to_thread(self._model.close)

    async def _open(self, spec_path: str, task: str) -> None:
        try:
            folder = socket_folder(spec_path, task)
            listener = Listener(self._model, folder / f"{self._model.replica_id[-12:]}{ENDING}")
            await listener.open()
        except (ClusterError, OSError) as error:
            logger.warning("routers of this node ask over Serve: %s", error)
            return
        self._listener = listener
