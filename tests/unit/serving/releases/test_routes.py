"""Releases over HTTP: who may see and change them, what is refused and how, and that a change outlives its request."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.support.projects import SmallHandle, publish
from tests.support.wire_site import LONG_ALIVE
from tests.unit.serving.conftest import client_of

from polyloop.registry.keys import create_key
from polyloop.registry.presence import beat
from polyloop.registry.release_events import release_history
from polyloop.registry.releases import get_release, promote
from polyloop.registry.store import Store
from polyloop.registry.versions import reserve_version
from polyloop.retraining import promotion
from polyloop.serving.router import Router
from polyloop.spec.loader import LoadedSpec

Headers = dict[str, str]
MOOD = "/v1/releases/mood"
PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promotion, "POLL_S", 0.01)


@pytest.fixture(autouse=True)
def candidates(store: Store, champions: dict[str, str]) -> None:
    """v2 and v3 of mood are published, v1 is its champion."""
    for digest in "bc":
        publish(store, "mood", digest=digest)


@pytest.fixture
async def impatient(
    loaded: LoadedSpec, champions: dict[str, str], handles: dict[str, SmallHandle]
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a router whose requests wait 0.2 s at most."""
    serving = loaded.spec.serving.model_copy(update={"request_timeout_s": 0.2})
    spec = loaded.spec.model_copy(update={"serving": serving})
    service = Router(LoadedSpec(spec=spec, path=loaded.path, digest=loaded.digest, variables={}, lines={}), handles)
    async with client_of(service.app()) as client:
        yield client
    service.close()


def asked(action: str, version: str | None = None, *, generation: int = 1, **others: Any) -> dict[str, Any]:
    """Return the body of a change."""
    body = {"action": action, "expected_generation": generation, "reason": "a try", **others}
    return body if version is None else {**body, "version": version}


def holds(store: Store, *versions: str, replica: str = "mood-1") -> None:
    beat(store, replica, "mood", versions, datetime.now(UTC) + LONG_ALIVE)


