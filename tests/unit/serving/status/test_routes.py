"""The live state: versions with their roles and holders, this router's requests of late, and what a key may do."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.support.projects import SmallHandle, publish
from tests.support.wire_site import LONG_ALIVE
from tests.unit.serving.conftest import client_of

from polyloop.errors import RequestError
from polyloop.registry.keys import create_key
from polyloop.registry.presence import beat
from polyloop.registry.releases import promote, set_canary, set_shadow
from polyloop.registry.store import Store
from polyloop.serving.router import Router
from polyloop.spec.loader import LoadedSpec

Headers = dict[str, str]
BY_TEST: dict[str, Any] = {"actor": "test", "reason": "a try"}


async def mood(router: httpx.AsyncClient, headers: Headers) -> dict[str, Any]:
    status = (await router.get("/v1/status", headers=headers)).json()
    assert [task["task"] for task in status["tasks"]] == ["mood", "to-german"]
    assert 0 <= status["window_s"] <= 300
    told: dict[str, Any] = status["tasks"][0]
    return told


async def test_requests_are_told_by_version_with_failures_and_latency(
    router: httpx.AsyncClient, bearer: Headers, handles: dict[str, SmallHandle], store: Store
) -> None:
    beat(store, "mood-1", "mood", ["v1"], datetime.now(UTC) + LONG_ALIVE)
    handles["mood"].errors = [RequestError("too long", 422, "input_too_long")]
    for _ in range(3):
        await router.post("/v1/tasks/mood", json={"input": "a day", "locale": "en"}, headers=bearer)
    await router.post("/v1/tasks/mood", json={"input": "a day", "locale": "fr"}, headers=bearer)
    told = await mood(router, bearer)
    (version,) = told["versions"]
    assert (version["version"], version["role"], version["replicas"]) == ("v1", "champion", 1)
    assert (version["requests"], version["failures"]) == (3, 1)
    assert version["failure_codes"] == {"input_too_long": 1}
    assert 0 < version["p50_ms"] <= version["p99_ms"] < 5_000
    assert told["unassigned"]["failure_codes"] == {"unknown_locale": 1}
    assert (told["replicas"], told["ready"], told["kind"]) == (1, True, "classify")


async def test_without_requests_and_replicas_there_is_nothing_to_tell(
    router: httpx.AsyncClient, bearer: Headers
) -> None:
    told = await mood(router, bearer)
    (version,) = told["versions"]
    assert (version["requests"], version["p50_ms"], version["p99_ms"], version["replicas"]) == (0, None, None, 0)
    assert (told["replicas"], told["ready"]) == (0, False)


async def test_each_version_has_its_role_and_a_canary_that_a_replica_lacks_is_paused(
    router: httpx.AsyncClient, bearer: Headers, store: Store
) -> None:
    for digest in "bcd":
        publish(store, "mood", digest=digest)
    promote(store, "mood", "v2", **BY_TEST)
    set_canary(store, "mood", "v3", 0.25, **BY_TEST)
    set_shadow(store, "mood", "v4", **BY_TEST)
    beat(store, "mood-1", "mood", ["v1", "v2", "v3"], datetime.now(UTC) + LONG_ALIVE)
    beat(store, "mood-2", "mood", ["v2"], datetime.now(UTC) + LONG_ALIVE)
    told = await mood(router, bearer)
    assert [(one["version"], one["role"], one["replicas"]) for one in told["versions"]] == [
        ("v2", "champion", 2),
        ("v3", "canary", 1),
        ("v4", "shadow", 0),
        ("v1", "previous", 1),
    ]
    assert (told["canary_weight"], told["canary_paused"]) == (0.25, True)
    beat(store, "mood-2", "mood", ["v2", "v3"], datetime.now(UTC) + LONG_ALIVE)
    assert (await mood(router, bearer))["canary_paused"] is False


async def test_a_version_that_has_no_role_any_more_is_still_told_of(
    loaded: LoadedSpec, champions: dict[str, str], handles: dict[str, SmallHandle], bearer: Headers, store: Store
) -> None:
    service = Router(loaded, handles)
    async with client_of(service.app()) as client:
        await client.post("/v1/tasks/mood", json={"input": "a day", "locale": "en"}, headers=bearer)
        for digest in "bc":
            promote(store, "mood", publish(store, "mood", digest=digest), **BY_TEST)
        told = await mood(client, bearer)
    service.close()
    assert [(one["version"], one["role"], one["requests"]) for one in told["versions"]] == [
        ("v3", "champion", 0),
        ("v2", "previous", 0),
        ("v1", None, 1),
    ]


@pytest.mark.parametrize(("scope", "status"), [("infer", 200), ("admin", 200), ("feedback", 403), ("review", 403)])
async def test_the_status_is_for_keys_that_may_ask(
    router: httpx.AsyncClient, store: Store, scope: str, status: int
) -> None:
    key = {"Authorization": f"Bearer {create_key(store, 'other', [scope])[1]}"}
    assert (await router.get("/v1/status", headers=key)).status_code == status


@pytest.mark.parametrize("scopes", [["infer"], ["feedback", "review"], ["admin"]])
async def test_any_key_is_told_its_name_and_scopes_and_never_its_secret(
    router: httpx.AsyncClient, store: Store, scopes: list[str]
) -> None:
    info, secret = create_key(store, "desk", scopes)
    response = await router.get("/v1/key", headers={"Authorization": f"Bearer {secret}"})
    assert response.json() == {"key_id": info.key_id, "name": "desk", "scopes": scopes}
    assert secret.rpartition("_")[2] not in response.text


async def test_an_unknown_key_is_told_nothing(router: httpx.AsyncClient) -> None:
    response = await router.get("/v1/key", headers={"Authorization": "Bearer plk_00000000_" + "x" * 43})
    assert (response.status_code, response.json()["code"]) == (401, "bad_key")
