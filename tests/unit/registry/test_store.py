"""What is special to a SQLite store, and to a store as an object."""

import multiprocessing
import pickle
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from polyloop.errors import PolyloopError, RegistryError, StorageFullError
from polyloop.registry import tables
from polyloop.registry.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty SQLite store in a folder that did not exist."""
    opened = open_store(f"sqlite:///{tmp_path}/new/folder/store.db")
    yield opened
    opened.close()


def _write(store: Store, name: str, value: bytes = b"x") -> None:
    with store.begin() as connection:
        connection.execute(insert(tables.secrets).values(name=name, value=value, created_at=datetime.now(UTC)))


def test_connections_are_durable_and_check_foreign_keys(store: Store) -> None:
    with store.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_a_full_disk_is_told_apart_and_leaves_the_store_usable(store: Store) -> None:
    with store.begin() as connection:
        num_pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={num_pages}")
    with pytest.raises(StorageFullError, match="no space left"):
        _write(store, "large", b"x" * 200_000)
    with store.begin() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    _write(store, "small")
    with store.read() as connection:
        assert connection.scalars(select(tables.secrets.c.name)).all() == ["small"]


def test_a_writer_waits_for_the_other_one(store: Store) -> None:
    order: list[str] = []
    inside = threading.Event()

    def write_slowly() -> None:
        with store.begin():
            inside.set()
            time.sleep(0.3)
            order.append("first")

    thread = threading.Thread(target=write_slowly)
    thread.start()
    assert inside.wait(timeout=5)
    _write(store, "second")
    order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_a_reader_does_not_wait_for_a_writer(store: Store) -> None:
    with store.begin() as writing:
        writing.execute(insert(tables.secrets).values(name="new", value=b"x", created_at=datetime.now(UTC)))
        with store.read() as reading:
            assert reading.execute(select(tables.secrets)).all() == []


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"these are not the bytes of a database" * 100)
    with pytest.raises(RegistryError, match="file is not a database"):
        open_store(f"sqlite:///{tmp_path}/store.db")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="cannot be reached"):
        open_store(f"sqlite:///{tmp_path}")


def test_a_server_that_does_not_answer_is_named_without_the_password() -> None:
    with pytest.raises(RegistryError, match="cannot be reached") as caught:
        open_store("postgresql://someone:hush@127.0.0.1:1/nothing")
    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_upgrade_that_dies_half_way_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("CREATE TABLE versions (surprise TEXT)")
    connection.close()
    with pytest.raises(RegistryError, match="already exists"):
        open_store(url)
    with sqlite3.connect(tmp_path / "store.db") as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    connection.close()
    assert names == ["versions"]


def test_a_store_cannot_be_pickled_but_its_url_can(store: Store) -> None:
    with pytest.raises(RegistryError, match=r"send store\.url"):
        pickle.dumps(store)
    other = open_store(store.url)
    _write(other, "from afar")
    other.close()


def _read_in_child(store: Store, answers: "multiprocessing.SimpleQueue[str]") -> None:
    try:
        with store.read():
            answers.put("no error")
    except PolyloopError as error:
        answers.put(str(error))


def test_a_store_refuses_to_work_in_a_forked_child(store: Store) -> None:
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.SimpleQueue[str] = context.SimpleQueue()
    child = context.Process(target=_read_in_child, args=(store, answers))
    child.start()
    child.join(timeout=10)
    assert "opened before a fork" in answers.get()
