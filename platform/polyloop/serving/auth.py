"""Who may call what: API keys checked against the store, with a short memory so that a request needs no read.

Input: the Authorization header (`Bearer plk_...`). Output: the key's public facts, or a `RequestError` of 401 or 403.
A revoked key stops working within `MEMORY_S` seconds on every replica.
"""

import asyncio
import time

from fastapi import Request

from polyloop.errors import RequestError
from polyloop.registry.keys import KEY_PATTERN, KeyInfo, authenticate, signing_key
from polyloop.registry.store import Store
from polyloop.spec.settings import settings

MEMORY_S = 5.0
MEMORY_KEYS = 10_000


class KeyCheck:
    """Checks keys; remembers what the store said, good or bad, for `MEMORY_S` seconds."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._memory: dict[str, tuple[float, KeyInfo | None]] = {}

    async def require(self, authorization: str | None, scope: str) -> KeyInfo:
        """Return the key of an Authorization header if it exists and has `scope` (or admin)."""
        secret = _bearer(authorization)
        info = await self._known(secret)
        if info is None:
            raise RequestError("the API key is unknown or revoked; `polyloop key create` makes one", 401, "bad_key")
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
        now = time.monotonic()
        remembered = self._memory.get(secret)
        if remembered and now - remembered[0] < MEMORY_S:
            return remembered[1]
        info = await asyncio.to_thread(authenticate, self._store, secret)
        if len(self._memory) >= MEMORY_KEYS:
            self._memory.clear()
        self._memory[secret] = (now, info)
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
