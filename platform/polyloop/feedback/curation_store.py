"""Curation carried out: load a task's feedback, judge it, publish the examples, write the decisions.

Input: the store, the spec, and what the caller's dataset knows. Output: `Curation`, with the path of a Parquet file
that holds every example that feedback has given so far. Each curation judges the whole history again, so that trust
lost later takes earlier examples back; limits: that history is held in memory (about 1 KB a piece of feedback).
Running it twice at once is safe: both publish the same file, or files of the moments that they saw.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Row, bindparam, case, func, insert, or_, select, update

from polyloop.feedback.curation import curate
from polyloop.feedback.decisions import CurationItem, Decision
from polyloop.feedback.snapshot import CORPUS, snapshot_digest, write_snapshot
from polyloop.registry.dialects import lock_name
from polyloop.registry.store import Store
from polyloop.registry.tables import curations, feedback, inferences
from polyloop.spec.models import FeedbackSpec, TaskSpec


@dataclass(frozen=True, kw_only=True)
class Curation:
    """One curation; `path` is None when no example came out, `reasons` counts all feedback of the task by reason."""

    curation_id: int
    task: str
    digest: str
    path: Path | None
    num_examples: int
    reasons: Mapping[str, int]
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class FeedbackFacts:
    """What the trigger of a loop run needs to know, cheaply counted.

    `num_new_corrections` have not been curated yet; `negative_rates` (0 to 1) and `num_rated` go by target locale.
    """

    num_new_corrections: int
    negative_rates: Mapping[str, float]
    num_rated: Mapping[str, int]


def curate_task(
    store: Store,
    task_name: str,
    task: TaskSpec,
    spec: FeedbackSpec,
    *,
    known: Mapping[str, str],
    holdout_ids: Set[str],
    folder: Path,
    now: datetime,
) -> Curation:
    """Curate all feedback of a task and publish its examples in `folder`.

    `known` and `holdout_ids` are those of `polyloop.feedback.curation.curate`; `known_targets` makes the first from
    a train split. Feedback that arrives meanwhile stays `new` for the next curation.
    """
    result = curate(load_items(store, task_name), known, spec, task, holdout_ids)
    path = write_snapshot(result.examples, folder) if result.examples else None
    reasons = Counter(str(decision.reason) for decision in result.decisions)
    with store.begin() as connection:
        lock_name(connection, f"curations {task_name}")
        new = insert(curations).values(
            task=task_name,
            digest=snapshot_digest(result.examples),
            path=None if path is None else str(path),
            num_examples=len(result.examples),
            reasons=dict(sorted(reasons.items())),
            created_at=now,
        )
        curation = _curation(connection.execute(new.returning(curations)).one())
        _write_decisions(connection, result.decisions, curation.curation_id)
    return curation


def load_items(store: Store, task_name: str) -> list[CurationItem]:
    """Return all feedback of a task, joined to its inferences where these are known."""
    joined = feedback.outerjoin(inferences, feedback.c.inference_id == inferences.c.inference_id)
    fields = ("feedback_id", "task", "locale", "target_locale", "user", "rating", "correction", "created_at")
    query = (
        select(*(feedback.c[name] for name in fields), inferences.c.input, inferences.c.output)
        .select_from(joined)
        .where(feedback.c.task == task_name)
    )
    with store.read() as connection:
        return [CurationItem(**row._mapping) for row in connection.execute(query)]


def known_targets(train: pa.Table) -> dict[str, str]:
    """Return example id -> target of a train split with the Example columns, without rows that came from feedback."""
    columns = (train.column(name).to_pylist() for name in ("id", "target", "corpus"))
    return {key: target for key, target, corpus in zip(*columns, strict=True) if corpus != CORPUS}


def count_acceptable(store: Store, task_name: str, *, now: datetime, window_s: float) -> FeedbackFacts:
    """Count corrections that no curation has judged, and bad ratings of the last `window_s` seconds."""
    is_new = feedback.c.state.in_(("new", "orphan")) & feedback.c.correction.is_not(None)
    is_healed = or_(feedback.c.state == "new", inferences.c.input.is_not(None))
    joined = feedback.outerjoin(inferences, feedback.c.inference_id == inferences.c.inference_id)
    new = select(func.count()).select_from(joined).where(feedback.c.task == task_name, is_new, is_healed)
    rated = (
        select(
            feedback.c.target_locale,
            func.count().label("num_rated"),
            func.sum(case((feedback.c.rating == -1, 1), else_=0)).label("num_negative"),
        )
        .where(
            feedback.c.task == task_name,
            feedback.c.rating.is_not(None),
            feedback.c.created_at > now - timedelta(seconds=window_s),
        )
        .group_by(feedback.c.target_locale)
        .order_by(feedback.c.target_locale)
    )
    with store.read() as connection:
        num_new = connection.scalar(new) or 0
        rows = connection.execute(rated).all()
    return FeedbackFacts(
        num_new_corrections=num_new,
        negative_rates={row.target_locale: row.num_negative / row.num_rated for row in rows},
        num_rated={row.target_locale: row.num_rated for row in rows},
    )


def _curation(row: Row[Any]) -> Curation:
    return Curation(
        curation_id=row.id,
        task=row.task,
        digest=row.digest,
        path=None if row.path is None else Path(row.path),
        num_examples=row.num_examples,
        reasons=row.reasons,
        created_at=row.created_at,
    )


def _write_decisions(connection: Connection, decisions: Iterable[Decision], curation_id: int) -> None:
    """Write the decisions that differ from those of earlier curations."""
    rows = [
        {"b_id": decision.feedback_id, "b_state": decision.reason.state, "b_reason": str(decision.reason)}
        for decision in decisions
    ]
    if rows:
        differs = or_(feedback.c.reason.is_(None), feedback.c.reason != bindparam("b_reason"))
        statement = update(feedback).where(feedback.c.feedback_id == bindparam("b_id"), differs)
        decided = {"curation_id": curation_id, "state": bindparam("b_state"), "reason": bindparam("b_reason")}
        connection.execute(statement.values(decided), rows)
