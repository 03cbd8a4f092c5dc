"""The feedback writer: durable, grouped, idempotent, on both databases."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select, text

from polyloop.errors import RegistryError, RequestError, StorageFullError
from polyloop.feedback.groups import Receipt
from polyloop.feedback.ids import new_uuid7
from polyloop.feedback.records import FeedbackRecord
from polyloop.feedback.writer import FeedbackWriter
from polyloop.registry.store import Store, open_store
from polyloop.registry.tables import feedback, inferences

MakeFeedback = Callable[..., FeedbackRecord]

POST_FOR_EVER = """
import sys, threading
from datetime import UTC, datetime
from polyloop.feedback.ids import InferenceClaim, new_uuid7
from polyloop.feedback.records import FeedbackRequest, make_record
from polyloop.feedback.writer import FeedbackWriter
from polyloop.registry.store import open_store

writer = FeedbackWriter(open_store(sys.argv[1]))
out = threading.Lock()

def post():
    for _ in range(int(sys.argv[2])):
        claim = InferenceClaim(inference_id=new_uuid7(), task="mood", version="v1", locale="en", target_locale="en",
                               propensity=1.0, input_digest=bytes(16))
        request = FeedbackRequest(inference_id="inf_", rating=1)
        record = make_record(request, claim, key_id="key", idempotency_key=str(claim.inference_id),
                             signing_key=bytes(32), created_at=datetime.now(UTC))
        receipt = writer.submit(record).result()
        with out:
            sys.stdout.write(f"{receipt.feedback_id}\\n")
            sys.stdout.flush()

