"""The routes /v1/status and /v1/key: how the service is just now, and what the caller's key may do.

Input: an API key; any for /v1/key, and one with the scope infer for /v1/status, which tells nothing of users and texts.
Output: JSON; errors are problem+json. Releases and replicas come from the store, requests from this router's memory.
"""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI

from polyloop.registry.presence import PRESENCE_TTL_S, Replica, live_replicas
from polyloop.registry.releases import Release, get_release
from polyloop.registry.store import Store
from polyloop.serving.answering import Answering
from polyloop.serving.auth import KeyCheck, authorization_of
from polyloop.serving.metrics.window import Recent, RecentRequests
from polyloop.serving.problems import documented
from polyloop.serving.schemas import CallerKey
from polyloop.serving.status.schemas import Status
from polyloop.serving.status.views import task_status

Authorization = Annotated[str | None, Depends(authorization_of)]


class StatusRoutes:
    """The routes, over the store and what the router remembers."""

    def __init__(self, answering: Answering, keys: KeyCheck, store: Store, recent: RecentRequests) -> None:
        self._answering, self._keys, self._store, self._recent = answering, keys, store, recent

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to an application."""
        needs_key: dict[str, Any] = {"openapi_extra": {"security": [{"api_key": []}]}}
        app.add_api_route("/v1/status", self.status, tags=["status"], responses=documented(401, 403, 503), **needs_key)
        app.add_api_route("/v1/key", self.caller_key, tags=["status"], responses=documented(401, 503), **needs_key)

    async def status(self, authorization: Authorization) -> Status:
        """Tell the live versions of each task, how many replicas hold them, and this router's requests of late."""
        await self._keys.require(authorization, "infer")
        tasks = self._answering.tasks()
        now = datetime.now(UTC)

        def read() -> dict[str, tuple[Release, tuple[Replica, ...]]]:
            return {
                name: (get_release(self._store, name), live_replicas(self._store, name, now=now, ttl_s=PRESENCE_TTL_S))
                for name in tasks
            }

        found = await asyncio.to_thread(read)
        recent: dict[str, dict[str, Recent]] = {name: {} for name in tasks}
        for (task, version), told in self._recent.recent().items():
            recent[task][version] = told
        return Status(
            window_s=round(self._recent.covered_s, 1),
            tasks=[task_status(spec.kind, *found[name], recent[name]) for name, spec in tasks.items()],
        )

    async def caller_key(self, authorization: Authorization) -> CallerKey:
        """Tell the name and the scopes of the key that asks."""
        info = await self._keys.info(authorization)
        return CallerKey(key_id=info.key_id, name=info.name, scopes=list(info.scopes))
