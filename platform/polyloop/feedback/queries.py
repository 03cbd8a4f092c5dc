"""Looking at feedback: rows for people, and counts.

Input: the store and filters. Output: frozen rows, newest first, and counts by state and reason.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from polyloop.registry.store import Store
from polyloop.registry.tables import feedback, inferences


@dataclass(frozen=True, kw_only=True)
class FeedbackRow:
    """One piece of feedback with its inference, as far as that is known, and what curation said."""

    feedback_id: UUID
    inference_id: UUID
    task: str
    version: str
    locale: str
    target_locale: str
    input: str | None
    output: str | None
    rating: int | None
    correction: str | None
    comment: str | None
    user: str
    state: str
    reason: str | None
    created_at: datetime


def list_feedback(
    store: Store, *, task: str | None = None, state: str | None = None, limit: int = 100
) -> tuple[FeedbackRow, ...]:
    """Return the newest `limit` pieces of feedback, of one task and state if these are given."""
    joined = feedback.outerjoin(inferences, feedback.c.inference_id == inferences.c.inference_id)
    texts = ("input", "output")
    fields = [name for name in FeedbackRow.__dataclass_fields__ if name not in texts]
    query = (
        select(*(feedback.c[name] for name in fields), *(inferences.c[name] for name in texts))
        .select_from(joined)
        .order_by(feedback.c.created_at.desc(), feedback.c.feedback_id.desc())
        .limit(limit)
    )
    if task is not None:
        query = query.where(feedback.c.task == task)
    if state is not None:
        query = query.where(feedback.c.state == state)
    with store.read() as connection:
        return tuple(FeedbackRow(**row._mapping) for row in connection.execute(query))


def count_feedback(store: Store, task: str) -> dict[tuple[str, str | None], int]:
    """Return how many pieces of feedback a task has, by (state, reason)."""
    query = (
        select(feedback.c.state, feedback.c.reason, func.count())
        .where(feedback.c.task == task)
        .group_by(feedback.c.state, feedback.c.reason)
    )
    with store.read() as connection:
        return {(state, reason): number for state, reason, number in connection.execute(query)}
