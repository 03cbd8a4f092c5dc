"""What a database error means, as one of Polyloop's errors on one line.

Input: an SQLAlchemy error. Output: a RegistryError or StorageFullError that names the store without its password.
Limits: SQLite is told by its message (its codes are not passed on by all versions), PostgreSQL by its SQLSTATE.
"""

from sqlalchemy import exc
from sqlalchemy.engine import URL

from polyloop.errors import PolyloopError, RegistryError, StorageFullError
from polyloop.registry.urls import shown

FULL_SQLSTATES = frozenset({"53100"})
"""PostgreSQL: disk_full (appendix A of its manual)."""

FULL_TEXTS = ("database or disk is full", "no space left on device", "disk quota exceeded")
LOCKED_TEXTS = ("database is locked", "database table is locked", "lock timeout", "deadlock detected")
UNREACHABLE_TEXTS = ("connection failed", "connection refused", "could not connect", "unable to open database file")


def named_failure(error: exc.SQLAlchemyError, url: URL) -> PolyloopError:
    """Return the Polyloop error for what SQLAlchemy raised while using the store at `url`."""
    cause = getattr(error, "orig", None)
    text = " ".join(str(cause or error).split())
    lowered = text.lower()
    if getattr(cause, "sqlstate", None) in FULL_SQLSTATES or _holds(lowered, FULL_TEXTS):
        return StorageFullError(f"the store {shown(url)} has no space left; free some and try again")
    if _holds(lowered, LOCKED_TEXTS):
        return RegistryError(f"the store {shown(url)} is held by another writer ({text}); try again")
    if _holds(lowered, UNREACHABLE_TEXTS):
        return RegistryError(f"the store {shown(url)} cannot be reached ({text}); check that it exists and is running")
    if isinstance(error, exc.TimeoutError):
        return RegistryError(f"the store {shown(url)} is busy: every connection of this process is in use")
    if isinstance(error, exc.IntegrityError):
        return RegistryError(f"the store {shown(url)} refused a row that contradicts another one ({text})")
    return RegistryError(f"the store {shown(url)} failed: {text}")


def is_row_failure(error: PolyloopError) -> bool:
    """Return whether an error that `Store` raised is about one row's content, not about the store itself."""
    cause = error.__cause__
    if isinstance(cause, exc.DBAPIError):
        return isinstance(cause, exc.IntegrityError | exc.DataError)
    return isinstance(cause, exc.StatementError)


def _holds(text: str, needles: tuple[str, ...]) -> bool:
    return any(needle in text for needle in needles)