async def until(is_so: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def changing(client: httpx.AsyncClient, headers: Headers, body: dict[str, Any]) -> "asyncio.Task[httpx.Response]":
    """Begin a change, and ask again while replicas load, however slow this machine is."""

    async def settled() -> httpx.Response:
        response = await client.post(MOOD, json=body, headers=headers)
        while response.status_code == 202:
            response = await client.post(MOOD, json=body, headers=headers)
        return response

    return asyncio.create_task(settled())


def problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


async def test_releases_are_listed_for_keys_that_may_ask(router: httpx.AsyncClient, bearer: Headers) -> None:
    listed = (await router.get("/v1/releases", headers=bearer)).json()["releases"]
    assert [(one["task"], one["champion"], one["generation"]) for one in listed] == [
        ("mood", "v1", 1),
        ("to-german", "v1", 1),
    ]


async def test_a_release_tells_who_holds_its_versions_and_who_changed_it(
    router: httpx.AsyncClient, admin: Headers, store: Store
) -> None:
    promote(store, "mood", "v2", actor="test", reason="second")
    holds(store, "v1", "v2")
    holds(store, "v2", replica="mood-2")
    told = (await router.get(MOOD, headers=admin)).json()
    assert (told["champion"], told["previous"], told["replicas"]) == ("v2", "v1", 2)
    assert told["versions"] == [
        {"version": "v2", "role": "champion", "replicas": 2},
        {"version": "v1", "role": "previous", "replicas": 1},
    ]
    assert [(one["generation"], one["action"], one["to_version"], one["reason"]) for one in told["history"]] == [
        (2, "promote", "v2", "second"),
        (1, "promote", "v1", "first"),
    ]


@pytest.mark.parametrize("scopes", [["infer"], ["feedback"], ["review"], ["infer", "feedback", "review"]])
async def test_only_admin_sees_histories_and_changes_releases(
    router: httpx.AsyncClient, store: Store, scopes: list[str]
) -> None:
    key = {"Authorization": f"Bearer {create_key(store, 'other', scopes)[1]}"}
    assert problem(await router.get(MOOD, headers=key)) == (403, "missing_scope")
    assert problem(await router.post(MOOD, json=asked("promote", "v2"), headers=key)) == (403, "missing_scope")
    assert get_release(store, "mood").champion == "v1"
    listed = await router.get("/v1/releases", headers=key)
    assert listed.status_code == (200 if "infer" in scopes else 403)


async def test_a_promotion_is_answered_with_the_new_release_and_written_down_by_the_keys_name(
    router: httpx.AsyncClient, admin: Headers, store: Store
) -> None:
    response = await router.post(MOOD, json=asked("promote", "v2", reason="reviewed"), headers=admin)
    told = response.json()
    assert (response.status_code, told["champion"], told["previous"], told["generation"]) == (200, "v2", "v1", 2)
    assert (told["history"][0]["actor"], told["history"][0]["reason"]) == ("ana", "reviewed")
    assert get_release(store, "mood").champion == "v2"


async def test_a_canary_and_a_shadow_come_and_go_and_a_rollback_ends_what_runs(
    router: httpx.AsyncClient, admin: Headers
) -> None:
    async def change(body: dict[str, Any]) -> dict[str, Any]:
        response = await router.post(MOOD, json=body, headers=admin)
        assert response.status_code == 200, response.text
        told: dict[str, Any] = response.json()
        return told

    assert (await change(asked("canary", "v2", weight=0.1)))["canary_weight"] == 0.1
    assert (await change(asked("canary", "v2", generation=2, weight=0.5)))["canary_weight"] == 0.5
    assert (await change(asked("shadow", "v3", generation=3)))["shadow"] == "v3"
    assert (await change(asked("canary", "v2", generation=4, off=True)))["canary"] is None
    assert (await change(asked("shadow", "v3", generation=5, off=True)))["shadow"] is None
    assert (await change(asked("promote", "v2", generation=6)))["champion"] == "v2"
    assert (await change(asked("shadow", "v3", generation=7)))["shadow"] == "v3"
    told = await change(asked("rollback", generation=8))
    assert (told["champion"], told["previous"], told["shadow"]) == ("v1", "v2", None)
    assert [one["action"] for one in told["history"][:2]] == ["end_shadow", "rollback"]


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/v1/releases/none", asked("promote", "v2"), (404, "unknown_task")),
        (MOOD, asked("promote", "v9"), (404, "unknown_version")),
        (MOOD, asked("canary", "v9", weight=0.1), (404, "unknown_version")),
        (MOOD, asked("promote", "v4"), (409, "release_refused")),
        (MOOD, asked("canary", "v1", weight=0.1), (409, "release_refused")),
        (MOOD, asked("shadow", "v1"), (409, "release_refused")),
        (MOOD, asked("rollback"), (409, "release_refused")),
        (MOOD, asked("promote", "v2", generation=0), (409, "release_changed")),
        (MOOD, asked("rollback", generation=7), (409, "release_changed")),
        (MOOD, asked("shadow", "v2", generation=7), (409, "release_changed")),
        (MOOD, asked("canary", "v2", generation=7, weight=0.2), (409, "release_changed")),
        (MOOD, asked("canary", "v2", generation=7, off=True), (409, "release_changed")),
        (MOOD, asked("canary", "v2", weight=0), (422, "invalid_request")),
        (MOOD, asked("canary", "v2", weight=1), (422, "invalid_request")),
        (MOOD, asked("canary", "v2", weight=-0.5), (422, "invalid_request")),
        (MOOD, asked("canary", "v2", weight="0.1"), (422, "invalid_request")),
        (MOOD, asked("canary", "v2"), (422, "invalid_request")),
        (MOOD, asked("canary", "v2", weight=0.1, off=True), (422, "invalid_request")),
        (MOOD, asked("promote"), (422, "invalid_request")),
        (MOOD, asked("promote", "v2", reason=" "), (422, "invalid_request")),
        (MOOD, asked("promote", "v2", weight=0.1), (422, "invalid_request")),
        (MOOD, {"action": "promote", "version": "v2", "reason": "a try"}, (422, "invalid_request")),
        (MOOD, asked("delete", "v2"), (422, "invalid_request")),
        (MOOD, ["promote"], (422, "invalid_request")),
    ],
)
async def test_a_change_that_cannot_be_says_why_and_changes_nothing(
    router: httpx.AsyncClient, admin: Headers, store: Store, path: str, body: Any, expected: tuple[int, str]
) -> None:
    assert (
        reserve_version(
            store, "mood", "d", dataset_digest="d" * 64, holdout_digest="h" * 64, spec_digest="s" * 64
        ).version
        == "v4"
    )  # in training
    before = get_release(store, "mood")
    assert problem(await router.post(path, json=body, headers=admin)) == expected
    after = get_release(store, "mood")
    assert (after.champion, after.canary, after.shadow, after.preload, after.generation) == (
        before.champion,
        None,
        None,
        None,
        1,
    )


async def test_a_bad_weight_is_named_with_its_place(router: httpx.AsyncClient, admin: Headers) -> None:
    response = await router.post(MOOD, json=asked("canary", "v2", weight=1.5), headers=admin)
    assert "canary.weight" in response.json()["detail"]
    assert "1.5" in response.json()["detail"]


async def test_of_two_people_who_change_a_release_at_once_one_is_told(
    router: httpx.AsyncClient, admin: Headers, store: Store
) -> None:
    holds(store, "v1")
    both = [changing(router, admin, asked("promote", version)) for version in ("v2", "v3")]
    await until(lambda: get_release(store, "mood").preload is not None)
    holds(store, "v1", "v2", "v3")
    answers = sorted(await asyncio.gather(*both), key=lambda response: response.status_code)
    assert answers[0].status_code == 200
    assert problem(answers[1]) == (409, "release_changed")
    assert get_release(store, "mood").champion == answers[0].json()["champion"]
    assert len(release_history(store, "mood")) == 2


