"""One release as a row of the store: read, locked, and written together with its audit event.

Input: the connection of a transaction. Output: `Release`. What may be changed into what is decided by the functions of
`polyloop.registry.releases`, which are the only callers that write.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from polyloop.registry import tables
from polyloop.registry.columns import utc_now
from polyloop.registry.dialects import insert_into, lock_name
from polyloop.registry.release_events import Action
from polyloop.registry.store import Store


@dataclass(frozen=True, kw_only=True)
class Release:
    """What a task serves; versions are None where there is none, and `generation` counts the audit rows.

    `preload` is a version that replicas are asked to hold before it goes live; `canary_weight` is the part of users
    (0 to 1) whom the canary answers; the shadow answers no one.
    """

    task: str
    champion: str | None = None
    previous: str | None = None
    preload: str | None = None
    canary: str | None = None
    canary_weight: float = 0.0
    shadow: str | None = None
    generation: int = 0
    updated_at: datetime | None = None

    @property
    def live_versions(self) -> tuple[str, ...]:
        """Versions that every replica should hold: champion, canary, shadow and the one to preload, each once."""
        held = (self.champion, self.canary, self.shadow, self.preload)
        return tuple(dict.fromkeys(version for version in held if version is not None))


class Audit:
    """Writes changes of one transaction, each with its event."""

    def __init__(self, connection: Connection, actor: str, reason: str) -> None:
        self._connection, self._actor, self._reason = connection, actor, reason

    def write(
        self,
        changed: Release,
        action: Action,
        from_version: str | None,
        to_version: str | None,
        *,
        weight: float | None = None,
        because: str | None = None,
    ) -> Release:
        """Write a release, its generation raised by one, and the event; `because` is a reason of its own."""
        written = write(self._connection, replace(changed, generation=changed.generation + 1))
        event = insert(tables.release_events).values(
            task=written.task,
            action=str(action),
            from_version=from_version,
            to_version=to_version,
            weight=weight,
            generation=written.generation,
            actor=self._actor,
            reason=self._reason if because is None else f"{because}: {self._reason}",
            created_at=written.updated_at,
        )
        self._connection.execute(event)
        return written

    def end_canary(self, release: Release, because: str | None = None) -> Release:
        """End the canary, if there is one."""
        if release.canary is None:
            return release
        ended = replace(release, canary=None, canary_weight=0.0)
        return self.write(ended, Action.END_CANARY, release.canary, None, because=because)

    def end_shadow(self, release: Release, because: str | None = None) -> Release:
        """End the shadow, if there is one."""
        if release.shadow is None:
            return release
        return self.write(replace(release, shadow=None), Action.END_SHADOW, release.shadow, None, because=because)


@contextmanager
def locked(store: Store, task: str) -> Iterator[tuple[Connection, Release]]:
    """Open a write transaction that is alone with the release of a task, and give the release as it is."""
    with store.begin() as connection:
        lock_name(connection, f"release {task}")
        yield connection, read(connection, task)


def read(connection: Connection, task: str) -> Release:
    """Return the release of a task, an empty one if it has none."""
    row = connection.execute(select(tables.releases).where(tables.releases.c.task == task)).one_or_none()
    return release_of(row) if row else Release(task=task)


def write(connection: Connection, release: Release) -> Release:
    """Write a release without an event, as it is but for the time, and return it."""
    stamped = replace(release, updated_at=utc_now())
    facts = vars(stamped)
    new = insert_into(connection, tables.releases).values(**facts)
    connection.execute(new.on_conflict_do_update(index_elements=["task"], set_=facts))
    return stamped


def release_of(row: Row[Any]) -> Release:
    """Return the release that a row of the table says."""
    return Release(**row._mapping)
