"""Routers know the champions without a read, and why a task cannot answer."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.projects import publish

from polyloop.registry.presence import beat
from polyloop.registry.releases import promote
from polyloop.registry.store import Store
from polyloop.serving import release_watch
from polyloop.serving.release_watch import ReleaseWatch


def started(store: Store) -> ReleaseWatch:
    watch = ReleaseWatch(store, ("mood", "to-german"))
    watch.start()
    return watch


def test_a_task_without_a_promotion_is_not_ready(store: Store) -> None:
    watch = started(store)
    assert watch.unready() == {
        "mood": "no version has been promoted",
        "to-german": "no version has been promoted",
    }
    watch.stop()


def test_a_task_is_ready_when_one_live_replica_holds_its_champion(store: Store, champions: dict[str, str]) -> None:
    watch = started(store)
    now = datetime.now(UTC)
    beat(store, "mood-1", "mood", [], now)
    beat(store, "mood-2", "mood", ["v1"], now)
    beat(store, "german-1", "to-german", ["v1"], now - timedelta(seconds=60))
    assert watch.unready() == {"to-german": "no live replica holds v1"}
    watch.stop()


def test_a_change_of_champion_is_seen(store: Store, champions: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_watch, "POLL_S", 0.02)
    watch = started(store)
    assert watch.champion("mood") == "v1"
    promote(store, "mood", publish(store, "mood", digest="b"), actor="test", reason="better")
    deadline = time.monotonic() + 5
    while watch.champion("mood") != "v2":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert watch.alive
    watch.stop()
