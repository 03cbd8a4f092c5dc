"""What integration tests share: one small local Ray cluster for the whole session, and stores on both databases.

POLYLOOP_TEST_POSTGRES names another PostgreSQL server; a server that is missing fails the tests, it skips none.
"""

import logging
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from polyloop.registry.store import Store, open_store

POSTGRESQL = os.environ.get("POLYLOOP_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test")


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """A local Ray of two CPUs, even where a cluster is running; tests/conftest.py has set its environment before."""
    with pytest.MonkeyPatch.context() as patch:
        # Behind HAProxy an ingress stops after 30 s at the earliest, so that nobody is sent there; nobody is sent here.
        patch.setenv("RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S", "0.5")
        # Autoscaling hears of loads every 10 s otherwise.
        patch.setenv("RAY_SERVE_REPLICA_AUTOSCALING_METRIC_PUSH_INTERVAL_S", "0.5")
        patch.setenv("RAY_SERVE_HANDLE_AUTOSCALING_METRIC_PUSH_INTERVAL_S", "0.5")
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    yield
    ray.shutdown()


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    """The URL of a fresh schema, dropped afterwards."""
    schema = f"polyloop_test_{secrets.token_hex(6)}"
    engine = create_engine(POSTGRESQL)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    url = make_url(POSTGRESQL).update_query_dict({"options": f"-csearch_path={schema}"})
    yield url.render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store, on each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store, on each database in turn."""
    opened = open_store(store_url)
    yield opened
    opened.close()