threads = [threading.Thread(target=post) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
writer.close()
"""


@pytest.fixture
def writer(store: Store) -> Iterator[FeedbackWriter]:
    """A writer on an empty store."""
    opened = FeedbackWriter(store)
    yield opened
    opened.close()


@pytest.fixture
def hold(store: Store) -> Iterator[Callable[[], None]]:
    """Keep the writer from committing until the returned function is called."""
    inside, release = threading.Event(), threading.Event()

    def keep_busy() -> None:
        with store.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("LOCK TABLE feedback IN ACCESS EXCLUSIVE MODE"))
            inside.set()
            release.wait(20)

    thread = threading.Thread(target=keep_busy)
    thread.start()
    assert inside.wait(10)
    yield release.set
    release.set()
    thread.join()


def stored_ids(store: Store) -> set[UUID]:
    with store.read() as connection:
        return set(connection.scalars(select(feedback.c.feedback_id)))


def wait(future: "Future[Receipt]") -> Receipt:
    return future.result(timeout=20)


def test_a_receipt_means_that_the_row_is_there(
    store: Store, writer: FeedbackWriter, make_feedback: MakeFeedback
) -> None:
    record = make_feedback(rating=-1, correction="good", comment="no\x00", user="ann")
    receipt = wait(writer.submit(record))
    assert (receipt.feedback_id, receipt.inference_id) == (record.feedback_id, record.claim.inference_id)
    with store.read() as connection:
        row = connection.execute(select(feedback)).one()
    assert (row.rating, row.correction, row.comment, row.user) == (-1, "good", "no", "key/ann")
    assert (row.state, row.reason, row.version, row.propensity) == ("new", None, "v1", 1.0)
    assert (row.created_at, bytes(row.input_digest)) == (record.created_at, record.claim.input_digest)


def test_what_waits_together_shares_one_commit(
    store: Store, writer: FeedbackWriter, make_feedback: MakeFeedback, hold: Callable[[], None]
) -> None:
    first = writer.submit(make_feedback())
    time.sleep(0.2)
    futures = [writer.submit(make_feedback()) for _ in range(100)]
    assert not first.done()
    assert not any(future.done() for future in futures)
    hold()
    for future in [first, *futures]:
        wait(future)
    assert len(stored_ids(store)) == 101
    if store.engine.dialect.name == "postgresql":
        with store.read() as connection:
            num_commits = connection.scalar(text("SELECT count(DISTINCT xmin::text) FROM feedback"))
        assert num_commits == 2


def test_without_an_idempotency_key_everything_is_stored(
    store: Store, writer: FeedbackWriter, make_feedback: MakeFeedback
) -> None:
    inference_id = new_uuid7()
    for _ in range(3):
        wait(writer.submit(make_feedback(rating=1, inference_id=inference_id)))
    assert len(stored_ids(store)) == 3


def test_the_same_key_and_body_get_the_same_receipt(
    store: Store, writer: FeedbackWriter, make_feedback: MakeFeedback
) -> None:
    inference_id = new_uuid7()
    receipts = [
        wait(writer.submit(make_feedback(rating=1, idempotency_key="once", inference_id=inference_id)))
        for _ in range(3)
    ]
    assert receipts[0] == receipts[1] == receipts[2]
    assert stored_ids(store) == {receipts[0].feedback_id}


def test_the_same_key_and_another_body_are_refused(
    store: Store, writer: FeedbackWriter, make_feedback: MakeFeedback
) -> None:
    wait(writer.submit(make_feedback(rating=1, idempotency_key="once")))
    with pytest.raises(RequestError, match="'once' was used for other feedback") as caught:
        wait(writer.submit(make_feedback(rating=-1, idempotency_key="once")))
    assert (caught.value.status, caught.value.code) == (422, "idempotency_key_reused")
    assert len(stored_ids(store)) == 1


def test_the_same_key_of_another_api_key_is_another_one(
    store: Store, writer: FeedbackWriter, make_feedback: MakeFeedback
) -> None:
    wait(writer.submit(make_feedback(rating=1, idempotency_key="once", key_id="a")))
    wait(writer.submit(make_feedback(rating=-1, idempotency_key="once", key_id="b")))
    assert len(stored_ids(store)) == 2


def test_the_same_key_in_flight_shares_the_future_or_is_refused(
    store: Store, writer: FeedbackWriter, make_feedback: MakeFeedback, hold: Callable[[], None]
) -> None:
    first = writer.submit(make_feedback(rating=1, idempotency_key="once"))
    assert writer.submit(make_feedback(rating=1, idempotency_key="once")) is first
    with pytest.raises(RequestError, match="is being stored") as caught:
        writer.submit(make_feedback(rating=-1, idempotency_key="once"))
    assert (caught.value.status, caught.value.code) == (409, "idempotency_key_in_flight")
    hold()
    wait(first)
    assert len(stored_ids(store)) == 1


def test_two_writers_that_get_the_same_feedback_give_the_same_receipt(
    store: Store, make_feedback: MakeFeedback
) -> None:
    """Two collectors with stores of their own, as after a client's retry at another replica."""
    other_store = open_store(store.url)
    writers = [FeedbackWriter(store), FeedbackWriter(other_store)]
    futures = [
        [writer.submit(make_feedback(rating=1, idempotency_key=f"key-{number}")) for number in range(50)]
        for writer in writers
    ]
    first, second = ([wait(future) for future in group] for group in futures)
    assert first == second
    assert len(stored_ids(store)) == 50
    for writer in writers:
        writer.close()
    other_store.close()


def test_a_bad_row_does_not_fail_the_others(
    store: Store, writer: FeedbackWriter, make_feedback: MakeFeedback, hold: Callable[[], None]
) -> None:
    blocked = writer.submit(make_feedback())
    time.sleep(0.2)
    good = [make_feedback() for _ in range(5)]
    bad = replace(make_feedback(), rating=7)
    futures = [writer.submit(record) for record in [*good[:2], bad, *good[2:]]]
    hold()
    wait(blocked)
    with pytest.raises(RegistryError, match="contradicts"):
        wait(futures.pop(2))
    assert [wait(future).feedback_id for future in futures] == [record.feedback_id for record in good]
    assert len(stored_ids(store)) == 6


def test_a_store_that_fails_fails_each_and_recovers(
    store: Store, writer: FeedbackWriter, make_feedback: MakeFeedback
) -> None:
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE feedback RENAME TO away"))
    with pytest.raises(RegistryError, match="failed"):
        wait(writer.submit(make_feedback(idempotency_key="again")))
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO feedback"))
    wait(writer.submit(make_feedback(idempotency_key="again")))
    assert len(stored_ids(store)) == 1


def test_a_client_that_goes_away_cancels_nothing(
    store: Store, writer: FeedbackWriter, make_feedback: MakeFeedback, hold: Callable[[], None]
) -> None:
    async def go_away() -> None:
        wrapped = asyncio.wrap_future(writer.submit(make_feedback(idempotency_key="left")))
        wrapped.cancel()
        await asyncio.sleep(0)

    asyncio.run(go_away())
    hold()
    wait(writer.submit(make_feedback(idempotency_key="left")))
    assert len(stored_ids(store)) == 1


def test_closing_commits_what_waits_and_takes_no_more(store: Store, make_feedback: MakeFeedback) -> None:
    writer = FeedbackWriter(store)
    futures = [writer.submit(make_feedback()) for _ in range(300)]
    writer.close()
    assert all(future.done() for future in futures)
    assert len(stored_ids(store)) == 300
    with pytest.raises(RequestError, match="not taken any more") as caught:
        writer.submit(make_feedback())
    assert caught.value.status == 503


def test_too_much_waiting_feedback_is_refused(
    writer: FeedbackWriter,
    make_feedback: MakeFeedback,
    hold: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("polyloop.feedback.writer.MAX_WAITING", 3)
    futures = [writer.submit(make_feedback()) for _ in range(3)]
    with pytest.raises(RequestError, match="too much feedback") as caught:
        writer.submit(make_feedback())
    assert (caught.value.status, caught.value.code) == (503, "overloaded")
    hold()
    for future in futures:
        wait(future)
    wait(writer.submit(make_feedback()))


def test_feedback_with_its_input_heals_a_lost_inference(
    store: Store, writer: FeedbackWriter, make_feedback: MakeFeedback
) -> None:
    record = make_feedback(correction="good", input=" fine  day")
    wait(writer.submit(record))
    wait(writer.submit(make_feedback(rating=1)))
    with store.read() as connection:
        row = connection.execute(select(inferences)).one()
    assert (row.inference_id, row.input, row.output, row.healed) == (
        record.claim.inference_id,
        " fine  day",
        None,
        True,
    )
    assert abs((row.created_at - record.created_at).total_seconds()) < 5


def test_feedback_with_its_input_fills_an_inference_logged_without(
    store: Store, writer: FeedbackWriter, make_feedback: MakeFeedback, make_inference: Callable[..., object]
) -> None:
    kept = make_inference(input="as logged")
    lean = make_inference(input=None)
    with store.begin() as connection:
        connection.execute(inferences.insert(), [{**vars(kept), "healed": False}, {**vars(lean), "healed": False}])
    for inference in (kept, lean):
        wait(writer.submit(make_feedback(rating=1, input="fine day", inference_id=vars(inference)["inference_id"])))
    with store.read() as connection:
        texts = {
            row.inference_id: row.input
            for row in connection.execute(select(inferences.c.inference_id, inferences.c.input))
        }
    assert texts == {vars(kept)["inference_id"]: "as logged", vars(lean)["inference_id"]: "fine day"}


def test_a_killed_process_loses_no_acknowledged_feedback(store_url: str) -> None:
    store = open_store(store_url)
    process = subprocess.Popen(
        [sys.executable, "-c", POST_FOR_EVER, store_url, "1000000"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().strip() for _ in range(300)]
    process.send_signal(signal.SIGKILL)
    acknowledged += [line.strip() for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    assert process.wait(timeout=20) == -signal.SIGKILL
    process.stdout.close()
    assert len(acknowledged) >= 300
    assert {UUID(line) for line in acknowledged} <= stored_ids(store)
    store.close()


def test_two_processes_write_at_once(store_url: str) -> None:
    store = open_store(store_url)
    processes = [
        subprocess.Popen([sys.executable, "-c", POST_FOR_EVER, store_url, "40"], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    acknowledged = [UUID(line) for output in outputs for line in output.split()]
    assert len(acknowledged) == 2 * 8 * 40
    assert set(acknowledged) == stored_ids(store)
    store.close()


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_full_disk_is_told_to_each_and_nothing_is_stored(store: Store, make_feedback: MakeFeedback) -> None:
    writer = FeedbackWriter(store)
    with store.begin() as connection:
        num_pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    store.engine.dispose()
    limited = store.engine.pool.connect()
    limited.driver_connection.execute(f"PRAGMA max_page_count={num_pages}")  # type: ignore[union-attr]
    limited.close()
    futures = [writer.submit(make_feedback(comment="x" * 4_000)) for _ in range(50)]
    for future in futures:
        with pytest.raises(StorageFullError, match="no space left"):
            wait(future)
    assert stored_ids(store) == set()
    writer.close()
