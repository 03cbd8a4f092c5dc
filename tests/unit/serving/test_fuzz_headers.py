"""Whatever headers say, keys are refused with a 401, feedback is told what is wrong, and the log keeps its lines."""

import asyncio
import logging
import string
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fastapi import Request
from hypothesis import given, settings
from hypothesis import strategies as st

from polyloop.errors import RegistryError, RequestError
from polyloop.feedback.ids import InferenceClaim, new_uuid7
from polyloop.feedback.records import MAX_IDEMPOTENCY_KEY_LENGTH, FeedbackRequest, make_record
from polyloop.registry.keys import create_key
from polyloop.registry.store import Store, open_store
from polyloop.serving.auth import KeyCheck
from polyloop.serving.observing.asked import ASKED, Asked, is_good_id
from polyloop.serving.problems import describe

HEADERS = st.text(st.characters(max_codepoint=255), max_size=80)
"""What a server hands on: bytes, read as Latin-1."""
KEY_LIKE = st.builds(
    "Bearer plk_{}_{}".format,
    st.text("0123456789abcdef", min_size=8, max_size=8),
    st.text(string.ascii_letters + "-_", min_size=42, max_size=44),
)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db")
    yield store
    store.close()


@pytest.fixture(scope="module")
def secret(opened: Store) -> str:
    return create_key(opened, "site", ["infer"])[1]


async def refusal(store: Store, header: str) -> tuple[int, str] | None:
    """Return status and code with which a key is refused, None where it is let in."""
    try:
        await KeyCheck(store).require(header, "infer")
    except RequestError as error:
        return error.status, error.code
    return None


@settings(max_examples=60)
@given(header=HEADERS | HEADERS.map("Bearer {}".format) | KEY_LIKE)
def test_no_made_up_header_is_let_in(opened: Store, header: str) -> None:
    assert asyncio.run(refusal(opened, header)) in ((401, "missing_key"), (401, "bad_key"))


@settings(max_examples=40)
@given(place=st.integers(0, 55), other=st.characters(max_codepoint=255))
def test_a_key_with_one_other_character_is_another_key(opened: Store, secret: str, place: int, other: str) -> None:
    changed = secret[:place] + other + secret[place + 1 :]
    expected = None if changed.strip() == secret else (401, "bad_key")
    assert asyncio.run(refusal(opened, f"Bearer {changed}")) == expected


@given(key=HEADERS | st.text(max_size=300))
def test_an_idempotency_key_is_kept_whole_or_refused(key: str) -> None:
    claim = InferenceClaim(
        inference_id=new_uuid7(),
        task="mood",
        version="v1",
        locale="en",
        target_locale="en",
        propensity=1.0,
        input_digest=bytes(16),
    )
    body = FeedbackRequest(inference_id="inf_x", rating=1)
    try:
        kept = make_record(
            body, claim, key_id="k", idempotency_key=key, signing_key=bytes(32), created_at=datetime.now(UTC)
        ).idempotency_key
    except RequestError:
        kept = None
    assert kept == (key if 0 < len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH else None)


@settings(max_examples=60)
@given(request_id=HEADERS, path=st.text(max_size=40))
def test_a_caller_can_write_no_line_of_its_own_into_the_log(request_id: str, path: str) -> None:
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("polyloop.serving")
    logger.addHandler(handler)
    try:
        scope = {
            "type": "http",
            "method": "GET",
            "path": f"/{path}",
            "headers": [(b"x-request-id", request_id.encode("latin-1"))],
            ASKED: Asked(request_id=request_id if is_good_id(request_id) else None),
        }
        failures = [describe(Request(scope), error) for error in (RegistryError("away"), ValueError("x"))]
    finally:
        logger.removeHandler(handler)
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)
    assert all(failure.problem.model_dump_json() for failure in failures)
    assert failures[0].problem.request_id == (request_id if is_good_id(request_id) else None)
