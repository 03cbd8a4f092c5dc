"""A project served for a browser: the real router, collector and store on a free port, with small models and no Ray."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.support.listening import Prefixes, listening
from tests.support.projects import SmallHandle
from tests.support.wire_site import LONG_ALIVE, RuleHandle

from polyloop.registry.keys import create_key
from polyloop.registry.presence import beat
from polyloop.registry.releases import promote, set_canary
from polyloop.registry.store import Store, open_store
from polyloop.registry.versions import publish_version, reserve_version
from polyloop.serving.calls import Call, Reply
from polyloop.serving.collector import Collector
from polyloop.serving.router import Router
from polyloop.spec.loader import LoadedSpec
from polyloop.tasks.chat import read_turns

MOOD_METRICS: Mapping[str, Any] = {
    "metric": "macro_f1",
    "overall": {"value": 81.24, "low": 78.9, "high": 83.51, "num_rows": 1200},
    "locales": {
        "en": {"value": 84.0, "low": 81.2, "high": 86.6, "num_rows": 700},
        "de": {"value": 77.36, "low": 73.1, "high": 81.0, "num_rows": 500},
    },
}


CHAT: Mapping[str, Any] = {
    "kind": "chat",
    "locales": ["en", "de"],
    "corpora": ["moods"],
    "model": {"recipe": "nano", "vocab_size": 300},
}
"""A task `talk` whose outputs are streamed, to be added to the small spec."""


def _heard(call: Call) -> Reply:
    said = read_turns(call.text)[-1].content
    return Reply(output=f"{call.version} heard: {said}", scores=None, num_input_tokens=3, num_output_tokens=4)


class HeldUpHandle(RuleHandle):
    """Streams word by word; after the first word it waits until `go_on` is set."""

    def __init__(self) -> None:
        super().__init__(_heard)
        self.go_on = threading.Event()
        self.go_on.set()

    async def _words(self, call: Call) -> AsyncGenerator[str | Reply]:
        async for part in super()._words(call):
            yield part
            while not self.go_on.is_set():
                await asyncio.sleep(0.02)


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where the console is, keys for it, and what stands behind it."""

    url: str
    key: str
    """May ask and give feedback."""
    admin_key: str
    """May do everything; its name is ana."""
    store: Store
    handles: dict[str, SmallHandle]
    talk: HeldUpHandle


@contextmanager
def served(loaded: LoadedSpec) -> Iterator[Site]:
    """Serve a project of three tasks.

    `mood` is ready, `to-german` has a champion but no replica, and `talk` has the champion v1, the canary v2 for a
    tenth of the users, and v3, published and held; two replicas hold all of them.
    """
    store = open_store(loaded.store_url)
    for task, metrics in (("mood", MOOD_METRICS), ("to-german", {}), ("talk", {})):
        promote(store, task, _publish(store, task, "a", metrics), actor="test", reason="first")
    _publish(store, "talk", "b", {})
    _publish(store, "talk", "c", {})
    set_canary(store, "talk", "v2", 0.1, actor="test", reason="a try")
    for replica in ("talk-1", "talk-2"):
        beat(store, replica, "talk", ["v1", "v2", "v3"], datetime.now(UTC) + LONG_ALIVE)
    beat(store, "mood-1", "mood", ["v1"], datetime.now(UTC) + LONG_ALIVE)
    talk = HeldUpHandle()
    handles = {
        "mood": SmallHandle(output="good", scores={"good": 0.75, "bad": 0.25}),
        "to-german": SmallHandle(output="guten Morgen"),
    }
    # Kept as one mapping: tests put other handles in place of these while the router runs.
    tasks: dict[str, Any] = handles
    tasks["talk"] = talk
    router, collector = Router(loaded, tasks), Collector(loaded)
    try:
        with listening(Prefixes(router.app(), collector.app())) as url:
            yield Site(
                url=url,
                key=create_key(store, "console", ["infer", "feedback"])[1],
                admin_key=create_key(store, "ana", ["admin"])[1],
                store=store,
                handles=handles,
                talk=talk,
            )
    finally:
        talk.go_on.set()
        router.close()
        collector.close()
        store.close()


def _publish(store: Store, task: str, digest: str, metrics: Mapping[str, Any]) -> str:
    record = reserve_version(
        store, task, digest, dataset_digest="d" * 64, holdout_digest="h" * 64, spec_digest="s" * 64
    )
    publish_version(store, task, record.version, path=record.version, size_bytes=1, metrics=metrics)
    return record.version
