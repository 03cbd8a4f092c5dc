"""The feedback writer: feedback is acknowledged only after it is committed, and many share one commit.

Input: verified `FeedbackRecord`s from any thread. Output: a Future of a `Receipt` for each.
One thread takes all that waits (at most MAX_GROUP) into one transaction. States: open -> closing -> closed.
Errors in the future: RequestError for a reused idempotency key, StorageFullError or RegistryError when the commit
failed; feedback with an error is not stored and may be sent again.
"""

import logging
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from polyloop.errors import PolyloopError, RegistryError, RequestError
from polyloop.feedback.groups import Outcome, Receipt, store_group
from polyloop.feedback.records import FeedbackRecord
from polyloop.registry.failures import is_row_failure
from polyloop.registry.store import Store

MAX_GROUP = 256
"""Most records in one commit."""

MAX_WAITING = 10_000
"""Records that may wait for the writer; more are refused with 503."""

CLOSE_TIMEOUT_S = 30.0

logger = logging.getLogger(__name__)

IdempotencyKey = tuple[str, str]
"""API key id and the client's Idempotency-Key."""


@dataclass(frozen=True, kw_only=True)
class _Waiting:
    record: FeedbackRecord
    future: Future[Receipt]


class FeedbackWriter:
    """Groups feedback into commits; `close` writes what waits and stops the thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._in_flight: dict[IdempotencyKey, _Waiting] = {}
        self._num_waiting = 0
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="feedback-writer", daemon=True)
        self._thread.start()

    def submit(self, record: FeedbackRecord) -> Future[Receipt]:
        """Queue a record; the future gives its receipt once it is committed, and cannot be cancelled.

        The same idempotency key and body in flight share one future. RequestError 409 if the key is in flight with
        another body, 503 if too many wait or the writer is closed.
        """
        with self._lock:
            self._check_open()
            key = _idempotency_key(record)
            same = self._in_flight.get(key) if key else None
            if same is not None:
                return _shared(same, record)
            waiting = _Waiting(record=record, future=Future())
            waiting.future.set_running_or_notify_cancel()  # a client that goes away must not cancel a shared commit
            if key:
                self._in_flight[key] = waiting
            self._num_waiting += 1
            self._queue.put(waiting)
        return waiting.future

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Take no more feedback, commit what waits and stop; RegistryError if that takes longer than `timeout_s`."""
        with self._lock:
            if not self._is_closing:
                self._is_closing = True
                self._queue.put(None)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise RegistryError(f"the feedback writer did not finish in {timeout_s:g} s")

    def _check_open(self) -> None:
        if self._is_closing:
            raise RequestError("feedback is not taken any more; send it again in a moment", 503, "closing")
        if self._num_waiting >= MAX_WAITING:
            raise RequestError("too much feedback waits for the store; send it again later", 503, "overloaded")

    def _run(self) -> None:
        is_open = True
        while is_open:
            group, is_open = self._next_group()
            if group:
                self._settle(group)

    def _next_group(self) -> tuple[list[_Waiting], bool]:
        """Wait for one record and take all that came with it; False when the writer is to stop after them."""
        group: list[_Waiting] = []
        entry = self._queue.get()
        while entry is not None:
            group.append(entry)
            if len(group) == MAX_GROUP:
                return group, True
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _settle(self, group: Sequence[_Waiting]) -> None:
        records = [waiting.record for waiting in group]
        try:
            outcomes = self._store_records(records)
        except Exception as error:  # the thread's boundary: whatever happens, nobody may wait for ever
            logger.exception("a group of %d feedback records could not be stored", len(group))
            failure = RegistryError(f"the feedback could not be stored: {error}")
            outcomes = [failure] * len(group)
        with self._lock:
            self._num_waiting -= len(group)
            for waiting in group:
                self._in_flight.pop(_idempotency_key(waiting.record) or ("", ""), None)
        for waiting, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, Receipt):
                waiting.future.set_result(outcome)
            else:
                waiting.future.set_exception(outcome)

    def _store_records(self, records: Sequence[FeedbackRecord]) -> list[Outcome | PolyloopError]:
        """Store records in one transaction or, if a row spoils it, each in one of its own."""
        try:
            stored = store_group(self._store, records)
            return [stored[record.feedback_id] for record in records]
        except PolyloopError as error:
            if len(records) == 1 or not is_row_failure(error):
                logger.warning("%d feedback records could not be stored: %s", len(records), error)
                return [error] * len(records)
        return [outcome for record in records for outcome in self._store_records([record])]


def _idempotency_key(record: FeedbackRecord) -> IdempotencyKey | None:
    return (record.key_id, record.idempotency_key) if record.idempotency_key is not None else None


def _shared(same: _Waiting, record: FeedbackRecord) -> Future[Receipt]:
    if same.record.body_digest != record.body_digest:
        raise RequestError(
            f"other feedback with the Idempotency-Key {record.idempotency_key!r} is being stored; use a new one",
            409,
            "idempotency_key_in_flight",
        )
    return same.future
