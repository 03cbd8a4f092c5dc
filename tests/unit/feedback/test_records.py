"""Feedback requests and records."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from polyloop.errors import RequestError
from polyloop.feedback.ids import InferenceClaim, digest_input, new_uuid7
from polyloop.feedback.records import FeedbackRecord, FeedbackRequest, check_correction, make_record
from polyloop.spec.models import TaskSpec
from polyloop.spec.network import ModelSpec

KEY = bytes(32)
CLASSIFY = TaskSpec(kind="classify", corpora=("c",), labels=("good", "bad"), model=ModelSpec(recipe="nano"))
TRANSLATE = TaskSpec(kind="translate", corpora=("c",), pairs=("en>de",), model=ModelSpec(recipe="nano"))


def request(**fields: Any) -> FeedbackRequest:
    return FeedbackRequest.model_validate({"inference_id": "inf_x", **fields})


def record(fields: dict[str, Any], key_id: str = "k", idempotency_key: str | None = None) -> FeedbackRecord:
    claim = InferenceClaim(
        inference_id=new_uuid7(),
        task="mood",
        version="v1",
        locale="en",
        target_locale="en",
        propensity=1.0,
        input_digest=digest_input("fine day", KEY),
    )
    return make_record(
        request(**fields),
        claim,
        key_id=key_id,
        idempotency_key=idempotency_key,
        signing_key=KEY,
        created_at=datetime.now(UTC),
    )


@pytest.mark.parametrize(
    "fields", [{"rating": 1}, {"rating": -1}, {"correction": "good"}, {"comment": "hm"}, {"correction": ""}]
)
def test_one_statement_suffices(fields: dict[str, Any]) -> None:
    assert request(**fields).model_dump(exclude_none=True) == {"inference_id": "inf_x", **fields}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "at least one of rating, correction and comment"),
        ({"user": "ann", "input": "x"}, "at least one of rating, correction and comment"),
        ({"rating": 0}, "rating"),
        ({"rating": True}, "rating"),
        ({"rating": "1"}, "rating"),
        ({"rating": 1.0}, "rating"),
        ({"rating": 1.5}, "rating"),
        ({"correction": 7}, "correction"),
        ({"correction": "x" * 20_001}, "correction"),
        ({"comment": "x" * 4_001}, "comment"),
        ({"rating": 1, "input": "x" * 100_001}, "input"),
        ({"rating": 1, "user": ""}, "user"),
        ({"rating": 1, "user": "x" * 201}, "user"),
        ({"rating": 1, "stars": 5}, "stars"),
        ({"rating": 1, "inference_id": "x" * 513}, "inference_id"),
        ({"rating": 1, "inference_id": None}, "inference_id"),
    ],
)
def test_malformed_requests_are_refused_by_name(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        request(**fields)


def test_the_input_is_kept_only_if_it_is_the_one_of_the_inference() -> None:
    assert record({"rating": 1, "input": " fine  day"}).input == " fine  day"
    with pytest.raises(RequestError, match="not the input of this inference") as caught:
        record({"rating": 1, "input": "other day"})
    assert caught.value.status == 422


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_idempotency_keys_are_bounded(key: str) -> None:
    with pytest.raises(RequestError, match="1 to 255 characters"):
        record({"rating": 1}, idempotency_key=key)


def test_users_of_different_api_keys_are_different_users() -> None:
    users = {record({"rating": 1, "user": "ann"}, key_id=key).user for key in ("a", "b")}
    assert users == {"a/ann", "b/ann"}
    assert record({"rating": 1}).user == "k/"


def test_equal_bodies_have_equal_digests_and_others_do_not() -> None:
    bodies: list[dict[str, Any]] = [
        {"rating": 1},
        {"rating": -1},
        {"rating": 1, "user": "ann"},
        {"correction": "a"},
        {"comment": "a"},
    ]
    digests = [record(body).body_digest for body in bodies]
    assert len(set(digests)) == len(bodies)
    assert digests == [record(body).body_digest for body in bodies]


def test_a_correction_must_be_a_label_of_a_classify_task() -> None:
    check_correction(request(correction=" good "), CLASSIFY)
    check_correction(request(rating=-1), CLASSIFY)
    check_correction(request(correction="anything"), TRANSLATE)
    with pytest.raises(RequestError, match="'great' is not a label; labels are good, bad") as caught:
        check_correction(request(correction="great"), CLASSIFY)
    assert (caught.value.status, caught.value.code) == (422, "not_a_label")
