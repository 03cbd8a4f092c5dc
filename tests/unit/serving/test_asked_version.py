"""An operator may ask for one of the versions that replicas hold; nobody else can get around a release that way."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.support.projects import SmallHandle, publish
from tests.support.wire_site import LONG_ALIVE
from tests.unit.serving.conftest import client_of

from polyloop.feedback.ids import verify
from polyloop.registry.presence import beat
from polyloop.registry.releases import Release, promote, set_canary, set_preload, set_shadow
from polyloop.registry.store import Store
from polyloop.serving.auth import project_signing_key
from polyloop.serving.choice import Choice, choose_asked, held_versions
from polyloop.serving.router import Router
from polyloop.spec.loader import LoadedSpec

Headers = dict[str, str]
BY_TEST: dict[str, Any] = {"actor": "test", "reason": "a try"}
WITH_ALL = Release(task="mood", champion="v2", previous="v1", canary="v3", canary_weight=0.1, shadow="v4", preload="v5")


@pytest.fixture
async def releasing(
    loaded: LoadedSpec, champions: dict[str, str], store: Store, handles: dict[str, SmallHandle]
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a router whose task mood has all roles: v2 answers, v1 did, v3 is canary, v4 shadow, v5 loads."""
    for digest in "bcdef":
        publish(store, "mood", digest=digest)
    promote(store, "mood", "v2", **BY_TEST)
    set_canary(store, "mood", "v3", 0.1, **BY_TEST)
    set_shadow(store, "mood", "v4", **BY_TEST)
    set_preload(store, "mood", "v5")
    beat(store, "mood-1", "mood", ["v1", "v2", "v3", "v4"], datetime.now(UTC) + LONG_ALIVE)
    service = Router(loaded, handles)
    async with client_of(service.app()) as client:
        yield client
    service.close()


async def ask(client: httpx.AsyncClient, headers: Headers, version: str, **others: Any) -> httpx.Response:
    body = {"input": "a day", "locale": "en", **others}
    return await client.post("/v1/tasks/mood", params={"version": version}, json=body, headers=headers)


def test_versions_that_replicas_hold_can_be_asked_for_and_no_others() -> None:
    assert held_versions(WITH_ALL) == ("v2", "v3", "v4", "v1")
    assert choose_asked(WITH_ALL, "v3") == Choice(version="v3", propensity=1.0, is_canary=True)
    assert choose_asked(WITH_ALL, "v4") == Choice(version="v4", propensity=1.0, is_canary=False)
    for version in ("v5", "v9", "", "V2"):
        assert choose_asked(WITH_ALL, version) is None


@pytest.mark.parametrize("version", ["v1", "v2", "v3", "v4"])
async def test_an_admin_gets_the_version_asked_for_with_a_propensity_of_one(
    releasing: httpx.AsyncClient, admin: Headers, store: Store, handles: dict[str, SmallHandle], version: str
) -> None:
    for user in ("ana", "bo", "cy"):
        answer = (await ask(releasing, admin, version, user=user)).json()
        assert answer["version"] == version
        claim = verify(answer["id"], project_signing_key(store))
        assert (claim.version, claim.propensity) == (version, 1.0)
    assert {call.version for call in handles["mood"].calls} == {version}


async def test_a_stream_comes_from_the_version_asked_for_too(releasing: httpx.AsyncClient, admin: Headers) -> None:
    headers = {**admin, "Accept": "text/event-stream"}
    response = await ask(releasing, headers, "v3")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text.count('"version":"v3"') == 2


@pytest.mark.parametrize("version", ["v2", "v3", "v4", ""])
async def test_without_admin_no_version_can_be_asked_for(
    releasing: httpx.AsyncClient, bearer: Headers, handles: dict[str, SmallHandle], version: str
) -> None:
    response = await ask(releasing, bearer, version)
    assert (response.status_code, response.json()["code"]) == (403, "missing_scope")
    assert handles["mood"].calls == []


@pytest.mark.parametrize("version", ["v5", "v6", "v9", ""])
async def test_a_version_that_is_not_held_is_a_404_that_names_those_that_are(
    releasing: httpx.AsyncClient, admin: Headers, handles: dict[str, SmallHandle], version: str
) -> None:
    response = await ask(releasing, admin, version)
    assert (response.status_code, response.json()["code"]) == (404, "version_not_served")
    assert "v2, v3, v4, v1" in response.json()["detail"]
    assert handles["mood"].calls == []


async def test_who_asks_for_no_version_is_drawn_as_before(releasing: httpx.AsyncClient, admin: Headers) -> None:
    async def one(number: int) -> str:
        body = {"input": "a day", "locale": "en", "user": f"user-{number}"}
        response = await releasing.post("/v1/tasks/mood", json=body, headers=admin)
        return str(response.json()["version"])

    versions = await asyncio.gather(*(one(number) for number in range(60)))
    assert set(versions) == {"v2", "v3"}
    assert versions.count("v3") < 20
