"""Reads a query of a database by way of a Parquet file, as it streams from the server.

Input: an SQLAlchemy URL and a SELECT. Output: one Parquet file, read like any other from then on. The session may only
read, where the database can be told so, and nothing is ever committed. Memory: `CHUNK_ROWS` rows. Numbers, texts, truth
values, bytes and lists keep their kind; every other value, such as a decimal or a time, is written as text, and an
object as JSON. A column has the type of its first rows, text if all of those are
absent; numbers in a column of text become text.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from polyloop.errors import DataError, first_line

CHUNK_ROWS = 10_000
CONNECT_TIMEOUT_S = 10

TIMEOUT_ARGUMENTS = {"postgresql": "connect_timeout", "mysql": "connect_timeout", "mariadb": "connect_timeout"}
"""What the drivers of a database call the time that connecting may take."""

READ_ONLY_OPTIONS: dict[str, dict[str, object]] = {"postgresql": {"postgresql_readonly": True}}
READ_ONLY_STATEMENTS = {"sqlite": "PRAGMA query_only = ON", "mysql": "SET TRANSACTION READ ONLY"}
"""How a session is told that it may only read."""


def export_query(corpus: str, url: str, query: str, path: Path) -> None:
    """Write the rows of a query to a Parquet file; DataError, without the password, if it cannot be run."""
    parsed = _parsed(corpus, url)
    with _database_errors(corpus, parsed):
        arguments = {
            argument: CONNECT_TIMEOUT_S
            for name, argument in TIMEOUT_ARGUMENTS.items()
            if parsed.get_backend_name() == name
        }
        engine = create_engine(parsed, connect_args=arguments)
        try:
            with engine.connect() as connection:
                _export(corpus, connection, query, path)
        finally:
            engine.dispose()


def _parsed(corpus: str, url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The URL is not shown: it may hold a password, in a place where it cannot be told.
        raise DataError(
            f"the corpus {corpus!r}: `sql.url` is no SQLAlchemy URL; expected one such as "
            "postgresql+psycopg://user:password@host/database"
        ) from None
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}
    if is_file and not str(parsed.database).startswith("file:") and not Path(str(parsed.database)).is_file():
        raise DataError(f"the corpus {corpus!r}: there is no database file {parsed.database}")
    return parsed


@contextmanager
def _database_errors(corpus: str, url: URL) -> Iterator[None]:
    """Turn the errors of database and driver into a DataError without the password."""
    name = f"{url.drivername}://{url.host or ''}/{url.database or ''}"
    try:
        yield
    except (NoSuchModuleError, ImportError) as error:
        raise DataError(
            f"the corpus {corpus!r}: {name} needs a driver that is not installed: {first_line(error)}"
        ) from None
    except SQLAlchemyError as error:
        raise DataError(
            f"the corpus {corpus!r}: the query of {name} failed: {_without_secrets(url, first_line(error))}; "
            "correct `sql` in the corpus"
        ) from None


def _without_secrets(url: URL, message: str) -> str:
    secrets = [str(url.password)] if url.password else []
    secrets += [str(value) for name, value in url.query.items() if "pass" in name.lower() or "token" in name.lower()]
    for secret in secrets:
        for written in {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}:
            message = message.replace(written, "***")
    return message


def _export(corpus: str, connection: Connection, query: str, path: Path) -> None:
    backend = connection.dialect.name
    # Parameters are none: a colon or percent sign in the query stands for itself.
    options: dict[str, Any] = {"stream_results": True, "no_parameters": True, **READ_ONLY_OPTIONS.get(backend, {})}
    connection = connection.execution_options(**options)
    if backend in READ_ONLY_STATEMENTS:
        connection.exec_driver_sql(READ_ONLY_STATEMENTS[backend])
    result = connection.exec_driver_sql(query)
    if not result.returns_rows:
        raise DataError(f"the corpus {corpus!r}: `sql.query` gives no rows; expected a SELECT")
    names = list(result.keys())
    if len(set(names)) < len(names):
        raise DataError(f"the corpus {corpus!r}: `sql.query` gives two columns of one name: {', '.join(names)}")
    _write(corpus, names, result.partitions(CHUNK_ROWS), path)


def _write(corpus: str, names: list[str], chunks: Iterator[Sequence[Sequence[object]]], path: Path) -> None:
    first = _columns(names, next(chunks, []))
    schema = pa.schema([(name, _column_type(corpus, name, values)) for name, values in zip(names, first, strict=True)])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        writer.write_table(_table(corpus, schema, first))
        for chunk in chunks:
            writer.write_table(_table(corpus, schema, _columns(names, chunk)))


def _columns(names: list[str], rows: Sequence[Sequence[object]]) -> list[list[object]]:
    return [[_plain(row[place]) for row in rows] for place in range(len(names))]


def _column_type(corpus: str, name: str, values: list[object]) -> pa.DataType:
    """Return the type of a column's first values; text where all are absent."""
    kind = _array(corpus, name, values, None).type
    return pa.string() if pa.types.is_null(kind) else kind


def _table(corpus: str, schema: pa.Schema, columns: list[list[object]]) -> pa.Table:
    arrays = [_array(corpus, field.name, values, field.type) for field, values in zip(schema, columns, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(corpus: str, name: str, values: list[object], kind: pa.DataType | None) -> pa.Array:
    if kind is not None and pa.types.is_string(kind):
        values = [str(value) if isinstance(value, int | float) else value for value in values]
    try:
        return pa.array(values, type=kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"the corpus {corpus!r}: the column {name!r} of `sql.query` mixes kinds of values ({first_line(error)}); "
            "CAST it to one in the query"
        ) from None


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return bytes(value) if isinstance(value, bytearray | memoryview) else str(value)
