"""The search for what a shadow has to answer costs no more when the log is long."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from polyloop.feedback.ids import least_id, time_of
from polyloop.registry.shadow_answers import count_pending, pending_ids
from polyloop.registry.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/store.db")
    yield opened
    opened.close()


@pytest.mark.parametrize("search", ["pending", "count"])
def test_the_log_is_searched_by_task_and_time(store: Store, search: str) -> None:
    run: list[tuple[str, Any]] = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        run.append((statement, parameters))

    after = least_id(datetime.now(UTC) - timedelta(minutes=1))
    if search == "pending":
        pending_ids(store, "mood", "v2", after=after, since=time_of(after), limit=10)
    else:
        count_pending(store, "mood", "v2", after=after, since=time_of(after), until=after)
    (statement, parameters) = run[-1]
    with store.read() as connection:
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
    assert "ix_inferences_task_created_at (task=? AND created_at>?)" in plan
    assert "sqlite_autoindex_shadow_answers_1 (inference_id=? AND version=?)" in plan
