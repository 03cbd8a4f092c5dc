"""What SQLite and PostgreSQL say differently: named locks and INSERT ... ON CONFLICT.

Both take the connection of a write transaction (`Store.begin`).
"""

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite


def lock_name(connection: Connection, name: str) -> None:
    """Hold `name` until the transaction ends, so that transactions about the same thing run one after the other.

    SQLite needs nothing, since `Store.begin` already excludes other writers; PostgreSQL takes an advisory lock.
    """
    if connection.dialect.name == "postgresql":
        scoped = func.concat(func.current_schema(), ":", name)
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(scoped, 0))))


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT of the connection's dialect, which knows ON CONFLICT on both databases."""
    return insert_by(connection.dialect.name, table)


def insert_by(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return the same INSERT by the dialect's name, for statements that are made once and kept."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
