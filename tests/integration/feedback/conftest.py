"""Records of feedback and inferences, to put into a store."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from polyloop.feedback.ids import InferenceClaim, digest_input, new_uuid7
from polyloop.feedback.inference_log import InferenceRecord
from polyloop.feedback.records import FeedbackRecord, FeedbackRequest, make_record

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
