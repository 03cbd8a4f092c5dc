"""Loop runs: at most one alive per task, held by a lease, so that a killed job's run is taken over and goes on.

Input: who wants to run a task, and the time. Output: `LoopRun`. Every change by an owner that has lost the lease is
refused. Times are given by the caller; the lease must be longer than the clocks of the nodes may differ.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from polyloop.errors import RegistryError
from polyloop.registry import tables
from polyloop.registry.dialects import lock_name
from polyloop.registry.run_states import RunState, is_allowed
from polyloop.registry.store import Store


@dataclass(frozen=True, kw_only=True)
class LoopRun:
    """One turn of the loop; `attempt` counts from 1 and grows when another owner takes the run over."""

    run_id: str
    task: str
    state: RunState
    trigger: str
    reason: str
    owner: str
    lease_until: datetime
    attempt: int
    dataset_digest: str | None
    version: str | None
    job_id: str | None
    error: str | None
    details: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class Start(StrEnum):
    """What `start_run` found: nothing, a run whose owner is gone, or a run that another owner is working on."""

    CREATED = "created"
    TAKEN_OVER = "taken_over"
    HELD = "held"


@dataclass(frozen=True, kw_only=True)
class StartedRun:
    """The alive run of the task; it is the caller's to work on unless `start` is HELD."""

    run: LoopRun
    start: Start

    @property
    def is_ours(self) -> bool:
        """True if the caller now holds the lease."""
        return self.start is not Start.HELD


def start_run(
    store: Store, task: str, *, trigger: str, reason: str, owner: str, lease_s: float, now: datetime
) -> StartedRun:
    """Start a run of `task`, or take over the alive one if its lease is over or already belongs to `owner`.

    A run that is taken over keeps its id, state and facts, and its attempt grows by one. When another owner holds
    the lease, that run comes back as HELD and nothing changes.
    """
    with store.begin() as connection:
        lock_name(connection, f"runs {task}")
        alive = _alive(connection, task, for_update=True)
        if alive is None:
            run = _new_run(task, trigger, reason, owner, now + timedelta(seconds=lease_s), now)
            connection.execute(insert(tables.loop_runs).values(**vars(run)))
            return StartedRun(run=run, start=Start.CREATED)
        if alive.lease_until > now and alive.owner != owner:
            return StartedRun(run=alive, start=Start.HELD)
        taken = _change(connection, alive, now, owner=owner, attempt=alive.attempt + 1, lease_s=lease_s)
        return StartedRun(run=taken, start=Start.TAKEN_OVER)


def heartbeat(store: Store, run_id: str, owner: str, *, lease_s: float, now: datetime) -> LoopRun:
    """Renew the lease to `lease_s` seconds from `now`; RegistryError if `owner` has lost it or the run is over."""
    with store.begin() as connection:
        return _change(connection, _owned(connection, run_id, owner), now, lease_s=lease_s)


def hand_over(store: Store, run_id: str, owner: str, *, new_owner: str, lease_s: float, now: datetime) -> LoopRun:
    """Give the run from `owner` (such as the scheduler) to `new_owner` (such as the job that it submitted)."""
    with store.begin() as connection:
        return _change(connection, _owned(connection, run_id, owner), now, owner=new_owner, lease_s=lease_s)


