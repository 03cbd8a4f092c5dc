"""Which replicas are alive, on both databases."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from polyloop.registry import tables
from polyloop.registry.presence import PRUNE_AFTER_S, beat, forget, live_replicas
from polyloop.registry.store import Store

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_beat_makes_a_replica_live_with_its_versions(store: Store) -> None:
    beat(store, "b", "mood", ["v1"], NOW)
    beat(store, "a", "mood", ["v1", "v2"], later(1))
    beat(store, "c", "other", ["v1"], NOW)
    replicas = live_replicas(store, "mood", now=later(2), ttl_s=5)
    assert [(replica.replica_id, replica.versions) for replica in replicas] == [("a", ("v1", "v2")), ("b", ("v1",))]
    assert replicas[0].seen_at == later(1)


def test_a_later_beat_replaces_the_earlier_one(store: Store) -> None:
    beat(store, "a", "mood", ["v1"], NOW)
    beat(store, "a", "mood", ["v2"], later(3))
    (replica,) = live_replicas(store, "mood", now=later(4), ttl_s=2)
    assert replica.versions == ("v2",)


def test_a_silent_replica_is_not_live(store: Store) -> None:
    beat(store, "a", "mood", ["v1"], NOW)
    assert live_replicas(store, "mood", now=later(4.9), ttl_s=5) != ()
    assert live_replicas(store, "mood", now=later(5), ttl_s=5) == ()


def test_a_replica_that_stops_is_forgotten(store: Store) -> None:
    beat(store, "a", "mood", ["v1"], NOW)
    forget(store, "a")
    forget(store, "unknown")
    assert live_replicas(store, "mood", now=NOW, ttl_s=5) == ()


def test_rows_of_replicas_long_dead_are_deleted(store: Store) -> None:
    beat(store, "dead", "mood", ["v1"], NOW)
    beat(store, "alive", "mood", ["v1"], later(PRUNE_AFTER_S + 1))
    with store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.replicas)) == 1
