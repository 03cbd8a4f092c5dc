"""Routers know the releases without a read, pause a canary that is not held, and know why a task cannot answer."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.projects import publish

from polyloop.registry.presence import Replica, beat
from polyloop.registry.releases import Release, promote, set_canary
from polyloop.registry.store import Store
from polyloop.serving import release_watch
from polyloop.serving.release_watch import ReleaseWatch, canary_is_held


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


def test_a_release_is_known_whole(store: Store, champions: dict[str, str]) -> None:
    publish(store, "mood", digest="b")
    beat(store, "mood-1", "mood", ["v1", "v2"], datetime.now(UTC))
    expected = set_canary(store, "mood", "v2", 0.2, actor="test", reason="a try")
    watch = started(store)
    assert watch.release("mood") == expected
    assert watch.release("no-such") == Release(task="no-such")
    watch.stop()


def test_a_canary_pauses_while_a_replica_that_answers_does_not_hold_it(
    store: Store, champions: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_watch, "POLL_S", 0.02)
    publish(store, "mood", digest="b")
    set_canary(store, "mood", "v2", 0.2, actor="test", reason="a try")
    beat(store, "mood-1", "mood", ["v1"], datetime.now(UTC))
    watch = started(store)
    paused = watch.release("mood")
    assert (paused.champion, paused.canary, paused.canary_weight) == ("v1", None, 0.0)
    beat(store, "mood-1", "mood", ["v1", "v2"], datetime.now(UTC))
    deadline = time.monotonic() + 5
    while watch.release("mood").canary != "v2":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert watch.release("mood").canary_weight == 0.2
    watch.stop()


@pytest.mark.parametrize(
    ("held", "is_held"),
    [
        ([], False),
        ([("v1", "v2")], True),
        ([("v1",)], False),
        ([("v1", "v2"), ("v1",)], False),
        ([("v1", "v2"), ()], True),
        ([("v2",)], False),
        ([()], False),
    ],
    ids=["none live", "held", "not held", "one lacks it", "one is starting", "no champion", "all are starting"],
)
def test_a_canary_is_held_when_every_replica_that_answers_holds_it(held: list[tuple[str, ...]], is_held: bool) -> None:
    release = Release(task="mood", champion="v1", canary="v2", canary_weight=0.1)
    replicas = [Replica(replica_id="r", versions=versions, seen_at=datetime.now(UTC)) for versions in held]
    assert canary_is_held(release, replicas) == is_held