def advance(
    store: Store,
    run_id: str,
    owner: str,
    to_state: RunState,
    *,
    now: datetime,
    dataset_digest: str | None = None,
    version: str | None = None,
    job_id: str | None = None,
    error: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> LoopRun:
    """Put the run into `to_state` and note the facts that are given; `details` are added to those it has.

    Staying in the same state notes facts only. RegistryError if the change is not allowed by
    `run_states.NEXT_STATES`, or `owner` has lost the lease to another one.
    """
    facts = {"dataset_digest": dataset_digest, "version": version, "job_id": job_id, "error": error}
    known: dict[str, Any] = {name: value for name, value in facts.items() if value is not None}
    with store.begin() as connection:
        run = _owned(connection, run_id, owner)
        if not is_allowed(run.state, to_state):
            raise RegistryError(f"loop run {run_id} of {run.task} is {run.state} and cannot become {to_state}")
        if to_state.is_terminal:
            known["finished_at"] = now
        return _change(connection, run, now, state=to_state, details={**run.details, **(details or {})}, **known)


def get_run(store: Store, run_id: str) -> LoopRun:
    """Return a run; RegistryError if there is no such one."""
    with store.read() as connection:
        return _require(connection, run_id)


def list_runs(store: Store, task: str | None = None, *, limit: int = 100) -> tuple[LoopRun, ...]:
    """Return the newest `limit` runs of a task, or of all, newest first."""
    runs = tables.loop_runs
    query = select(runs).order_by(runs.c.created_at.desc(), runs.c.run_id.desc()).limit(limit)
    if task is not None:
        query = query.where(runs.c.task == task)
    with store.read() as connection:
        return tuple(_run(row) for row in connection.execute(query))


def alive_run(store: Store, task: str, now: datetime) -> LoopRun | None:
    """Return the run that someone is working on at `now`; None if there is none or its lease is over."""
    with store.read() as connection:
        run = _alive(connection, task)
    return run if run is not None and run.lease_until > now else None


def abandoned_run(store: Store, task: str, now: datetime) -> LoopRun | None:
    """Return the unfinished run whose lease is over at `now`, which `start_run` would take over; None if none is."""
    with store.read() as connection:
        run = _alive(connection, task)
    return run if run is not None and run.lease_until <= now else None


def _new_run(task: str, trigger: str, reason: str, owner: str, lease_until: datetime, now: datetime) -> LoopRun:
    return LoopRun(
        run_id=f"run_{secrets.token_hex(8)}",
        task=task,
        state=RunState.QUEUED,
        trigger=trigger,
        reason=reason,
        owner=owner,
        lease_until=lease_until,
        attempt=1,
        dataset_digest=None,
        version=None,
        job_id=None,
        error=None,
        details={},
        created_at=now,
        updated_at=now,
        finished_at=None,
    )


def _change(
    connection: Connection, run: LoopRun, now: datetime, *, lease_s: float | None = None, **facts: Any
) -> LoopRun:
    if lease_s is not None:
        facts["lease_until"] = now + timedelta(seconds=lease_s)
    changed = replace(run, updated_at=now, **facts)
    is_run = tables.loop_runs.c.run_id == run.run_id
    connection.execute(update(tables.loop_runs).where(is_run).values(updated_at=now, **facts))
    return changed


def _owned(connection: Connection, run_id: str, owner: str) -> LoopRun:
    run = _require(connection, run_id, for_update=True)
    if run.state.is_terminal:
        raise RegistryError(f"loop run {run_id} of {run.task} is over ({run.state})")
    if run.owner != owner:
        raise RegistryError(f"loop run {run_id} of {run.task} now belongs to {run.owner}, no more to {owner}")
    return run


def _require(connection: Connection, run_id: str, *, for_update: bool = False) -> LoopRun:
    query = select(tables.loop_runs).where(tables.loop_runs.c.run_id == run_id)
    row = connection.execute(query.with_for_update() if for_update else query).one_or_none()
    if row is None:
        raise RegistryError(f"there is no loop run {run_id!r}; `polyloop loop status` shows the latest ones")
    return _run(row)


def _alive(connection: Connection, task: str, *, for_update: bool = False) -> LoopRun | None:
    runs = tables.loop_runs
    query: Select[Any] = select(runs).where(runs.c.task == task, runs.c.finished_at.is_(None))
    row = connection.execute(query.with_for_update() if for_update else query).one_or_none()
    return _run(row) if row else None


def _run(row: Row[Any]) -> LoopRun:
    fields = dict(row._mapping)
    return LoopRun(**{**fields, "state": RunState(fields["state"])})
