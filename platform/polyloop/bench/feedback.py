"""Benchmark `feedback`: acknowledged statements per second, durable on SQLite (WAL, synchronous=FULL).

The value is the feedback writer, which groups what waits into one commit; the peer is one commit for each statement,
through the same tables on the same disk. Both acknowledge only after the commit.
"""

import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path

from polyloop.bench.figures import Figure
from polyloop.feedback.groups import Receipt, store_group
from polyloop.feedback.ids import InferenceClaim, digest_input, new_uuid7
from polyloop.feedback.records import FeedbackRecord
from polyloop.feedback.writer import FeedbackWriter
from polyloop.registry.store import Store, open_store

NUM_STATEMENTS = 8_000
NUM_QUICK = 1_000
IN_FLIGHT = 64
BAR = 2.0
"""Grouping has to pay at least twice over, or its code would not."""


def run(*, quick: bool) -> list[Figure]:
    """Return statements per second of both ways, measured one after the other on fresh stores."""
    num_statements = NUM_QUICK if quick else NUM_STATEMENTS
    grouped = _on_fresh_store(_grouped, num_statements)
    one_by_one = _on_fresh_store(_one_by_one, num_statements)
    return [
        Figure(
            name=f"acknowledged statements, {IN_FLIGHT} in flight",
            value=grouped,
            unit="1/s",
            peer="one commit each",
            peer_value=one_by_one,
            bar=BAR,
        )
    ]


def _on_fresh_store(measure: Callable[[Store, list[FeedbackRecord]], None], num_statements: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'bench.db'}")
        records = [_record() for _ in range(num_statements)]
        started = time.perf_counter()
        measure(store, records)
        elapsed_s = time.perf_counter() - started
        store.close()
    return num_statements / elapsed_s


def _grouped(store: Store, records: list[FeedbackRecord]) -> None:
    writer = FeedbackWriter(store)
    waiting: list[Future[Receipt]] = []
    for record in records:
        waiting.append(writer.submit(record))
        if len(waiting) == IN_FLIGHT:
            waiting.pop(0).result()
    for future in waiting:
        future.result()
    writer.close()


def _one_by_one(store: Store, records: list[FeedbackRecord]) -> None:
    for record in records:
        store_group(store, [record])


def _record() -> FeedbackRecord:
    claim = InferenceClaim(
        inference_id=new_uuid7(),
        task="translate",
        version="v1",
        locale="en",
        target_locale="de",
        propensity=1.0,
        input_digest=digest_input("The soup was wonderful.", b"benchmark"),
    )
    return FeedbackRecord(
        feedback_id=new_uuid7(),
        claim=claim,
        rating=-1,
        correction="Die Suppe war wunderbar.",
        comment=None,
        input=None,
        user="bench/user",
        key_id="bench",
        idempotency_key=str(uuid.uuid4()),
        body_digest=b"0" * 16,
        created_at=datetime.now(UTC),
    )
