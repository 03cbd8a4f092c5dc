"""Opening, upgrading and sharing a store, on both databases."""

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, func, insert, inspect, select, text

from polyloop.errors import RegistryError
from polyloop.registry import tables
from polyloop.registry.dialects import lock_name
from polyloop.registry.migrate import head_revision
from polyloop.registry.store import Store, open_store

OPEN_AND_WRITE = """
import sys
from polyloop.registry.columns import utc_now
from polyloop.registry.store import open_store
from polyloop.registry.tables import secrets
store = open_store(sys.argv[1])
for number in range(int(sys.argv[3])):
    with store.begin() as connection:
        connection.execute(secrets.insert().values(name=f"{sys.argv[2]}-{number}", value=b"x", created_at=utc_now()))
"""


def test_migrations_give_exactly_the_tables(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": tables.metadata}
        )
        assert compare_metadata(context, tables.metadata) == []


def test_migrations_give_the_check_constraints(store: Store) -> None:
    wanted = {
        (table.name, constraint.name)
        for table in tables.metadata.sorted_tables
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    with store.read() as connection:
        inspector = inspect(connection)
        found = {
            (name, check["name"])
            for name in inspector.get_table_names()
            for check in inspector.get_check_constraints(name)
        }
    assert found == wanted
    assert len(wanted) >= 5


def test_opening_again_keeps_what_is_there(store_url: str) -> None:
    first = open_store(store_url)
    _write_secret(first, "kept")
    first.close()
    second = open_store(store_url)
    assert _count_secrets(second) == 1
    second.close()


def test_many_threads_open_an_empty_store_at_once(store_url: str) -> None:
    failures: list[BaseException] = []

    def open_it() -> None:
        try:
            open_store(store_url).close()
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_many_processes_open_an_empty_store_and_write_at_once(store_url: str) -> None:
    num_processes, num_rows = 3, 60
    processes = [
        subprocess.Popen([sys.executable, "-c", OPEN_AND_WRITE, store_url, str(index), str(num_rows)])
        for index in range(num_processes)
    ]
    assert [process.wait(timeout=60) for process in processes] == [0] * num_processes
    store = open_store(store_url)
    assert _count_secrets(store) == num_processes * num_rows
    store.close()


def test_a_store_of_a_newer_version_is_refused(store: Store) -> None:
    with store.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(RegistryError, match=r"another version of Polyloop.*9999"):
        open_store(store.url)


def test_the_first_revision_is_noted(store: Store) -> None:
    with store.read() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == head_revision()


def test_a_failed_block_changes_nothing(store: Store) -> None:
    def write_and_fail() -> None:
        with store.begin() as connection:
            connection.execute(insert(tables.secrets).values(name="lost", value=b"x", created_at=datetime.now(UTC)))
            raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        write_and_fail()
    assert _count_secrets(store) == 0


def test_a_contradicting_row_is_a_registry_error_on_one_line(store: Store) -> None:
    _write_secret(store, "twice")
    with pytest.raises(RegistryError, match="contradicts") as caught:
        _write_secret(store, "twice")
    assert "\n" not in str(caught.value)


def test_times_come_back_in_utc_with_microseconds(store: Store) -> None:
    moment = datetime(2026, 3, 1, 1, 30, 0, 123_456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    with store.begin() as connection:
        connection.execute(insert(tables.secrets).values(name="time", value=b"x", created_at=moment))
    with store.read() as connection:
        stored = connection.scalar(select(tables.secrets.c.created_at))
    assert stored == moment
    assert stored is not None
    assert stored.tzinfo is UTC


def test_naive_times_are_refused(store: Store) -> None:
    with pytest.raises(RegistryError, match="no time zone"):
        _write_secret(store, "naive", datetime(2026, 3, 1))


def test_texts_that_a_database_cannot_hold_lose_only_those_characters(store: Store) -> None:
    with store.begin() as connection:
        odd = insert(tables.secrets).values(name="a\x00b\ud800c \U0001f600", value=b"x", created_at=datetime.now(UTC))
        connection.execute(odd)
    with store.read() as connection:
        assert connection.scalar(select(tables.secrets.c.name)) == "abc \U0001f600"


def test_writers_of_many_threads_do_not_lose_updates(store: Store) -> None:
    with store.begin() as connection:
        connection.execute(insert(tables.secrets).values(name="sum", value=b"0", created_at=datetime.now(UTC)))

    def add_ten() -> None:
        for _ in range(10):
            with store.begin() as connection:
                lock_name(connection, "sum")
                value = connection.scalar(select(tables.secrets.c.value))
                assert value is not None
                connection.execute(tables.secrets.update().values(value=str(int(value) + 1).encode()))

    threads = [threading.Thread(target=add_ten) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as connection:
        assert connection.scalar(select(tables.secrets.c.value)) == b"60"


def _write_secret(store: Store, name: str, created_at: datetime | None = None) -> None:
    moment = created_at or datetime.now(UTC)
    with store.begin() as connection:
        connection.execute(insert(tables.secrets).values(name=name, value=b"x", created_at=moment))


def _count_secrets(store: Store) -> int:
    with store.read() as connection:
        return connection.scalar(select(func.count()).select_from(tables.secrets)) or 0
