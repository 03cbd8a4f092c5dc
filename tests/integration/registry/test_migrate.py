"""A store that an older version wrote is brought up to date with its rows, and back, on both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, func, select, text

from polyloop.errors import RegistryError
from polyloop.registry.columns import utc_now
from polyloop.registry.migrate import MIGRATIONS
from polyloop.registry.release_events import Action, release_history
from polyloop.registry.releases import promote, set_canary, set_shadow
from polyloop.registry.store import Store, open_store
from polyloop.registry.tables import release_events


@contextmanager
def alembic(store: Store) -> Iterator[tuple[Connection, Config]]:
    """Give a write transaction and Alembic's configuration for it."""
    with store.begin() as connection:
        configuration = Config()
        configuration.set_main_option("script_location", str(MIGRATIONS))
        configuration.attributes["connection"] = connection
        yield connection, configuration


def test_a_store_of_the_first_revision_keeps_its_history_and_takes_canaries(published: Store) -> None:
    promote(published, "mood", "v1", actor="ann", reason="first")
    promote(published, "mood", "v2", actor="ann", reason="better")
    before = release_history(published, "mood")
    with alembic(published) as (_, configuration):
        command.downgrade(configuration, "0001")
    with published.read() as connection:
        rows = connection.execute(text("SELECT * FROM release_events ORDER BY generation")).mappings().all()
    assert [(row["to_version"], "weight" in row) for row in rows] == [("v1", False), ("v2", False)]

    again = open_store(published.url)
    try:
        assert release_history(again, "mood") == before
        set_canary(again, "mood", "v3", 0.1, actor="ann", reason="a try")
        assert release_history(again, "mood")[-1].action is Action.CANARY
    finally:
        again.close()


def test_going_back_to_the_first_revision_loses_canaries_and_shadows_only(published: Store) -> None:
    promote(published, "mood", "v1", actor="ann", reason="first")
    set_canary(published, "mood", "v2", 0.1, actor="ann", reason="a try")
    set_shadow(published, "mood", "v3", actor="ann", reason="a look")
    with alembic(published) as (connection, configuration):
        command.downgrade(configuration, "0001")
        assert connection.scalars(text("SELECT action FROM release_events")).all() == ["promote"]


@pytest.mark.parametrize("fault", [{"action": "explode"}, {"generation": 1}])
def test_an_event_that_makes_no_sense_is_refused_by_the_database(published: Store, fault: dict[str, Any]) -> None:
    promote(published, "mood", "v1", actor="ann", reason="first")
    good = {"task": "mood", "action": "promote", "generation": 2, "actor": "", "reason": "", "created_at": utc_now()}
    with pytest.raises(RegistryError), published.begin() as connection:
        connection.execute(release_events.insert().values(**{**good, **fault}))
    with published.begin() as connection:
        connection.execute(release_events.insert().values(**good))
        assert connection.scalar(select(func.count()).select_from(release_events)) == 2