async def test_while_replicas_load_the_router_goes_on_answering(
    router: httpx.AsyncClient, admin: Headers, bearer: Headers, store: Store
) -> None:
    holds(store, "v1")
    change = changing(router, admin, asked("promote", "v2"))
    await until(lambda: get_release(store, "mood").preload == "v2")
    for _ in range(5):
        response = await router.post("/v1/tasks/mood", json={"input": "a day", "locale": "en"}, headers=bearer)
        assert response.status_code == 200
    assert not change.done()
    holds(store, "v1", "v2")
    assert (await change).json()["champion"] == "v2"


async def test_a_change_that_takes_longer_is_a_202_and_the_same_request_again_waits_for_it(
    impatient: httpx.AsyncClient, admin: Headers, store: Store
) -> None:
    holds(store, "v1")
    first = await impatient.post(MOOD, json=asked("promote", "v2"), headers=admin)
    assert (first.status_code, first.json()["champion"], first.json()["preload"]) == (202, "v1", "v2")
    assert first.headers["retry-after"] == "1"
    assert (await impatient.post(MOOD, json=asked("promote", "v2"), headers=admin)).status_code == 202
    holds(store, "v1", "v2")
    await until(lambda: get_release(store, "mood").champion == "v2")
    for _ in range(2):
        last = await changing(impatient, admin, asked("promote", "v2"))
        assert (last.status_code, last.json()["champion"], last.json()["generation"]) == (200, "v2", 2)
    assert len(release_history(store, "mood")) == 2


async def test_a_client_that_goes_away_does_not_undo_the_change(
    router: httpx.AsyncClient, admin: Headers, store: Store
) -> None:
    holds(store, "v1")
    change = asyncio.create_task(router.post(MOOD, json=asked("promote", "v2"), headers=admin))
    await until(lambda: get_release(store, "mood").preload == "v2")
    change.cancel()
    with pytest.raises(asyncio.CancelledError):
        await change
    holds(store, "v1", "v2")
    await until(lambda: get_release(store, "mood").champion == "v2")
    assert get_release(store, "mood").preload is None


async def test_a_version_that_a_replica_cannot_load_is_a_503_and_the_release_stays(
    router: httpx.AsyncClient, admin: Headers, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polyloop.serving.releases.changes.promote_live", _quickly_tired)
    holds(store, "v1")
    response = await router.post(MOOD, json=asked("promote", "v2"), headers=admin)
    assert problem(response) == (503, "version_not_loaded")
    assert "mood-1" in response.json()["detail"]
    release = get_release(store, "mood")
    assert (release.champion, release.preload, release.generation) == ("v1", None, 1)


def _quickly_tired(*arguments: Any, **options: Any) -> Any:
    return promotion.promote_live(*arguments, **options, load_timeout_s=0.05)


async def test_a_rollback_ends_the_wait_of_a_promotion(router: httpx.AsyncClient, admin: Headers, store: Store) -> None:
    promote(store, "mood", "v2", actor="test", reason="second")
    holds(store, "v1", "v2")
    change = changing(router, admin, asked("promote", "v3", generation=2))
    await until(lambda: get_release(store, "mood").preload == "v3")
    back = await router.post(MOOD, json=asked("rollback", generation=2), headers=admin)
    assert (back.status_code, back.json()["champion"]) == (200, "v1")
    assert problem(await change) == (409, "release_changed")


async def test_a_router_that_stops_leaves_the_release_as_it_was(
    loaded: LoadedSpec, handles: dict[str, SmallHandle], admin: Headers, store: Store
) -> None:
    holds(store, "v1")
    service = Router(loaded, handles)
    async with client_of(service.app()) as client:
        change = changing(client, admin, asked("promote", "v2"))
        await until(lambda: get_release(store, "mood").preload == "v2")
        closing = threading.Thread(target=service.close)
        closing.start()
        assert problem(await change) == (503, "version_not_loaded")
        closing.join(PATIENCE_S)
    release = get_release(store, "mood")
    assert (release.champion, release.preload) == ("v1", None)


async def test_the_number_of_changes_that_wait_is_bounded(
    impatient: httpx.AsyncClient, admin: Headers, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polyloop.serving.releases.changes.MAX_LOADING", 1)
    holds(store, "v1")
    assert (await impatient.post(MOOD, json=asked("promote", "v2"), headers=admin)).status_code == 202
    assert problem(await impatient.post(MOOD, json=asked("shadow", "v3"), headers=admin)) == (503, "overloaded")
    assert get_release(store, "mood").preload == "v2"


async def test_a_shadow_without_an_inference_log_is_refused(
    loaded: LoadedSpec, handles: dict[str, SmallHandle], admin: Headers
) -> None:
    serving = loaded.spec.serving.model_copy(update={"log_inputs": False})
    spec = loaded.spec.model_copy(update={"serving": serving})
    service = Router(LoadedSpec(spec=spec, path=loaded.path, digest=loaded.digest, variables={}, lines={}), handles)
    async with client_of(service.app()) as client:
        response = await client.post(MOOD, json=asked("shadow", "v2"), headers=admin)
    service.close()
    assert problem(response) == (409, "release_refused")
    assert "log_inputs" in response.json()["detail"]
