"""Model versions of each task: v1, v2, ..., each reserved before training and published after it.

Input: digests of what a training is made from. Output: `VersionRecord`. One training digest has one version, so the
same inputs never make a second one, even when two jobs ask at once.

States:  training -> published | failed;  failed -> training;  published -> rejected (by a gate);
rejected -> published (when a person overrules the gate).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from polyloop.errors import RegistryError, UnknownVersionError
from polyloop.registry import tables
from polyloop.registry.columns import utc_now
from polyloop.registry.dialects import lock_name
from polyloop.registry.store import Store

TRAINING, PUBLISHED, FAILED, REJECTED = "training", "published", "failed", "rejected"

NEXT_STATES: Mapping[str, frozenset[str]] = {
    TRAINING: frozenset({PUBLISHED, FAILED}),
    FAILED: frozenset({TRAINING}),
    PUBLISHED: frozenset({REJECTED}),
    REJECTED: frozenset({PUBLISHED}),
}
"""State of a version -> states it may change to."""


@dataclass(frozen=True, kw_only=True)
class VersionRecord:
    """A version and its lineage; `path` and `size_bytes` are None until it is published."""

    task: str
    version: str
    number: int
    training_digest: str
    dataset_digest: str
    holdout_digest: str
    spec_digest: str
    parent: str | None
    path: str | None
    size_bytes: int | None
    metrics: Mapping[str, Any]
    created_at: datetime
    state: str


def find_version(store: Store, task: str, training_digest: str) -> VersionRecord | None:
    """Return the version made from exactly these inputs, whatever its state; None if there is none."""
    with store.read() as connection:
        return _find(connection, task, training_digest)


def reserve_version(
    store: Store,
    task: str,
    training_digest: str,
    *,
    dataset_digest: str,
    holdout_digest: str,
    spec_digest: str,
    parent: str | None = None,
) -> VersionRecord:
    """Return the version for these inputs, making it with the task's next number and state `training` if need be.

    Whoever asks for the same training digest, even at the same time, gets the same version.
    """
    with store.begin() as connection:
        lock_name(connection, f"versions {task}")
        found = _find(connection, task, training_digest)
        if found is not None:
            return found
        versions = tables.versions
        last = connection.scalar(select(func.max(versions.c.number)).where(versions.c.task == task)) or 0
        record = VersionRecord(
            task=task,
            version=f"v{last + 1}",
            number=last + 1,
            training_digest=training_digest,
            dataset_digest=dataset_digest,
            holdout_digest=holdout_digest,
            spec_digest=spec_digest,
            parent=parent,
            path=None,
            size_bytes=None,
            metrics={},
            created_at=utc_now(),
            state=TRAINING,
        )
        connection.execute(insert(versions).values(**vars(record)))
        return record


def publish_version(
    store: Store, task: str, version: str, *, path: str, size_bytes: int, metrics: Mapping[str, Any]
) -> VersionRecord:
    """Note that the artefact of a version stands at `path`; the state becomes `published`.

    Publishing again with the same path changes nothing; RegistryError with another path, or if training has failed.
    """
    with store.begin() as connection:
        record = require_version(connection, task, version, for_update=True)
        if record.path == path and record.state in (PUBLISHED, REJECTED):
            return record
        _check_change(record, PUBLISHED)
        if record.state != TRAINING:
            raise RegistryError(f"version {version} of {task} is already published at {record.path}")
        facts = {"path": path, "size_bytes": size_bytes, "metrics": dict(metrics), "state": PUBLISHED}
        connection.execute(update(tables.versions).where(*_is_version(task, version)).values(**facts))
        return require_version(connection, task, version)


def set_version_state(store: Store, task: str, version: str, state: str) -> VersionRecord:
    """Change the state of a version; the state that it has already is no change.

    RegistryError if the change is not one of `NEXT_STATES`, or would reject a version that is being served.
    """
    with store.begin() as connection:
        lock_name(connection, f"release {task}")
        record = require_version(connection, task, version, for_update=True)
        if record.state == state:
            return record
        _check_change(record, state)
        if state == PUBLISHED and record.path is None:
            raise RegistryError(f"version {version} of {task} has no artefact; use publish_version")
        if state == REJECTED:
            _check_not_live(connection, task, version)
        connection.execute(update(tables.versions).where(*_is_version(task, version)).values(state=state))
        return require_version(connection, task, version)


def get_version(store: Store, task: str, version: str) -> VersionRecord:
    """Return a version; RegistryError if there is no such one."""
    with store.read() as connection:
        return require_version(connection, task, version)


def list_versions(store: Store, task: str | None = None) -> tuple[VersionRecord, ...]:
    """Return the versions of a task, or of all, by task and number."""
    versions = tables.versions
    query = select(versions).order_by(versions.c.task, versions.c.number)
    if task is not None:
        query = query.where(versions.c.task == task)
    with store.read() as connection:
        return tuple(_record(row) for row in connection.execute(query))


def require_version(connection: Connection, task: str, version: str, *, for_update: bool = False) -> VersionRecord:
    """Return a version inside a transaction, locked against change if `for_update`; UnknownVersionError without one."""
    query = select(tables.versions).where(*_is_version(task, version))
    row = connection.execute(query.with_for_update() if for_update else query).one_or_none()
    if row is None:
        raise UnknownVersionError(f"task {task!r} has no version {version!r}; `polyloop model list` shows those it has")
    return _record(row)


def _find(connection: Connection, task: str, training_digest: str) -> VersionRecord | None:
    versions = tables.versions
    query = select(versions).where(versions.c.task == task, versions.c.training_digest == training_digest)
    row = connection.execute(query).one_or_none()
    return _record(row) if row else None


def _is_version(task: str, version: str) -> tuple[Any, Any]:
    return tables.versions.c.task == task, tables.versions.c.version == version


def _check_change(record: VersionRecord, state: str) -> None:
    if state not in NEXT_STATES:
        raise RegistryError(f"there is no version state {state!r}; states are {', '.join(NEXT_STATES)}")
    if state not in NEXT_STATES[record.state]:
        raise RegistryError(f"version {record.version} of {record.task} is {record.state} and cannot become {state}")


def _check_not_live(connection: Connection, task: str, version: str) -> None:
    releases = tables.releases
    row = connection.execute(select(releases).where(releases.c.task == task)).one_or_none()
    if row is None:
        return
    if row.champion == version:
        raise RegistryError(f"version {version} is the champion of {task}; roll back or promote another one first")
    for role in ("canary", "shadow"):
        if row._mapping[role] == version:
            raise RegistryError(
                f"version {version} is the {role} of {task}; end that first "
                f"(`polyloop release {role} {task} {version} --off`)"
            )


def _record(row: Row[Any]) -> VersionRecord:
    return VersionRecord(**row._mapping)
