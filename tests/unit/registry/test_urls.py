"""Which store URLs are taken, and how they are shown."""

from pathlib import Path

import pytest

from polyloop.errors import RegistryError
from polyloop.registry.urls import check_url, prepare_folder, shown


@pytest.mark.parametrize(
    ("url", "drivername"),
    [
        ("sqlite:///a.db", "sqlite+pysqlite"),
        ("sqlite:////tmp/a.db", "sqlite+pysqlite"),
        ("postgresql://u@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg"),
    ],
)
def test_the_driver_is_named(url: str, drivername: str) -> None:
    assert check_url(url).drivername == drivername


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "cannot be read"),
        ("store.db", "cannot be read"),
        ("postgresql://h:port/d", "cannot be read"),
        ("mysql://u@h/d", "neither SQLite nor PostgreSQL"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_other_urls_are_refused(url: str, message: str) -> None:
    with pytest.raises(RegistryError, match=message):
        check_url(url)


def test_the_password_is_not_shown() -> None:
    assert shown(check_url("postgresql://u:hush@h/d")) == "postgresql+psycopg://u:***@h/d"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RegistryError, match=r"the folder .*file/sub of the store cannot be made"):
        prepare_folder(check_url(f"sqlite:///{tmp_path}/file/sub/a.db"))
