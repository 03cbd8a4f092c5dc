"""Rows of a database: what becomes of each kind of value, large results, and every way in which a query can fail.

POLYLOOP_TEST_POSTGRES names another PostgreSQL server; a server that is missing fails the tests, it skips none.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine, make_url, text

from polyloop.data.read.sql import CHUNK_ROWS, export_query
from polyloop.errors import DataError

POSTGRESQL = os.environ.get("POLYLOOP_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
NUM_ROWS = 2 * CHUNK_ROWS + 5


@pytest.fixture
def postgresql_table() -> Iterator[str]:
    """The name of a table of its own with one row of many kinds of values and one without any, dropped afterwards."""
    name = f"polyloop_test_{secrets.token_hex(6)}"
    engine = create_engine(POSTGRESQL)
    with engine.begin() as connection:
        connection.execute(
            text(
                f"CREATE TABLE {name} (body text, votes integer, score numeric, made timestamp, tags text[], "
                "data jsonb, raw bytea, ok boolean)"
            )
        )
        connection.execute(
            text(
                f"INSERT INTO {name} VALUES ('50% 你好', 3, 1.50, '2024-05-06 07:08', ARRAY['a', 'b'], "
                """'{"k": "ü"}', 'xy'::bytea, true), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"""
            )
        )
    yield name
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE {name}"))
    engine.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a database with a table of many rows, in which `late` is absent at first."""
    url = f"sqlite:///{tmp_path}/a.db"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE reviews (id INTEGER, body TEXT, late, mixed)"))
        rows = [
            {"id": number, "late": 7 if number > CHUNK_ROWS else None, "mixed": 1 if number < CHUNK_ROWS else "x"}
            for number in range(NUM_ROWS)
        ]
        connection.execute(text("INSERT INTO reviews VALUES (:id, 'ten:30 100%', :late, :mixed)"), rows)
    engine.dispose()
    return url


def test_a_large_result_is_written_in_order(sqlite_url: str, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    export_query("reviews", sqlite_url, "SELECT id, body, late FROM reviews WHERE body LIKE '%:30%' ORDER BY id", path)
    table = pq.read_table(path)
    assert table.column("id").to_pylist() == list(range(NUM_ROWS))
    assert table.column("late").to_pylist().count("7") == NUM_ROWS - CHUNK_ROWS - 1
    assert set(table.column("body").to_pylist()) == {"ten:30 100%"}


def test_each_kind_of_value_of_postgresql_is_written(postgresql_table: str, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    query = f"SELECT *, '10:30'::text AS hour FROM {postgresql_table} WHERE body LIKE '50%' OR body IS NULL"
    export_query("reviews", POSTGRESQL, query, path)
    first, second = pq.read_table(path).to_pylist()
    assert first == {
        "body": "50% 你好",
        "votes": 3,
        "score": "1.50",
        "made": "2024-05-06 07:08:00",
        "tags": ["a", "b"],
        "data": '{"k": "ü"}',
        "raw": b"xy",
        "ok": True,
        "hour": "10:30",
    }
    assert {name for name, value in second.items() if value is not None} == {"hour"}


def test_a_result_without_rows_has_its_columns(sqlite_url: str, tmp_path: Path) -> None:
    export_query("reviews", sqlite_url, "SELECT id, body FROM reviews WHERE id < 0", tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet")
    assert (table.num_rows, table.column_names) == (0, ["id", "body"])


def test_nothing_can_be_written_to_sqlite(sqlite_url: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="attempt to write a readonly database"):
        export_query("reviews", sqlite_url, "DELETE FROM reviews RETURNING id", tmp_path / "a.parquet")


def test_a_session_of_postgresql_may_only_read(tmp_path: Path) -> None:
    query = "SELECT current_setting('transaction_read_only') AS value"
    export_query("reviews", POSTGRESQL, query, tmp_path / "a.parquet")
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == [{"value": "on"}]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "SELECT absent FROM reviews",
            "the corpus 'reviews': the query of sqlite:///.* failed: .*no such column: absent",
        ),
        ("PRAGMA query_only = ON", "`sql.query` gives no rows; expected a SELECT"),
        ("SELECT id, body AS id FROM reviews", "gives two columns of one name: id, id"),
        ("SELECT mixed FROM reviews ORDER BY id", "the column 'mixed' of `sql.query` mixes kinds of values .*CAST"),
    ],
)
def test_a_query_that_fails_is_an_error_that_says_why(
    sqlite_url: str, tmp_path: Path, query: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        export_query("reviews", sqlite_url, query, tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql+psycopg://user:s3cr%40t@127.0.0.1:9/test", r"postgresql\+psycopg://127.0.0.1/test failed: "),
        ("postgresql+psycopg://127.0.0.1:9/test?user=u&password=s3cr%40t", "Connection refused|connection failed"),
        ("postgresql+absent://user:s3cr%40t@host/test", "needs a driver that is not installed"),
        ("s3cr@t", "`sql.url` is no SQLAlchemy URL"),
        ("sqlite:////nowhere/a.db", "there is no database file /nowhere/a.db"),
    ],
)
def test_a_database_that_cannot_be_reached_is_an_error_without_the_password(
    tmp_path: Path, url: str, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        export_query("reviews", url, "SELECT 1", tmp_path / "a.parquet")
    assert "s3cr" not in str(caught.value)


def test_a_password_that_is_refused_is_not_shown(tmp_path: Path) -> None:
    url = make_url(POSTGRESQL).set(username="nobody_here", password="s3cr@t").render_as_string(hide_password=False)
    with pytest.raises(DataError) as caught:
        export_query("reviews", url, "SELECT 1", tmp_path / "a.parquet")
    assert "s3cr" not in str(caught.value)
