"""What each task serves now, and every change of it.

Input: published versions. Output: `Release`. A change of champion, canary or shadow and its audit row are one
transaction, and raise the release's generation by one; changes of one task run one after the other. A version has at
most one of the three roles at a time. Errors: ReleaseRefusedError for a change that is forbidden, among them
ReleaseChangedError where the release has changed since it was looked at, and UnknownVersionError; all RegistryErrors.
Limits: replicas and routers read releases by polling; nothing here tells them, nor waits until they hold a version
(`polyloop.retraining.promotion` does).
"""

from dataclasses import replace

from sqlalchemy import Connection, select

from polyloop.errors import ReleaseChangedError, ReleaseRefusedError
from polyloop.registry import tables
from polyloop.registry.release_events import Action
from polyloop.registry.release_rows import Audit, Release, locked, read, release_of, write
from polyloop.registry.store import Store
from polyloop.registry.versions import PUBLISHED, require_version

__all__ = [
    "Release",
    "all_releases",
    "check_canary",
    "check_generation",
    "check_shadow",
    "clear_canary",
    "clear_preload",
    "clear_shadow",
    "get_release",
    "promote",
    "rollback",
    "set_canary",
    "set_preload",
    "set_shadow",
]


def get_release(store: Store, task: str) -> Release:
    """Return the release of a task, an empty one if nothing was ever promoted."""
    with store.read() as connection:
        return read(connection, task)


def all_releases(store: Store) -> tuple[Release, ...]:
    """Return every release, by task."""
    with store.read() as connection:
        rows = connection.execute(select(tables.releases).order_by(tables.releases.c.task))
        return tuple(release_of(row) for row in rows)


def set_preload(store: Store, task: str, version: str) -> Release:
    """Ask replicas to hold `version` too, in place of another preload; RegistryError if it is not published."""
    with locked(store, task) as (connection, before):
        _check_published(connection, task, version)
        return write(connection, replace(before, preload=version))


def clear_preload(store: Store, task: str, version: str) -> Release:
    """Ask replicas no more to hold `version`; nothing changes where another version is asked for, or none."""
    with locked(store, task) as (connection, before):
        return write(connection, replace(before, preload=None)) if before.preload == version else before


def promote(
    store: Store, task: str, version: str, *, actor: str, reason: str, expected_generation: int | None = None
) -> Release:
    """Make `version` the champion and the old champion `previous`, clear the preload, and write the audit row.

    Whichever version it is, the canary ends, since it stood beside a champion that is no more: one version answers
    all users afterwards. The shadow stays, unless it is the one promoted. Promoting the champion again changes
    nothing, so a repeated call is safe. RegistryError if the version is not published, or if `expected_generation`
    is given and the release has changed since.
    """
    with locked(store, task) as (connection, before):
        if before.champion == version:
            return before
        _check_published(connection, task, version)
        check_generation(before, expected_generation)
        audit = Audit(connection, actor, reason)
        promoted = replace(before, champion=version, previous=before.champion, preload=None)
        after = audit.write(promoted, Action.PROMOTE, before.champion, version)
        after = audit.end_canary(after, f"{version} was promoted")
        return audit.end_shadow(after, f"{version} was promoted") if after.shadow == version else after


def rollback(store: Store, task: str, *, actor: str, reason: str, expected_generation: int | None = None) -> Release:
    """Swap champion and previous, end canary and shadow, and write the audit rows.

    An emergency leaves one version and nothing else that runs. RegistryError if there is no previous version, if a gate
    has rejected it since, or if `expected_generation` is given and the release has changed.
    """
    with locked(store, task) as (connection, before):
        check_generation(before, expected_generation)
        if before.previous is None:
            raise ReleaseRefusedError(f"task {task!r} has no previous version to roll back to")
        _check_published(connection, task, before.previous)
        audit = Audit(connection, actor, reason)
        swapped = replace(before, champion=before.previous, previous=before.champion)
        after = audit.write(swapped, Action.ROLLBACK, before.champion, before.previous)
        after = audit.end_canary(after, "the task was rolled back")
        return audit.end_shadow(after, "the task was rolled back")


