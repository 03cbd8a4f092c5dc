"""The write-behind log of inferences, on both databases."""

import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, text

from polyloop.feedback.inference_log import InferenceLog, InferenceRecord, write_inferences
from polyloop.registry.store import Store, open_store
from polyloop.registry.tables import inferences

MakeInference = Callable[..., InferenceRecord]


def count(store: Store) -> int:
    with store.read() as connection:
        return connection.scalar(select(func.count()).select_from(inferences)) or 0


def test_a_record_is_in_the_store_soon_and_whole(store: Store, make_inference: MakeInference) -> None:
    log = InferenceLog(store)
    record = make_inference(input="a\x00b")
    assert log.put(record)
    deadline = time.monotonic() + 5
    while count(store) == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    with store.read() as connection:
        row = connection.execute(select(inferences)).one()
    assert dict(row._mapping) == {**vars(record), "input": "ab", "healed": False}
    log.close()


def test_closing_writes_what_is_queued(store: Store, make_inference: MakeInference) -> None:
    log = InferenceLog(store, flush_interval_s=60)
    for _ in range(1_201):
        log.put(make_inference())
    log.close()
    assert count(store) == 1_201
    assert (log.num_written, log.num_dropped) == (1_201, 0)


def test_a_closed_log_drops(store: Store, make_inference: MakeInference) -> None:
    log = InferenceLog(store)
    log.close()
    assert not log.put(make_inference())
    assert log.num_dropped == 1


def test_a_full_queue_drops_without_waiting(store: Store, make_inference: MakeInference) -> None:
    log = InferenceLog(store, max_queued=10, flush_interval_s=60)
    started = time.monotonic()
    taken = [log.put(make_inference()) for _ in range(15)]
    assert time.monotonic() - started < 1
    assert taken == [True] * 10 + [False] * 5
    log.close()
    assert (count(store), log.num_dropped) == (10, 5)


def test_a_queue_of_long_texts_is_full_sooner(store: Store, make_inference: MakeInference) -> None:
    log = InferenceLog(store, max_queued_characters=100, flush_interval_s=60)
    long = {"input": "x" * 40, "output": "y" * 5}
    assert [log.put(make_inference(**long)) for _ in range(4)] == [True, True, False, False]
    assert log.put(make_inference(input=None, output=None))
    assert log.put(make_inference(input="x" * 10, output=""))
    log._flush()
    assert log.put(make_inference(**long))
    log.close()
    assert (count(store), log.num_dropped) == (5, 2)


def test_a_row_that_the_store_refuses_does_not_hold_up_the_others(
    store: Store, make_inference: MakeInference, caplog: pytest.LogCaptureFixture
) -> None:
    log = InferenceLog(store, flush_interval_s=60)
    records = [make_inference() for _ in range(4)]
    records.insert(0, make_inference(propensity=None))
    for record in records:
        log.put(record)
    log.close()
    assert count(store) == 4
    assert (log.num_written, log.num_dropped) == (4, 1)
    assert str(records[0].inference_id) in caplog.text


def test_records_wait_while_the_store_is_away_and_are_written_afterwards(
    store: Store, make_inference: MakeInference, caplog: pytest.LogCaptureFixture
) -> None:
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE inferences RENAME TO away"))
    log = InferenceLog(store, flush_interval_s=0.05)
    log.put(make_inference())
    time.sleep(0.3)
    assert log.num_dropped == 0
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO inferences"))
    log.close()
    assert count(store) == 1
    assert "could not be written, 1 records wait" in caplog.text


def test_many_threads_log_at_once(store: Store, make_inference: MakeInference) -> None:
    log = InferenceLog(store)
    threads = [threading.Thread(target=lambda: [log.put(make_inference()) for _ in range(100)]) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert count(store) == 500


def test_a_healed_inference_is_completed_and_keeps_its_input(store: Store, make_inference: MakeInference) -> None:
    record = make_inference(input=None)
    healed = {**vars(record), "input": "fine day", "output": None, "scores": None, "healed": True}
    with store.begin() as connection:
        write_inferences(connection, [healed])
        write_inferences(connection, [{**vars(record), "healed": False}])
        row = connection.execute(select(inferences)).one()
    assert (row.input, row.output, row.healed) == ("fine day", "bad", False)


def test_a_logged_inference_is_not_overwritten(store: Store, make_inference: MakeInference) -> None:
    record = make_inference()
    with store.begin() as connection:
        write_inferences(connection, [{**vars(record), "healed": False}])
        write_inferences(connection, [{**vars(record), "output": "other", "healed": False}])
        assert connection.scalar(select(inferences.c.output)) == "bad"


def test_the_log_works_with_a_store_opened_anew(store_url: str, make_inference: MakeInference) -> None:
    first = open_store(store_url)
    log = InferenceLog(first)
    log.put(make_inference())
    log.close()
    first.close()
    second = open_store(store_url)
    assert count(second) == 1
    second.close()
