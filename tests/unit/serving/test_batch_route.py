"""POST /v1/tasks/{task}:batch: a result for each input, in order, each by itself."""

from typing import Any

import httpx
import pytest
from tests.support.projects import SmallHandle

from polyloop.errors import ModelError, RequestError
from polyloop.feedback.ids import verify
from polyloop.registry.keys import create_key
from polyloop.registry.store import Store
from polyloop.serving.auth import project_signing_key
from polyloop.spec.limits import KeyLimits

Headers = dict[str, str]


async def send(router: httpx.AsyncClient, headers: Headers, *inputs: Any, task: str = "mood") -> httpx.Response:
    return await router.post(f"/v1/tasks/{task}:batch", json={"inputs": list(inputs)}, headers=headers)


async def test_each_input_has_an_answer_with_an_id_of_its_own(
    router: httpx.AsyncClient, bearer: Headers, store: Store, handles: dict[str, SmallHandle]
) -> None:
    inputs = [{"input": text, "locale": "en", "user": f"u{text}"} for text in "abc"]
    response = await send(router, bearer, *inputs)
    results = response.json()["results"]
    assert response.status_code == 200
    assert [list(one) for one in results] == [["answer"]] * 3
    claims = [verify(one["answer"]["id"], project_signing_key(store)) for one in results]
    assert len({claim.inference_id for claim in claims}) == 3
    assert sorted(call.text for call in handles["mood"].calls) == ["a", "b", "c"]
    alone = (await router.post("/v1/tasks/mood", json=inputs[0], headers=bearer)).json()
    assert set(results[0]["answer"]) == set(alone)


async def test_what_is_wrong_has_its_problem_in_its_place(
    router: httpx.AsyncClient, bearer: Headers, handles: dict[str, SmallHandle]
) -> None:
    handles["mood"].errors += [ModelError("the weights at /secret are damaged")]
    inputs: list[Any] = [{"input": " "}, {"input": "a", "locale": "en"}, {"inptu": "b"}, {"input": "c", "locale": "xx"}]
    results = (await send(router, bearer, *inputs)).json()["results"]
    found = [(one["problem"]["status"], one["problem"]["code"]) for one in results]
    assert found == [(422, "empty_input"), (503, "unavailable"), (422, "invalid_request"), (422, "unknown_locale")]
    assert "inptu" in results[2]["problem"]["detail"]
    assert "secret" not in str(results)


async def test_one_failure_cancels_no_other(
    router: httpx.AsyncClient, bearer: Headers, handles: dict[str, SmallHandle]
) -> None:
    handles["mood"].errors += [RequestError("the input has 99 tokens", 422, "input_too_long")]
    results = (await send(router, bearer, *({"input": text, "locale": "en"} for text in "abcd"))).json()["results"]
    assert sorted("answer" in one for one in results) == [False, True, True, True]


@pytest.mark.parametrize(
    ("body", "place"),
    [({}, "inputs"), ({"inputs": []}, "inputs"), ({"inputs": ["a"]}, "inputs.0"), ({"inputs": [{}] * 257}, "inputs")],
)
async def test_a_batch_that_is_none_is_refused_as_a_whole(
    router: httpx.AsyncClient, bearer: Headers, body: Any, place: str
) -> None:
    response = await router.post("/v1/tasks/mood:batch", json=body, headers=bearer)
    assert response.status_code == 422
    assert response.json()["detail"].startswith(place)


async def test_a_batch_needs_a_task_and_a_key(router: httpx.AsyncClient, bearer: Headers) -> None:
    assert (await send(router, {}, {"input": "a"})).status_code == 401
    assert (await send(router, bearer, {"input": "a"}, task="nothing")).json()["code"] == "unknown_task"


async def test_for_a_key_a_batch_is_one_request_in_flight_and_all_its_inputs(
    router: httpx.AsyncClient, store: Store, champions: dict[str, str]
) -> None:
    limits = KeyLimits(max_concurrent=1, requests_per_minute=4)
    headers = {"Authorization": f"Bearer {create_key(store, 'small', ['infer'], limits=limits)[1]}"}
    assert (await send(router, headers, *[{"input": "a", "locale": "en"}] * 4)).status_code == 200
    assert (await send(router, headers, {"input": "a", "locale": "en"})).json()["code"] == "key_rate"


async def test_the_document_describes_it(router: httpx.AsyncClient) -> None:
    document = (await router.get("/openapi.json")).json()
    described = document["paths"]["/v1/tasks/{task}:batch"]["post"]
    assert described["security"] == [{"api_key": []}]
    assert {"BatchRequest", "BatchResults", "BatchResult"} <= set(document["components"]["schemas"])
