"""A project served for a browser: the real router, collector and store on a free port, with small models and no Ray."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.support.projects import SmallHandle

from polyloop.registry.keys import create_key
from polyloop.registry.presence import beat
from polyloop.registry.releases import promote
from polyloop.registry.store import Store, open_store
from polyloop.registry.versions import publish_version, reserve_version
from polyloop.serving.collector import Collector
from polyloop.serving.router import Router
from polyloop.spec.loader import LoadedSpec

FEEDBACK = "/v1/feedback"
START_TIMEOUT_S = 20.0
MOOD_METRICS: Mapping[str, Any] = {
    "metric": "macro_f1",
    "overall": {"value": 81.24, "low": 78.9, "high": 83.51, "num_rows": 1200},
    "locales": {
        "en": {"value": 84.0, "low": 81.2, "high": 86.6, "num_rows": 700},
        "de": {"value": 77.36, "low": 73.1, "high": 81.0, "num_rows": 500},
    },
}


class Prefixes:
    """Hands feedback to the collector and all else to the router, with paths as Serve's proxy gives them."""

    def __init__(self, router: ASGIApp, collector: ASGIApp) -> None:
        self._router, self._collector = router, collector

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["path"] == FEEDBACK or scope["path"].startswith(f"{FEEDBACK}/"):
            await self._collector({**scope, "root_path": FEEDBACK}, receive, send)
        else:
            await self._router(scope, receive, send)


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where the console is, a key for it, and what stands behind it."""

    url: str
    key: str
    store: Store
    handles: dict[str, SmallHandle]


@contextmanager
def served(loaded: LoadedSpec) -> Iterator[Site]:
    """Serve a project whose task `mood` is ready and whose task `to-german` has a champion but no replica."""
    store = open_store(loaded.store_url)
    _release(store, "mood", MOOD_METRICS)
    _release(store, "to-german", {})
    beat(store, "replica-1", "mood", ["v1"], datetime.now(UTC))
    handles = {
        "mood": SmallHandle(output="good", scores={"good": 0.75, "bad": 0.25}),
        "to-german": SmallHandle(output="guten Morgen"),
    }
    router, collector = Router(loaded, handles), Collector(loaded)
    try:
        with _listening(Prefixes(router.app(), collector.app())) as url:
            yield Site(
                url=url, key=create_key(store, "console", ["infer", "feedback"])[1], store=store, handles=handles
            )
    finally:
        router.close()
        collector.close()
        store.close()


def _release(store: Store, task: str, metrics: Mapping[str, Any]) -> None:
    record = reserve_version(store, task, "a", dataset_digest="d" * 64, holdout_digest="h" * 64, spec_digest="s" * 64)
    publish_version(store, task, record.version, path=record.version, size_bytes=1, metrics=metrics)
    promote(store, task, record.version, actor="test", reason="first")


@contextmanager
def _listening(app: ASGIApp) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", ws="none", log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="site")
        thread.start()
        try:
            deadline = time.monotonic() + START_TIMEOUT_S
            while not server.started:
                assert thread.is_alive()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
