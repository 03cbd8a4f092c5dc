"""Which datasets were built, by task and content digest.

Input: facts of a published dataset. Output: `DatasetRecord`. Recording the same dataset twice changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from polyloop.registry import tables
from polyloop.registry.columns import utc_now
from polyloop.registry.dialects import insert_into
from polyloop.registry.store import Store


@dataclass(frozen=True, kw_only=True)
class DatasetRecord:
    """A published dataset; `num_rows` is by split."""

    task: str
    digest: str
    path: str
    holdout_digest: str
    spec_digest: str
    num_rows: Mapping[str, int]
    created_at: datetime


def record_dataset(
    store: Store,
    task: str,
    digest: str,
    *,
    path: str,
    holdout_digest: str,
    spec_digest: str,
    num_rows: Mapping[str, int],
) -> DatasetRecord:
    """Note that a dataset was published and return its record; the first record of (task, digest) stays."""
    with store.begin() as connection:
        new = insert_into(connection, tables.datasets).values(
            task=task,
            digest=digest,
            path=path,
            holdout_digest=holdout_digest,
            spec_digest=spec_digest,
            num_rows=dict(num_rows),
            created_at=utc_now(),
        )
        connection.execute(new.on_conflict_do_nothing())
        row = connection.execute(_select(task, digest)).one()
    return _record(row)


def find_dataset(store: Store, task: str, digest: str) -> DatasetRecord | None:
    """Return the record of a dataset, None if there is none."""
    with store.read() as connection:
        row = connection.execute(_select(task, digest)).one_or_none()
    return _record(row) if row else None


def list_datasets(store: Store, task: str | None = None) -> tuple[DatasetRecord, ...]:
    """Return the recorded datasets of a task, or of all, oldest first."""
    datasets = tables.datasets
    query = select(datasets).order_by(datasets.c.created_at, datasets.c.task, datasets.c.digest)
    if task is not None:
        query = query.where(datasets.c.task == task)
    with store.read() as connection:
        return tuple(_record(row) for row in connection.execute(query))


def _select(task: str, digest: str) -> Any:
    return select(tables.datasets).where(tables.datasets.c.task == task, tables.datasets.c.digest == digest)


def _record(row: Row[Any]) -> DatasetRecord:
    return DatasetRecord(**row._mapping)
