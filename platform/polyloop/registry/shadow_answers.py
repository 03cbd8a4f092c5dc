"""What shadows answered, and which inferences they have not answered yet.

Input: rows of `inferences` with input and output, and ids as bounds: ids of inferences are UUIDv7, so they are in the
order of time. Output: pending inferences, and rows of `shadow_answers`, one for each inference and version however
often it is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, select

from polyloop.registry.dialects import insert_into
from polyloop.registry.store import Store
from polyloop.registry.tables import inferences, shadow_answers


@dataclass(frozen=True, kw_only=True)
class AnsweredInput:
    """An inference that a shadow may answer too; `output` is what the user got."""

    inference_id: UUID
    locale: str
    target_locale: str
    input: str
    output: str


@dataclass(frozen=True, kw_only=True)
class ShadowAnswer:
    """What a version answered as a shadow; `output` is None where it refused the input or failed.

    `latency_ms` is the time of the model call alone; `agrees` says that the user got the same.
    """

    inference_id: UUID
    version: str
    task: str
    output: str | None
    scores: Mapping[str, float] | None
    latency_ms: float
    agrees: bool
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class ComparedAnswer:
    """One input that two versions have answered; latencies in milliseconds, the first one's inside the service."""

    locale: str
    agrees: bool
    refused: bool
    latency_ms: float | None
    shadow_latency_ms: float


def pending_ids(store: Store, task: str, version: str, *, after: UUID, since: datetime, limit: int) -> list[UUID]:
    """Return the newest `limit` inferences above `after` that the shadow `version` has not answered, newest first.

    `since` is the time of `after`: times are indexed by task, ids are not.
    """
    query = select(inferences.c.inference_id).where(_is_pending(task, version, after, since))
    with store.read() as connection:
        return list(connection.scalars(query.order_by(inferences.c.inference_id.desc()).limit(limit)))


def count_pending(store: Store, task: str, version: str, *, after: UUID, since: datetime, until: UUID) -> int:
    """Return how many inferences above `after`, up to and with `until`, the shadow `version` has not answered."""
    is_old = inferences.c.inference_id <= until
    query = select(func.count()).select_from(inferences).where(_is_pending(task, version, after, since), is_old)
    with store.read() as connection:
        return connection.scalar(query) or 0


def count_unanswered(store: Store, task: str, version: str, *, since: datetime) -> int:
    """Return how many inferences made since a moment the shadow `version` has not answered: pending, or skipped."""
    nothing, everything = UUID(int=0), UUID(int=2**128 - 1)
    return count_pending(store, task, version, after=nothing, since=since, until=everything)


def load_inputs(store: Store, inference_ids: Sequence[UUID]) -> tuple[AnsweredInput, ...]:
    """Return these inferences, oldest first, without those that have been erased meanwhile."""
    columns = (inferences.c[name] for name in AnsweredInput.__dataclass_fields__)
    query = select(*columns).where(inferences.c.inference_id.in_(inference_ids), _has_texts())
    with store.read() as connection:
        rows = connection.execute(query.order_by(inferences.c.inference_id))
        return tuple(AnsweredInput(**row._mapping) for row in rows)


def write_answers(store: Store, answers: Sequence[ShadowAnswer]) -> None:
    """Write answers; those that are there already, and those to inferences that have been erased meanwhile, are not."""
    wanted = [answer.inference_id for answer in answers]
    with store.begin() as connection:
        # Held until the commit, so that an erasure comes either before this or finds the answers to erase.
        query = select(inferences.c.inference_id).where(inferences.c.inference_id.in_(wanted), _has_texts())
        kept = set(connection.scalars(query.with_for_update(read=True)))
        rows = [dict(vars(answer)) for answer in answers if answer.inference_id in kept]
        if rows:
            new = insert_into(connection, shadow_answers)
            connection.execute(new.on_conflict_do_nothing(index_elements=["inference_id", "version"]), rows)


def newest_answered(store: Store, task: str, version: str) -> UUID | None:
    """Return the newest inference that a shadow has answered, None before its first answer."""
    answers = shadow_answers
    query = select(answers.c.inference_id).where(answers.c.task == task, answers.c.version == version)
    with store.read() as connection:
        return connection.scalar(query.order_by(answers.c.inference_id.desc()).limit(1))


def compared_answers(store: Store, task: str, first: str, shadow: str, *, limit: int) -> list[ComparedAnswer]:
    """Return the newest `limit` inputs that `first` answered to users and `shadow` as a shadow, newest first."""
    answers = shadow_answers
    joined = answers.join(inferences, inferences.c.inference_id == answers.c.inference_id)
    query = (
        select(
            inferences.c.target_locale.label("locale"),
            answers.c.agrees,
            answers.c.output.is_(None).label("refused"),
            inferences.c.latency_ms,
            answers.c.latency_ms.label("shadow_latency_ms"),
        )
        .select_from(joined)
        .where(answers.c.task == task, answers.c.version == shadow, inferences.c.version == first)
        .order_by(answers.c.inference_id.desc())
        .limit(limit)
    )
    with store.read() as connection:
        return [ComparedAnswer(**row._mapping) for row in connection.execute(query)]


def _has_texts() -> ColumnElement[bool]:
    return and_(inferences.c.input.is_not(None), inferences.c.output.is_not(None))


def _is_pending(task: str, version: str, after: UUID, since: datetime) -> ColumnElement[bool]:
    is_answered: Any = exists().where(
        shadow_answers.c.inference_id == inferences.c.inference_id, shadow_answers.c.version == version
    )
    return and_(
        inferences.c.task == task,
        inferences.c.version != version,
        inferences.c.created_at >= since,
        inferences.c.inference_id > after,
        _has_texts(),
        ~is_answered,
    )
