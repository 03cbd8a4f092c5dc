"""The store: one SQL database, reached from many threads and processes.

Input: a SQLAlchemy URL of SQLite (a file) or PostgreSQL. Output: a `Store` whose tables are up to date.
Errors: everything the database says becomes a one-line RegistryError, or StorageFullError when there is no space.
Limits: a Store belongs to the process that opened it; carry `store.url` to other processes and open it there.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from polyloop.errors import PolyloopError, RegistryError
from polyloop.registry.failures import named_failure
from polyloop.registry.migrate import current_revision, head_revision, upgrade
from polyloop.registry.urls import check_url, prepare_folder, shown

BUSY_TIMEOUT_S = 30.0
"""How long a SQLite writer waits for another one."""

CONNECT_TIMEOUT_S = 10
"""How long a PostgreSQL server may take to answer, unless the URL says otherwise with connect_timeout."""

RETRY_S = 0.02

POOL_SIZE = 5
MAX_OVERFLOW = 15
"""Connections of one process: kept open, and opened on top when threads need more."""


class Store:
    """A database of the platform; make one with `open_store`."""

    def __init__(self, url: URL, engine: Engine) -> None:
        self._url = url
        self._process_id = os.getpid()
        self.engine = engine
        self._write_engine = engine.execution_options(writes=True)

    @property
    def url(self) -> str:
        """The URL to open the same store elsewhere, password included; log `str(store)` instead."""
        return self._url.render_as_string(hide_password=False)

    def __str__(self) -> str:
        return shown(self._url)

    def __reduce__(self) -> NoReturn:
        raise RegistryError("a Store cannot be sent to another process; send store.url and call open_store there")

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a write transaction: committed at the end of the block, rolled back when the block raises.

        On SQLite it is the only writer from its start, so what it reads stays true until it commits.
        """
        self._check_process()
        try:
            with self._write_engine.begin() as connection:
                yield connection
        except exc.SQLAlchemyError as error:
            raise named_failure(error, self._url) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a read transaction: what it sees is one moment on SQLite, committed rows on PostgreSQL."""
        self._check_process()
        try:
            with self.engine.connect() as connection:
                yield connection
        except exc.SQLAlchemyError as error:
            raise named_failure(error, self._url) from error

    def close(self) -> None:
        """Close every connection; the store opens new ones if it is used again."""
        self.engine.dispose()

    def _check_process(self) -> None:
        if os.getpid() != self._process_id:
            raise RegistryError("this Store was opened before a fork; call open_store(store.url) in the new process")


def open_store(url: str) -> Store:
    """Open the store at `url`, creating its folder and its tables, or upgrading them, as needed.

    Safe when many processes open the same store at once. RegistryError when the URL is not of SQLite or PostgreSQL,
    the server does not answer, or a newer Polyloop wrote the store; StorageFullError when there is no space.
    """
    checked = check_url(url)
    if checked.get_backend_name() == "sqlite":
        prepare_folder(checked)
        engine = _sqlite_engine(checked)
    else:
        engine = _postgresql_engine(checked)
    store = Store(checked, engine)
    try:
        with store.read() as connection:
            is_current = current_revision(connection) == head_revision()
        if not is_current:
            with store.begin() as connection:
                upgrade(connection)
    except PolyloopError:
        store.close()
        raise
    return store


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(
        url, connect_args={"timeout": BUSY_TIMEOUT_S}, pool_size=POOL_SIZE, max_overflow=MAX_OVERFLOW
    )
    event.listen(engine, "connect", _prepare_sqlite_connection)
    event.listen(engine, "begin", _begin_sqlite_transaction)
    return engine


def _prepare_sqlite_connection(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    raw: Any = connection
    raw.isolation_level = None  # the driver opens no transactions by itself; the "begin" event does
    _switch_to_write_ahead_log(raw)
    raw.execute("PRAGMA synchronous=FULL")
    raw.execute("PRAGMA foreign_keys=ON")


def _switch_to_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Turn on WAL, which stays with the file; SQLite itself does not wait here when others open it too."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(RETRY_S)


def _begin_sqlite_transaction(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql_engine(url: URL) -> Engine:
    connect_args = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_TIMEOUT_S}
    return create_engine(
        url, connect_args=connect_args, pool_pre_ping=True, pool_size=POOL_SIZE, max_overflow=MAX_OVERFLOW
    )
