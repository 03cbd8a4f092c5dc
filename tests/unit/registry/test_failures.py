"""What database errors are called."""

import sqlite3

import psycopg
import pytest
from sqlalchemy import exc
from sqlalchemy.engine import make_url

from polyloop.errors import PolyloopError, RegistryError, StorageFullError
from polyloop.registry.failures import named_failure

URL = make_url("postgresql+psycopg://u:hush@h/d")


@pytest.mark.parametrize(
    ("cause", "kind", "words"),
    [
        (sqlite3.OperationalError("database or disk is full"), StorageFullError, "no space left"),
        (psycopg.errors.DiskFull("could not extend file"), StorageFullError, "no space left"),
        (sqlite3.OperationalError("database is locked"), RegistryError, "held by another writer"),
        (psycopg.errors.DeadlockDetected("deadlock detected\nDETAIL: x"), RegistryError, "held by another writer"),
        (sqlite3.OperationalError("unable to open database file"), RegistryError, "cannot be reached"),
        (psycopg.OperationalError("connection failed: refused"), RegistryError, "cannot be reached"),
        (sqlite3.DatabaseError("file is not a database"), RegistryError, "failed: file is not a database"),
    ],
)
def test_each_cause_has_its_name(cause: Exception, kind: type[PolyloopError], words: str) -> None:
    error = named_failure(exc.OperationalError("SELECT 1", {}, cause), URL)
    assert type(error) is kind
    assert words in str(error)
    assert "\n" not in str(error)
    assert "hush" not in str(error)
    assert "SELECT" not in str(error)


def test_contradictions_and_exhausted_pools_are_told_apart() -> None:
    contradiction = exc.IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE constraint failed: a.b"))
    assert "contradicts" in str(named_failure(contradiction, URL))
    assert "every connection" in str(named_failure(exc.TimeoutError("QueuePool limit"), URL))
