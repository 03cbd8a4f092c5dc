"""What the gates decided, with the numbers of every check.

Input: a decision. Output: `GateRecord`. Rows are only added, never changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select

from polyloop.registry import tables
from polyloop.registry.columns import utc_now
from polyloop.registry.store import Store
from polyloop.registry.versions import require_version


@dataclass(frozen=True, kw_only=True)
class GateRecord:
    """One decision on a candidate; `champion` is None when it was the first version."""

    id: int
    task: str
    candidate: str
    champion: str | None
    passed: bool
    checks: tuple[Mapping[str, Any], ...]
    created_at: datetime


def record_gate(
    store: Store, task: str, candidate: str, champion: str | None, passed: bool, checks: Sequence[Mapping[str, Any]]
) -> GateRecord:
    """Store a decision and return its record; RegistryError if one of the versions does not exist."""
    with store.begin() as connection:
        for version in filter(None, (candidate, champion)):
            require_version(connection, task, version)
        new = insert(tables.gates).values(
            task=task,
            candidate=candidate,
            champion=champion,
            passed=passed,
            checks=[dict(check) for check in checks],
            created_at=utc_now(),
        )
        return _record(connection.execute(new.returning(tables.gates)).one())


def list_gates(store: Store, task: str | None = None, candidate: str | None = None) -> tuple[GateRecord, ...]:
    """Return the decisions of a task, of a candidate or all, oldest first."""
    gates = tables.gates
    query = select(gates).order_by(gates.c.id)
    if task is not None:
        query = query.where(gates.c.task == task)
    if candidate is not None:
        query = query.where(gates.c.candidate == candidate)
    with store.read() as connection:
        return tuple(_record(row) for row in connection.execute(query))


def _record(row: Row[Any]) -> GateRecord:
    fields = dict(row._mapping)
    return GateRecord(**{**fields, "checks": tuple(fields["checks"])})
