"""One group of feedback as one transaction: insert what is new, recognise what was sent before, heal inferences.

Input: feedback records. Output: per record a `Receipt`, or the RequestError that it has earned.
The unique constraint on (key, idempotency key) decides between processes that get the same feedback at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, tuple_

from polyloop.errors import RequestError
from polyloop.feedback.records import FeedbackRecord
from polyloop.registry.dialects import insert_into
from polyloop.registry.store import Store
from polyloop.registry.tables import feedback, inferences


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What a user gets for feedback that is safely stored; a repeated request gets the same one again."""

    feedback_id: UUID
    inference_id: UUID
    task: str
    version: str
    created_at: datetime


Outcome = Receipt | RequestError


def store_group(store: Store, records: Sequence[FeedbackRecord]) -> dict[UUID, Outcome]:
    """Store `records` in one transaction and return, by feedback id, what each of them gets once it is committed.

    RegistryError or StorageFullError if the transaction fails: then nothing of the group is stored.
    """
    with store.begin() as connection:
        inserted = _insert(connection, records)
        earlier = _earlier(connection, [record for record in records if record.feedback_id not in inserted])
        _heal(connection, records)
    return {
        record.feedback_id: _receipt(record)
        if record.feedback_id in inserted
        else _repeated(record, earlier[(record.key_id, record.idempotency_key)])
        for record in records
    }


def reused_key_error(key: str | None) -> RequestError:
    """Return the error for an idempotency key that came before with another body."""
    return RequestError(
        f"the Idempotency-Key {key!r} was used for other feedback; use a new one", 422, "idempotency_key_reused"
    )


def _insert(connection: Connection, records: Sequence[FeedbackRecord]) -> set[UUID]:
    """Insert what is not there yet and return the ids of the inserted rows; sorted, so that writers cannot deadlock."""
    rows = sorted((_row(record) for record in records), key=lambda row: (row["key_id"], row["idempotency_key"] or ""))
    new = insert_into(connection, feedback).on_conflict_do_nothing(index_elements=["key_id", "idempotency_key"])
    return set(connection.scalars(new.returning(feedback.c.feedback_id), rows))


def _row(record: FeedbackRecord) -> dict[str, Any]:
    claim, said = vars(record.claim), vars(record)
    kept = {name: value for name, value in said.items() if name not in ("claim", "input")}
    return {**claim, **kept, "state": "new"}


def _earlier(connection: Connection, records: Sequence[FeedbackRecord]) -> Mapping[tuple[str, str | None], Any]:
    """Return the stored rows of the same idempotency keys, by (key id, idempotency key)."""
    if not records:
        return {}
    keys = [(record.key_id, record.idempotency_key) for record in records]
    query = select(feedback).where(tuple_(feedback.c.key_id, feedback.c.idempotency_key).in_(keys))
    return {(row.key_id, row.idempotency_key): row for row in connection.execute(query)}


def _heal(connection: Connection, records: Sequence[FeedbackRecord]) -> None:
    """Give inferences their input back where feedback has brought it, making rows that are missing."""
    rows = [
        {
            "inference_id": record.claim.inference_id,
            "task": record.claim.task,
            "version": record.claim.version,
            "locale": record.claim.locale,
            "target_locale": record.claim.target_locale,
            "input": record.input,
            "propensity": record.claim.propensity,
            "healed": True,
            "created_at": record.claim.created_at,
        }
        for record in sorted(records, key=lambda record: record.claim.inference_id)
        if record.input is not None
    ]
    if rows:
        new = insert_into(connection, inferences)
        statement = new.on_conflict_do_update(
            index_elements=["inference_id"], set_={"input": new.excluded.input}, where=inferences.c.input.is_(None)
        )
        connection.execute(statement, rows)


def _receipt(record: FeedbackRecord) -> Receipt:
    return Receipt(
        feedback_id=record.feedback_id,
        inference_id=record.claim.inference_id,
        task=record.claim.task,
        version=record.claim.version,
        created_at=record.created_at,
    )


def _repeated(record: FeedbackRecord, row: Any) -> Outcome:
    if bytes(row.body_digest) != record.body_digest:
        return reused_key_error(record.idempotency_key)
    return Receipt(
        feedback_id=row.feedback_id,
        inference_id=row.inference_id,
        task=row.task,
        version=row.version,
        created_at=row.created_at,
    )
