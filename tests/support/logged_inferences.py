"""Rows of the inference log, as a router writes them, made at a time of the test's choice."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from polyloop.feedback.ids import least_id, new_uuid7, time_of
from polyloop.feedback.inference_log import write_inferences
from polyloop.registry.store import Store
from polyloop.registry.tables import shadow_answers


def log_inference(store: Store, text: str | None = "a fine day", *, ago_s: float = 0.0, **facts: Any) -> UUID:
    """Write one inference of the task mood, answered by v1, and return its id."""
    inference_id = _id_of(datetime.now(UTC) - timedelta(seconds=ago_s))
    row = {
        "inference_id": inference_id,
        "task": "mood",
        "version": "v1",
        "locale": "en",
        "target_locale": "en",
        "input": text,
        "output": None if text is None else f"v1: {text}",
        "scores": None,
        "propensity": 1.0,
        "user": "ana",
        "key_id": "k",
        "latency_ms": 10.0,
        "healed": False,
        "created_at": time_of(inference_id),
    }
    with store.begin() as connection:
        write_inferences(connection, [{**row, **facts}])
    return inference_id


def answers_of(store: Store, version: str = "v2") -> dict[UUID, Any]:
    """Return the shadow answers of a version by inference."""
    query = select(shadow_answers).where(shadow_answers.c.version == version)
    with store.read() as connection:
        return {row.inference_id: row for row in connection.execute(query.order_by(shadow_answers.c.inference_id))}


def _id_of(moment: datetime) -> UUID:
    random_bits = (1 << 80) - 1
    return UUID(int=least_id(moment).int | (new_uuid7().int & random_bits))
