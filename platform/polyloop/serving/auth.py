"""Who may call what: API keys checked against the store, with a short memory so that a request needs no read.

Input: the Authorization header (`Bearer plk_...`). Output: the key's public facts, or a `RequestError` of 401 or 403.
A revoked key stops working within `MEMORY_S` seconds on every replica that reaches the store. While the store is away
or silent, keys that were good go on being good for `AWAY_S` seconds, as releases go on too.
"""

import asyncio
import logging
import time
from dataclasses import dataclass, replace

from fastapi import Request

from polyloop.errors import PolyloopError, RequestError
from polyloop.registry.keys import KEY_PATTERN, KeyInfo, authenticate, signing_key
from polyloop.registry.store import Store
from polyloop.serving.observing.asked import asked_now
from polyloop.serving.tracing.spans import current_span
from polyloop.spec.settings import settings

logger = logging.getLogger("polyloop.serving")

MEMORY_S = 5.0
MEMORY_KEYS = 10_000
AWAY_S = 600.0
"""Long enough for a database to fail over; a replica that is cut off from it must not go on with old keys for ever."""
PATIENCE_S = 1.0
"""How long a request whose key was good waits for a store that says nothing."""


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What the store said of a key at `told_at`; to be asked again `MEMORY_S` after `asked_at`."""

    info: KeyInfo | None
    told_at: float
    asked_at: float


class KeyCheck:
    """Checks keys; remembers what the store said, good or bad, for `MEMORY_S` seconds. For one event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._memory: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Task[KeyInfo | None]] = {}

    async def info(self, authorization: str | None) -> KeyInfo:
        """Return the key of an Authorization header if it exists, whatever it may do."""
        info = await self._known(_bearer(authorization))
        if info is None:
            raise RequestError("the API key is unknown or revoked; `polyloop key create` makes one", 401, "bad_key")
        if asked := asked_now():
            asked.key_id = info.key_id
        return info

    async def require(self, authorization: str | None, scope: str) -> KeyInfo:
        """Return the key of an Authorization header if it exists and has `scope` (or admin)."""
        info = await self.info(authorization)
        if not info.allows(scope):
            raise RequestError(
                f"the API key {info.name!r} lacks the scope {scope!r}; it has: {', '.join(info.scopes)}",
                403,
                "missing_scope",
            )
        return info

    async def _known(self, secret: str) -> KeyInfo | None:
        if KEY_PATTERN.fullmatch(secret) is None:
            return None  # never remembered, so that long nonsense cannot fill the memory
        known, now = self._memory.get(secret), time.monotonic()
        if known is not None and now - known.asked_at < MEMORY_S:
            return known.info
        asking = self._asking.get(secret) or self._ask(secret)
        if known is None or known.info is None or now - known.told_at >= AWAY_S:
            with current_span().child("store", what="key"):
                await asyncio.wait({asking})
            return asking.result()
        with current_span().child("store", what="key"):
            await asyncio.wait({asking}, timeout=PATIENCE_S)
        if asking.done() and not isinstance(asking.exception(), PolyloopError):
            return asking.result()
        logger.warning("the store does not answer; the API key %s is taken for as good as it was", known.info.key_id)
        self._memory[secret] = replace(known, asked_at=time.monotonic())
        return known.info

    def _ask(self, secret: str) -> "asyncio.Task[KeyInfo | None]":
        """Begin to ask the store for a key; who asks meanwhile shares the answer."""

        def forget(asking: "asyncio.Task[KeyInfo | None]") -> None:
            del self._asking[secret]
            if not asking.cancelled():
                asking.exception()  # seen, also where nobody waits for it any more

        self._asking[secret] = asyncio.create_task(self._look_up(secret))
        self._asking[secret].add_done_callback(forget)
        return self._asking[secret]

    async def _look_up(self, secret: str) -> KeyInfo | None:
        now = time.monotonic()  # before the store is asked, so that what is revoked meanwhile is not good for longer
        info = await asyncio.to_thread(authenticate, self._store, secret)
        if len(self._memory) >= MEMORY_KEYS:  # keys that were made up go first: anyone can make up as many as they like
            self._memory = {one: known for one, known in self._memory.items() if known.info is not None}
        if len(self._memory) >= MEMORY_KEYS:
            self._memory.clear()
        self._memory[secret] = _Known(info=info, told_at=now, asked_at=now)
        return info


async def authorization_of(request: Request) -> str | None:
    """Return the Authorization header of a request, as a FastAPI dependency that leaves the OpenAPI document alone.

    A coroutine, since FastAPI calls a plain function in a thread: a hop on each request, which moreover waits behind
    whatever blocks those few threads.
    """
    return request.headers.get("authorization")


def _bearer(authorization: str | None) -> str:
    scheme, _, secret = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise RequestError("send an API key as `Authorization: Bearer plk_...`", 401, "missing_key")
    return secret.strip()


def project_signing_key(store: Store) -> bytes:
    """Return the key of inference ids: POLYLOOP_SIGNING_KEY where it is set, the store's own otherwise."""
    given = settings().signing_key
    return given.get_secret_value().encode() if given else signing_key(store)
