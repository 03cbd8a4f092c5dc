"""A project served for a browser: the real router, collector and store on a free port, with small models and no Ray."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.support.listening import Prefixes, listening
from tests.support.projects import SmallHandle

from polyloop.registry.keys import create_key
from polyloop.registry.presence import beat
from polyloop.registry.releases import promote
from polyloop.registry.store import Store, open_store
from polyloop.registry.versions import publish_version, reserve_version
from polyloop.serving.collector import Collector
from polyloop.serving.router import Router
from polyloop.spec.loader import LoadedSpec

MOOD_METRICS: Mapping[str, Any] = {
    "metric": "macro_f1",
    "overall": {"value": 81.24, "low": 78.9, "high": 83.51, "num_rows": 1200},
    "locales": {
        "en": {"value": 84.0, "low": 81.2, "high": 86.6, "num_rows": 700},
        "de": {"value": 77.36, "low": 73.1, "high": 81.0, "num_rows": 500},
    },
}


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
        with listening(Prefixes(router.app(), collector.app())) as url:
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
