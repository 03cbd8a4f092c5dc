"""Which replicas are alive and which versions each of them holds.

Input: beats of replicas. Output: the replicas of a task seen of late. A promotion waits until all of them hold the
version. Times are the callers' clocks, so `ttl_s` must be larger than the clocks of the nodes may differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from polyloop.registry import tables
from polyloop.registry.dialects import insert_into
from polyloop.registry.store import Store

PRESENCE_TTL_S = 10.0
"""A replica that has not beaten for so long counts as gone; replicas beat every 2 s."""
PRUNE_AFTER_S = 3_600.0
"""Rows not renewed for this long belong to replicas that died; they are deleted."""


@dataclass(frozen=True, kw_only=True)
class Replica:
    """A replica and the versions that it holds, in its order."""

    replica_id: str
    versions: tuple[str, ...]
    seen_at: datetime


def beat(store: Store, replica_id: str, task: str, versions: Sequence[str], now: datetime) -> None:
    """Note that a replica of `task` is alive at `now` and holds `versions`."""
    facts = {"task": task, "versions": list(versions), "seen_at": now}
    replicas = tables.replicas
    with store.begin() as connection:
        new = insert_into(connection, replicas).values(replica_id=replica_id, **facts)
        connection.execute(new.on_conflict_do_update(index_elements=["replica_id"], set_=facts))
        oldest = now - timedelta(seconds=PRUNE_AFTER_S)
        connection.execute(delete(replicas).where(replicas.c.task == task, replicas.c.seen_at < oldest))


def live_replicas(store: Store, task: str, *, now: datetime, ttl_s: float) -> tuple[Replica, ...]:
    """Return the replicas of a task seen less than `ttl_s` seconds before `now`, by id."""
    replicas = tables.replicas
    query = (
        select(replicas.c.replica_id, replicas.c.versions, replicas.c.seen_at)
        .where(replicas.c.task == task, replicas.c.seen_at > now - timedelta(seconds=ttl_s))
        .order_by(replicas.c.replica_id)
    )
    with store.read() as connection:
        return tuple(
            Replica(replica_id=row.replica_id, versions=tuple(row.versions), seen_at=row.seen_at)
            for row in connection.execute(query)
        )


def count_live(store: Store, *, now: datetime, ttl_s: float) -> dict[str, int]:
    """Return, per task that has any, how many replicas were seen less than `ttl_s` seconds before `now`."""
    replicas = tables.replicas
    query = (
        select(replicas.c.task, func.count())
        .where(replicas.c.seen_at > now - timedelta(seconds=ttl_s))
        .group_by(replicas.c.task)
    )
    with store.read() as connection:
        return {task: count for task, count in connection.execute(query)}


def forget(store: Store, replica_id: str) -> None:
    """Delete a replica that stops; nothing happens if it is not known."""
    with store.begin() as connection:
        connection.execute(delete(tables.replicas).where(tables.replicas.c.replica_id == replica_id))
