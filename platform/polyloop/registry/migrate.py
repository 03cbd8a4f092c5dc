"""Bring the tables of a store up to date, once, however many processes ask at the same time.

The upgrade is one write transaction: SQLite's BEGIN IMMEDIATE or a PostgreSQL advisory lock lets one process do it
while the others wait and then find it done; if it dies half-way nothing is changed. Schema changes are in
`registry/migrations/versions`.
"""

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from polyloop.errors import RegistryError
from polyloop.registry.dialects import lock_name

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = "migrations"

_one_upgrade_per_process = threading.Lock()
"""Alembic keeps the upgrade under way in module globals."""


def head_revision() -> str | None:
    """Return the newest revision that this version of Polyloop knows."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def current_revision(connection: Connection) -> str | None:
    """Return the revision of the tables, None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection) -> None:
    """Upgrade the tables inside the write transaction of `connection`.

    RegistryError when the tables have a revision that this version of Polyloop does not know.
    """
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    configuration.attributes["connection"] = connection
    with _one_upgrade_per_process:
        lock_name(connection, LOCK)
        try:
            command.upgrade(configuration, "head")
        except CommandError as error:
            raise RegistryError(
                f"the store was written by another version of Polyloop ({error}); install that version or a newer one"
            ) from error
