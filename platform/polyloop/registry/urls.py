"""What a store URL may be, and how it is shown.

Input: the URL as text. Output: a parsed SQLAlchemy URL with the driver that Polyloop uses.
Limits: SQLite files and PostgreSQL; a SQLite store in memory is refused, since each connection would see its own.
"""

from pathlib import Path

from sqlalchemy import exc
from sqlalchemy.engine import URL, make_url

from polyloop.errors import RegistryError

DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}


def check_url(url: str) -> URL:
    """Return `url` parsed and with its driver named; RegistryError if it is not a URL of a store."""
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        raise RegistryError(
            f"the store URL {url!r} cannot be read; write sqlite:///path/to/file.db or postgresql://user@host/database"
        ) from error
    driver = DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise RegistryError(f"the store {shown(parsed)} is neither SQLite nor PostgreSQL; use one of these")
    if driver.startswith("sqlite") and parsed.database in (None, "", ":memory:"):
        raise RegistryError(f"the store {shown(parsed)} names no file; write sqlite:///path/to/file.db")
    return parsed.set(drivername=driver)


def shown(url: URL) -> str:
    """Return the URL for people, without its password."""
    return url.render_as_string(hide_password=True)


def prepare_folder(url: URL) -> None:
    """Create the folder of a SQLite file; RegistryError if that cannot be done."""
    folder = Path(str(url.database)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RegistryError(f"the folder {folder} of the store cannot be made: {error.strerror}") from error
