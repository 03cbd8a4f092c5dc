"""The inference log, written behind the answers: an answer never waits for the store.

Input: an `InferenceRecord` per answered request. Output: rows of `inferences`, at most FLUSH_INTERVAL_S later.
Limits: when the store is slower than the traffic or away, the queue fills and further records are dropped and
counted; a killed process loses what it had not written. Feedback on a lost inference is an orphan until it is healed.
"""

import logging
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Executable, func

from polyloop.errors import PolyloopError
from polyloop.registry.dialects import insert_by
from polyloop.registry.failures import is_row_failure
from polyloop.registry.store import Store
from polyloop.registry.tables import inferences

FLUSH_INTERVAL_S = 0.2
MAX_BATCH = 500
MAX_QUEUED = 20_000
MAX_QUEUED_CHARACTERS = 20_000_000
"""Of inputs and outputs: 20 MB to 80 MB of memory, by script. Inputs may have 100,000 characters, so that a number of
records alone sets no bound to memory while the store is away."""
RETRY_S = 1.0
"""Wait after a flush that failed, while the records stay queued."""

CLOSE_TIMEOUT_S = 10.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class InferenceRecord:
    """One answered request; `input` and `output` are None where the spec keeps them out of the log."""

    inference_id: UUID
    task: str
    version: str
    locale: str
    target_locale: str
    input: str | None
    output: str | None
    scores: Mapping[str, float] | None
    propensity: float
    user: str | None
    key_id: str | None
    latency_ms: float
    created_at: datetime


class InferenceLog:
    """A bounded queue and the thread that empties it into the store; `close` writes what is left."""

    def __init__(
        self,
        store: Store,
        *,
        max_queued: int = MAX_QUEUED,
        max_queued_characters: int = MAX_QUEUED_CHARACTERS,
        flush_interval_s: float = FLUSH_INTERVAL_S,
    ) -> None:
        self._store = store
        self._max_queued = max_queued
        self._max_queued_characters = max_queued_characters
        self._num_characters = 0
        self._flush_interval_s = flush_interval_s
        self._queue: deque[InferenceRecord] = deque()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._num_dropped = 0
        self._num_written = 0
        self._thread = threading.Thread(target=self._run, name="inference-log", daemon=True)
        self._thread.start()

    @property
    def num_dropped(self) -> int:
        """Records given up because the queue was full, the log closed, or the store refused the row."""
        return self._num_dropped

    @property
    def num_written(self) -> int:
        """Records in the store."""
        return self._num_written

    def put(self, record: InferenceRecord) -> bool:
        """Queue a record without waiting; False if it was dropped."""
        num_characters = _text_length(record)
        with self._lock:
            is_full = (
                len(self._queue) >= self._max_queued
                or self._num_characters + num_characters > self._max_queued_characters
            )
            if is_full or self._closing.is_set():
                self._num_dropped += 1
                return False
            self._queue.append(record)
            self._num_characters += num_characters
            is_batch = len(self._queue) >= MAX_BATCH
        if is_batch:
            self._wake.set()
        return True

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Take no more records and write those queued; what cannot be written in `timeout_s` counts as dropped."""
        self._closing.set()
        self._wake.set()
        self._thread.join(timeout_s)
        with self._lock:
            self._num_dropped += len(self._queue)
            self._queue.clear()

    def _run(self) -> None:
        wait_s = self._flush_interval_s
        while True:
            self._wake.wait(wait_s)
            self._wake.clear()
            is_last = self._closing.is_set()
            is_done = self._flush()
            if is_last:
                return
            wait_s = self._flush_interval_s if is_done else RETRY_S

    def _flush(self) -> bool:
        """Write all that is queued, a batch a transaction; False if the store failed and the rest stays queued."""
        while batch := self._first_batch():
            try:
                num_written = self._write(batch)
            except PolyloopError as error:
                logger.warning("the inference log could not be written, %d records wait: %s", len(self._queue), error)
                return False
            self._remove(len(batch), num_written=num_written)
        return True

    def _write(self, records: Sequence[InferenceRecord]) -> int:
        """Write records and return how many the store took; rows that it refuses are dropped, one by one."""
        try:
            with self._store.begin() as connection:
                write_inferences(connection, [{**vars(record), "healed": False} for record in records])
            return len(records)
        except PolyloopError as error:
            if not is_row_failure(error):
                raise
            if len(records) == 1:
                logger.warning("inference %s could not be logged: %s", records[0].inference_id, error)
                return 0
        return sum(self._write([record]) for record in records)

    def _first_batch(self) -> list[InferenceRecord]:
        with self._lock:
            return [self._queue[index] for index in range(min(MAX_BATCH, len(self._queue)))]

    def _remove(self, num_records: int, *, num_written: int) -> None:
        with self._lock:
            for _ in range(num_records):
                self._num_characters -= _text_length(self._queue.popleft())
            self._num_written += num_written
            self._num_dropped += num_records - num_written


def _text_length(record: InferenceRecord) -> int:
    return len(record.input or "") + len(record.output or "")


def write_inferences(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of `inferences`; rows that were healed from feedback meanwhile are completed, others stay."""
    connection.execute(_completing_insert(connection.dialect.name), [dict(row) for row in rows])


@cache
def _completing_insert(dialect: str) -> Executable:
    """Return the statement, made once: to make it, and its key in SQLAlchemy's cache, takes most of a millisecond."""
    new = insert_by(dialect, inferences)
    given = new.excluded
    completed: dict[str, Any] = {column.name: given[column.name] for column in inferences.c if not column.primary_key}
    completed["input"] = func.coalesce(given.input, inferences.c.input)
    return new.on_conflict_do_update(
        index_elements=["inference_id"], set_=completed, where=inferences.c.healed.is_(True)
    )
