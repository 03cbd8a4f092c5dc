"""The routes /v1/releases: what each task serves, and changes of it.

Input: an API key with the scope infer for the list, and admin for histories and changes. Output: releases as JSON,
errors as problem+json. A change waits until every replica holds the version, for as long as any request may take (200);
where that is not enough it goes on, and the answer says so (202). It is safe to send a change again: it carries the
generation that it was decided on.
"""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response

from polyloop.registry.presence import PRESENCE_TTL_S, live_replicas
from polyloop.registry.release_events import release_history
from polyloop.registry.releases import get_release
from polyloop.registry.store import Store
from polyloop.serving.answering import Answering
from polyloop.serving.auth import KeyCheck, authorization_of
from polyloop.serving.bodies import read_body
from polyloop.serving.problems import RETRY_AFTER_S, documented
from polyloop.serving.releases.changes import Changes
from polyloop.serving.releases.schemas import ReleaseChange, ReleaseDetail, ReleaseList
from polyloop.serving.releases.views import release_detail, release_info
from polyloop.spec.loader import LoadedSpec

ROOT = "/v1/releases"
ONE = f"{ROOT}/{{task}}"
MAX_HISTORY = 50

Authorization = Annotated[str | None, Depends(authorization_of)]


class ReleaseRoutes:
    """The routes, over the store; `close` before the store is closed."""

    def __init__(self, answering: Answering, keys: KeyCheck, store: Store, loaded: LoadedSpec) -> None:
        self._answering, self._keys, self._store = answering, keys, store
        serving = loaded.spec.serving
        self._max_body_bytes = serving.max_body_bytes
        self._changes = Changes(store, loaded, wait_s=serving.request_timeout_s)

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to an application."""
        app.add_api_route(ROOT, self.list_releases, tags=["releases"], **_described(401, 403, 503))
        app.add_api_route(ONE, self.show_release, tags=["releases"], **_described(401, 403, 404, 503))
        app.add_api_route(ONE, self.change_release, methods=["POST"], tags=["releases"], **_CHANGE)

    def close(self) -> None:
        """End changes that wait for replicas."""
        self._changes.close()

    async def list_releases(self, authorization: Authorization) -> ReleaseList:
        """List what each task serves: champion, canary, shadow."""
        await self._keys.require(authorization, "infer")

        def read() -> ReleaseList:
            return ReleaseList(releases=[release_info(get_release(self._store, task)) for task in tasks])

        tasks = list(self._answering.tasks())
        return await asyncio.to_thread(read)

    async def show_release(self, task: str, authorization: Authorization) -> ReleaseDetail:
        """Show what a task serves, how many replicas hold each version, and who changed it, when and why."""
        await self._keys.require(authorization, "admin")
        self._answering.task(task)
        return await asyncio.to_thread(self._detail, task)

    async def change_release(
        self, task: str, request: Request, response: Response, authorization: Authorization
    ) -> ReleaseDetail:
        """Promote, roll back, start, change or end a canary or a shadow.

        It waits until every replica holds the version; a 202 says that some still load it: the change goes on, and the
        same request again waits for its outcome.
        """
        caller = await self._keys.require(authorization, "admin")
        self._answering.task(task)
        body = await read_body(request, ReleaseChange, max_body_bytes=self._max_body_bytes)
        changed = await self._changes.carry_out(task, body.root, key_id=caller.key_id, actor=caller.name)
        if changed is None:
            response.status_code = 202
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return await asyncio.to_thread(self._detail, task)

    def _detail(self, task: str) -> ReleaseDetail:
        """Read all of a release; its generation counts the changes, so that the newest ones are those after it."""
        release = get_release(self._store, task)
        replicas = live_replicas(self._store, task, now=datetime.now(UTC), ttl_s=PRESENCE_TTL_S)
        history = release_history(self._store, task, after_generation=max(0, release.generation - MAX_HISTORY))
        return release_detail(release, replicas, history)


def _described(*statuses: int) -> dict[str, Any]:
    return {"responses": documented(*statuses), "openapi_extra": {"security": [{"api_key": []}]}}


_CHANGE: dict[str, Any] = {
    "responses": {
        202: {"model": ReleaseDetail, "description": "Replicas still load the version; ask again for the outcome"},
        **documented(400, 401, 403, 404, 409, 413, 422, 503),
    },
    "openapi_extra": {
        "security": [{"api_key": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ReleaseChange"}}},
        },
    },
}
