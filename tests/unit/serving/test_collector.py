"""The collector: only feedback on our own inferences, once per idempotency key, at the root of its mount."""

from typing import Any

import httpx
import pytest

from polyloop.feedback.ids import InferenceClaim, digest_input, new_uuid7, sign
from polyloop.feedback.queries import list_feedback
from polyloop.registry.keys import create_key
from polyloop.registry.store import Store
from polyloop.serving.auth import project_signing_key

Headers = dict[str, str]


def inference_id(key: bytes, task: str = "mood") -> str:
    claim = InferenceClaim(
        inference_id=new_uuid7(),
        task=task,
        version="v1",
        locale="en",
        target_locale="en",
        propensity=1.0,
        input_digest=digest_input("what a day", key),
    )
    return sign(claim, key)


@pytest.fixture
def signed(store: Store) -> str:
    return inference_id(project_signing_key(store))


async def give(collector: httpx.AsyncClient, headers: Headers, **body: Any) -> httpx.Response:
    return await collector.post("/v1/feedback", json=body, headers=headers)


@pytest.mark.parametrize("path", ["/v1/feedback", "/v1/feedback/"])
async def test_feedback_at_the_root_of_the_mount_is_stored_before_it_is_acknowledged(
    collector: httpx.AsyncClient, bearer: Headers, store: Store, signed: str, path: str
) -> None:
    response = await collector.post(path, json={"inference_id": signed, "correction": "bad"}, headers=bearer)
    (row,) = list_feedback(store)
    assert (response.status_code, response.json()) == (201, {"feedback_id": str(row.feedback_id)})
    assert (row.task, row.correction, row.state) == ("mood", "bad", "new")


async def test_nothing_but_the_root_is_there(collector: httpx.AsyncClient, bearer: Headers) -> None:
    assert (await collector.post("/v1/feedback/more", headers=bearer)).status_code == 404
    assert (await collector.get("/v1/feedback", headers=bearer)).status_code == 405


@pytest.mark.parametrize("forged", ["", "inf_", "inf_abc", "字" * 40, "inf_" + "A" * 120])
async def test_an_id_that_is_none_is_refused(
    collector: httpx.AsyncClient, bearer: Headers, store: Store, forged: str
) -> None:
    response = await give(collector, bearer, inference_id=forged, rating=1)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_feedback")
    assert list_feedback(store) == ()


async def test_a_changed_or_foreign_id_is_refused(
    collector: httpx.AsyncClient, bearer: Headers, store: Store, signed: str
) -> None:
    changed = signed[:-2] + ("A" if signed[-2] != "A" else "B") + signed[-1]
    for other in (changed, inference_id(b"another platform")):
        response = await give(collector, bearer, inference_id=other, rating=1)
        assert (response.status_code, response.json()["code"]) == (422, "invalid_feedback")
    assert list_feedback(store) == ()


async def test_an_id_of_a_task_that_is_no_more_is_a_404(
    collector: httpx.AsyncClient, bearer: Headers, store: Store
) -> None:
    response = await give(collector, bearer, inference_id=inference_id(project_signing_key(store), "old"), rating=1)
    assert (response.status_code, response.json()["code"]) == (404, "unknown_task")


async def test_a_correction_that_is_not_a_label_is_refused(
    collector: httpx.AsyncClient, bearer: Headers, store: Store, signed: str
) -> None:
    response = await give(collector, bearer, inference_id=signed, correction="splendid")
    assert (response.status_code, response.json()["code"]) == (422, "not_a_label")
    assert "good, bad" in response.json()["detail"]
    assert list_feedback(store) == ()


@pytest.mark.parametrize("body", [{}, {"rating": 5}, {"rating": "1"}, {"correction": 1}, {"rating": 1, "more": 1}])
async def test_a_malformed_statement_is_a_422(
    collector: httpx.AsyncClient, bearer: Headers, signed: str, body: dict[str, Any]
) -> None:
    response = await give(collector, bearer, inference_id=signed, **body)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


async def test_the_same_key_and_body_is_stored_once_and_another_body_is_refused(
    collector: httpx.AsyncClient, bearer: Headers, store: Store, signed: str
) -> None:
    headers = {**bearer, "Idempotency-Key": "once"}
    first = await give(collector, headers, inference_id=signed, rating=1)
    again = await give(collector, headers, inference_id=signed, rating=1)
    other = await give(collector, headers, inference_id=signed, rating=-1)
    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(list_feedback(store)) == 1


async def test_an_input_that_is_another_is_refused(collector: httpx.AsyncClient, bearer: Headers, signed: str) -> None:
    assert (await give(collector, bearer, inference_id=signed, rating=1, input="else")).status_code == 422
    assert (await give(collector, bearer, inference_id=signed, rating=1, input="what a day")).status_code == 201


async def test_a_body_over_the_limit_is_a_413(collector: httpx.AsyncClient, bearer: Headers, signed: str) -> None:
    assert (await give(collector, bearer, inference_id=signed, comment="x" * 2_000)).status_code == 413


async def test_a_key_that_may_only_infer_may_not_give_feedback(
    collector: httpx.AsyncClient, store: Store, signed: str
) -> None:
    headers = {"Authorization": f"Bearer {create_key(store, 'asker', ['infer'])[1]}"}
    assert (await give(collector, headers, inference_id=signed, rating=1)).status_code == 403
