"""Stores on both databases, each test with an empty one.

POLYLOOP_TEST_POSTGRES names another PostgreSQL server; a server that is missing fails the tests, it skips none.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from polyloop.feedback.ids import InferenceClaim, digest_input, new_uuid7
from polyloop.feedback.inference_log import InferenceRecord
from polyloop.feedback.records import FeedbackRecord, FeedbackRequest, make_record
from polyloop.registry.store import Store, open_store

POSTGRESQL = os.environ.get("POLYLOOP_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test")


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


KEY = bytes(range(32))


@pytest.fixture
def make_feedback() -> Callable[..., FeedbackRecord]:
    """Return a function that makes a verified record from the fields of a request."""

    def make(
        *, text: str = "fine day", key_id: str = "key", idempotency_key: str | None = None, **fields: Any
    ) -> FeedbackRecord:
        claim = InferenceClaim(
            inference_id=fields.pop("inference_id", None) or new_uuid7(),
            task="mood",
            version="v1",
            locale="en",
            target_locale=fields.pop("target_locale", "en"),
            propensity=1.0,
            input_digest=digest_input(text, KEY),
        )
        statement = fields or {"correction": "good"}
        return make_record(
            FeedbackRequest.model_validate({"inference_id": "inf_", **statement}),
            claim,
            key_id=key_id,
            idempotency_key=idempotency_key,
            signing_key=KEY,
            created_at=datetime.now(UTC),
        )

    return make


@pytest.fixture
def make_inference() -> Callable[..., InferenceRecord]:
    """Return a function that makes an inference record, with the fields that are given."""

    def make(**fields: Any) -> InferenceRecord:
        defaults: dict[str, Any] = {
            "inference_id": new_uuid7(),
            "task": "mood",
            "version": "v1",
            "locale": "en",
            "target_locale": "en",
            "input": "fine day",
            "output": "bad",
            "scores": {"good": 0.25, "bad": 0.75},
            "propensity": 1.0,
            "user": None,
            "key_id": "key",
            "latency_ms": 3.5,
            "created_at": datetime.now(UTC),
        }
        return InferenceRecord(**{**defaults, **fields})

    return make