def set_canary(
    store: Store,
    task: str,
    version: str,
    weight: float,
    *,
    actor: str,
    reason: str,
    expected_generation: int | None = None,
) -> Release:
    """Let `version` answer the part `weight` of users, clear the preload, and write the audit row.

    It takes the place of another canary; with the weight that it has already nothing changes. A shadow that becomes
    the canary is the shadow no more. RegistryError as for `check_canary`, if the version is not published, or if
    `expected_generation` is given and the release has changed since.
    """
    with locked(store, task) as (connection, before):
        check_canary(before, version, weight)
        if (before.canary, before.canary_weight) == (version, weight):
            return before
        _check_published(connection, task, version)
        check_generation(before, expected_generation)
        audit = Audit(connection, actor, reason)
        changed = replace(before, canary=version, canary_weight=weight, preload=None)
        after = audit.write(changed, Action.CANARY, before.canary, version, weight=weight)
        return audit.end_shadow(after, f"{version} became the canary") if after.shadow == version else after


def set_shadow(
    store: Store, task: str, version: str, *, actor: str, reason: str, expected_generation: int | None = None
) -> Release:
    """Let `version` answer what users asked without their seeing it, clear the preload, and write the audit row.

    It takes the place of another shadow. RegistryError as for `check_shadow`, if the version is not published, or if
    `expected_generation` is given and the release has changed since.
    """
    with locked(store, task) as (connection, before):
        check_shadow(before, version)
        if before.shadow == version:
            return before
        _check_published(connection, task, version)
        check_generation(before, expected_generation)
        changed = replace(before, shadow=version, preload=None)
        return Audit(connection, actor, reason).write(changed, Action.SHADOW, before.shadow, version)


def clear_canary(
    store: Store, task: str, version: str, *, actor: str, reason: str, expected_generation: int | None = None
) -> Release:
    """End the canary `version`; without a canary nothing changes. RegistryError if another version is the canary."""
    with locked(store, task) as (connection, before):
        check_generation(before, expected_generation)
        _check_role(before, "canary", before.canary, version)
        return Audit(connection, actor, reason).end_canary(before)


def clear_shadow(
    store: Store, task: str, version: str, *, actor: str, reason: str, expected_generation: int | None = None
) -> Release:
    """End the shadow `version`; without a shadow nothing changes. RegistryError if another version is the shadow."""
    with locked(store, task) as (connection, before):
        check_generation(before, expected_generation)
        _check_role(before, "shadow", before.shadow, version)
        return Audit(connection, actor, reason).end_shadow(before)


def check_canary(release: Release, version: str, weight: float) -> None:
    """RegistryError if `version` cannot be the canary of `release` with `weight` (pure)."""
    _check_champion(release, "canary", version)
    if not 0.0 < weight < 1.0:
        raise ReleaseRefusedError(
            f"the weight {weight:g} of the canary {version} of {release.task} is not between 0 and 1; give 0.1 for a "
            "tenth of the users, end a canary with --off, or promote the version for all users"
        )


def check_shadow(release: Release, version: str) -> None:
    """RegistryError if `version` cannot be the shadow of `release` (pure)."""
    _check_champion(release, "shadow", version)
    if release.canary == version:
        raise ReleaseRefusedError(
            f"{version} is the canary of {release.task} and cannot be its shadow too; end the canary first "
            f"(`polyloop release canary {release.task} {version} --off`)"
        )


def _check_published(connection: Connection, task: str, version: str) -> None:
    record = require_version(connection, task, version, for_update=True)
    if record.state != PUBLISHED:
        raise ReleaseRefusedError(
            f"version {version} of {task} is {record.state}; only a published version can be released"
        )


def check_generation(release: Release, expected: int | None) -> None:
    """ReleaseChangedError if a generation is expected and `release` has another one (pure)."""
    if expected is not None and release.generation != expected:
        raise ReleaseChangedError(
            f"the release of {release.task} has changed meanwhile (generation {release.generation}, "
            f"not {expected}); look at it and try again"
        )


def _check_champion(release: Release, role: str, version: str) -> None:
    if release.champion is None:
        raise ReleaseRefusedError(
            f"task {release.task!r} has no champion that {version} could be the {role} beside; promote a version first"
        )
    if release.champion == version:
        raise ReleaseRefusedError(
            f"{version} is the champion of {release.task} and cannot be its {role} too; name another"
        )


def _check_role(release: Release, role: str, holder: str | None, version: str) -> None:
    if holder not in (None, version):
        raise ReleaseRefusedError(
            f"{version} is not the {role} of {release.task}, {holder} is; to end it: "
            f"`polyloop release {role} {release.task} {holder} --off`"
        )
