"""The audit trail of releases: who changed what, when and why.

Input: a task. Output: `ReleaseEvent`s, which nothing changes afterwards; `polyloop.registry.release_rows` writes them.
Each change of champion, canary or shadow is one event and raises the release's generation by one.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select

from polyloop.registry import tables
from polyloop.registry.store import Store


class Action(StrEnum):
    """What a change did; CANARY is also a change of a canary's weight."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    CANARY = "canary"
    END_CANARY = "end_canary"
    SHADOW = "shadow"
    END_SHADOW = "end_shadow"


@dataclass(frozen=True, kw_only=True)
class ReleaseEvent:
    """One change; the versions are those that had and have the role that `action` is about, None for none.

    `weight` (0 to 1) is that of the canary, for CANARY alone.
    """

    id: int
    task: str
    action: Action
    from_version: str | None
    to_version: str | None
    weight: float | None
    generation: int
    actor: str
    reason: str
    created_at: datetime


def shadow_start(store: Store, task: str, version: str) -> datetime | None:
    """Return when a version last became the shadow of a task; None if it never was."""
    events = tables.release_events
    query = select(events.c.created_at).where(
        events.c.task == task, events.c.action == str(Action.SHADOW), events.c.to_version == version
    )
    with store.read() as connection:
        return connection.scalar(query.order_by(events.c.generation.desc()).limit(1))


def release_history(store: Store, task: str, *, after_generation: int = 0) -> tuple[ReleaseEvent, ...]:
    """Return every change of a task's release that came after a generation, oldest first."""
    events = tables.release_events
    query = select(events).where(events.c.task == task, events.c.generation > after_generation)
    with store.read() as connection:
        rows = connection.execute(query.order_by(events.c.generation))
        return tuple(ReleaseEvent(**{**row._mapping, "action": Action(row.action)}) for row in rows)
