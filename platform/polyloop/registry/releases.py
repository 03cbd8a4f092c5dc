"""What each task serves now, and every change of it.

Input: published versions. Output: `Release`, and its history. A change of champion and its audit row are one
transaction, and raise the release's generation by one; changes of one task run one after the other.
Limits: replicas and routers read releases by polling; nothing here tells them.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from polyloop.errors import RegistryError
from polyloop.registry import tables
from polyloop.registry.columns import utc_now
from polyloop.registry.dialects import insert_into, lock_name
from polyloop.registry.store import Store
from polyloop.registry.versions import PUBLISHED, require_version


@dataclass(frozen=True, kw_only=True)
class Release:
    """What a task serves; versions are None where there is none, and `generation` counts changes of champion.

    `preload` is a version that replicas are asked to hold before it is promoted; `canary_weight` is the part of
    requests (0 to 1) that the canary answers.
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


@dataclass(frozen=True, kw_only=True)
class ReleaseEvent:
    """One change of champion; `action` is promote or rollback."""

    id: int
    task: str
    action: str
    from_version: str | None
    to_version: str
    generation: int
    actor: str
    reason: str
    created_at: datetime


def get_release(store: Store, task: str) -> Release:
    """Return the release of a task, an empty one if nothing was ever promoted."""
    with store.read() as connection:
        return _read(connection, task)


def all_releases(store: Store) -> tuple[Release, ...]:
    """Return every release, by task."""
    with store.read() as connection:
        rows = connection.execute(select(tables.releases).order_by(tables.releases.c.task))
        return tuple(_release(row) for row in rows)


def set_preload(store: Store, task: str, version: str | None) -> Release:
    """Ask replicas to hold `version` too, or with None nothing more; RegistryError if it is not published."""
    with store.begin() as connection:
        lock_name(connection, f"release {task}")
        if version is not None:
            _check_published(connection, task, version)
        return _write(connection, replace(_read(connection, task), preload=version))


def promote(
    store: Store, task: str, version: str, *, actor: str, reason: str, expected_generation: int | None = None
) -> Release:
    """Make `version` the champion and the old champion `previous`, clear the preload, and write the audit row.

    Promoting the champion again changes nothing, so a repeated call is safe. RegistryError if the version is not
    published, or if `expected_generation` is given and the release has changed since.
    """
    with store.begin() as connection:
        lock_name(connection, f"release {task}")
        before = _read(connection, task)
        if before.champion == version:
            return before
        _check_published(connection, task, version)
        _check_generation(before, expected_generation)
        after = replace(
            before, champion=version, previous=before.champion, preload=None, generation=before.generation + 1
        )
        return _change_champion(connection, "promote", before, after, actor, reason)


def rollback(store: Store, task: str, *, actor: str, reason: str, expected_generation: int | None = None) -> Release:
    """Swap champion and previous, and write the audit row.

    RegistryError if there is no previous version, or if `expected_generation` is given and the release has changed.
    """
    with store.begin() as connection:
        lock_name(connection, f"release {task}")
        before = _read(connection, task)
        _check_generation(before, expected_generation)
        if before.previous is None:
            raise RegistryError(f"task {task!r} has no previous version to roll back to")
        after = replace(before, champion=before.previous, previous=before.champion, generation=before.generation + 1)
        return _change_champion(connection, "rollback", before, after, actor, reason)


def release_history(store: Store, task: str) -> tuple[ReleaseEvent, ...]:
    """Return every change of a task's champion, oldest first."""
    events = tables.release_events
    with store.read() as connection:
        rows = connection.execute(select(events).where(events.c.task == task).order_by(events.c.generation))
        return tuple(ReleaseEvent(**row._mapping) for row in rows)


def _change_champion(
    connection: Connection, action: str, before: Release, after: Release, actor: str, reason: str
) -> Release:
    written = _write(connection, after)
    connection.execute(
        insert(tables.release_events).values(
            task=after.task,
            action=action,
            from_version=before.champion,
            to_version=after.champion,
            generation=after.generation,
            actor=actor,
            reason=reason,
            created_at=written.updated_at,
        )
    )
    return written


def _read(connection: Connection, task: str) -> Release:
    row = connection.execute(select(tables.releases).where(tables.releases.c.task == task)).one_or_none()
    return _release(row) if row else Release(task=task)


def _write(connection: Connection, release: Release) -> Release:
    stamped = replace(release, updated_at=utc_now())
    facts = vars(stamped)
    new = insert_into(connection, tables.releases).values(**facts)
    connection.execute(new.on_conflict_do_update(index_elements=["task"], set_=facts))
    return stamped


def _check_published(connection: Connection, task: str, version: str) -> None:
    record = require_version(connection, task, version, for_update=True)
    if record.state != PUBLISHED:
        raise RegistryError(f"version {version} of {task} is {record.state}; only a published version can be released")


def _check_generation(release: Release, expected: int | None) -> None:
    if expected is not None and release.generation != expected:
        raise RegistryError(
            f"the release of {release.task} has changed meanwhile (generation {release.generation}, "
            f"not {expected}); look at it and try again"
        )


def _release(row: Row[Any]) -> Release:
    return Release(**row._mapping)
