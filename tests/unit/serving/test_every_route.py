"""A walk over all routes of both applications: the scope that each needs, who is refused, and how failures look."""

from collections.abc import AsyncIterator, Mapping

import httpx
import pytest
from starlette.routing import Route
from tests.support.projects import SmallHandle
from tests.unit.serving.conftest import client_of
from tests.unit.serving.test_openapi import MODELS, OPEN

from polyloop.registry.keys import SCOPES, create_key, revoke_key
from polyloop.registry.store import Store
from polyloop.serving.collector import Collector
from polyloop.serving.problems import PROBLEM_MEDIA_TYPE
from polyloop.serving.router import Router
from polyloop.spec.loader import LoadedSpec

SCOPE: Mapping[tuple[str, str], str] = {
    ("POST", "/v1/tasks/{task}"): "infer",
    ("POST", "/v1/tasks/{task}:batch"): "infer",
    ("GET", "/v1/tasks"): "infer",
    ("GET", "/v1/models"): "infer",
    ("GET", "/v1/models/{model}"): "infer",
    ("POST", "/v1/chat/completions"): "infer",
    ("POST", "/v1/completions"): "infer",
    ("GET", "/v2"): "infer",
    **{("GET", f"{model}{verb}"): "infer" for model in MODELS for verb in ("", "/ready")},
    **{("POST", f"{model}/infer"): "infer" for model in MODELS},
    ("POST", "/v1/feedback"): "feedback",
    ("GET", "/v1/releases"): "infer",
    ("GET", "/v1/releases/{task}"): "admin",
    ("POST", "/v1/releases/{task}"): "admin",
    ("GET", "/v1/status"): "infer",
}
"""The scope that each route needs; a route that is in none of this, `ANY_KEY` and `OPEN` fails the first test."""
ANY_KEY = {("GET", "/v1/key")}
"""Routes for whoever has a key, whatever it may do."""
OTHER_SHAPES = ("/v1/chat/completions", "/v1/completions", "/v2")
"""Protocols that others define have error bodies of their own."""
COLLECTOR = "/v1/feedback"
Walk = dict[tuple[str, str], httpx.AsyncClient]


@pytest.fixture
async def walk(loaded: LoadedSpec, champions: dict[str, str], handles: dict[str, SmallHandle]) -> AsyncIterator[Walk]:
    """Each method and route of both applications that is not open to all, with a client of its application."""
    router, collector = Router(loaded, handles), Collector(loaded)
    found: Walk = {}
    async with client_of(router.app()) as at_router, client_of(collector.app(), root_path=COLLECTOR) as at_collector:
        for client, prefix in ((at_router, ""), (at_collector, COLLECTOR)):
            for route in client._transport.app.routes:  # type: ignore[attr-defined]
                path = f"{prefix}{route.path}".rstrip("/") if prefix else route.path
                assert isinstance(route, Route) or path.startswith("/static-offline-docs"), path
                if isinstance(route, Route) and path not in OPEN:
                    found |= {(method, path): client for method in (route.methods or set()) - {"HEAD"}}
        yield found
    router.close()
    collector.close()


async def ask(client: httpx.AsyncClient, method: str, path: str, key: str | None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return await client.request(method, path.format(task="mood", model="mood", version="v1"), json={}, headers=headers)


async def test_every_route_is_open_on_purpose_or_needs_a_scope(walk: Walk) -> None:
    assert set(walk) == set(SCOPE) | ANY_KEY


async def test_without_a_key_or_with_a_revoked_one_every_route_is_a_401(walk: Walk, store: Store) -> None:
    info, revoked = create_key(store, "gone", ["admin"])
    revoke_key(store, info.key_id)
    for (method, path), client in walk.items():
        for key in (None, revoked, "plk_00000000_" + "a" * 43, "nonsense"):
            answer = await ask(client, method, path, key)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), (method, path)


async def test_every_scope_but_the_routes_own_is_a_403(walk: Walk, store: Store) -> None:
    keys = {scope: create_key(store, scope, [scope])[1] for scope in SCOPES}
    for (method, path), client in walk.items():
        for scope, key in keys.items():
            status = (await ask(client, method, path, key)).status_code
            is_let_in = (method, path) in ANY_KEY or scope in (SCOPE[method, path], "admin")
            assert (status == 403) != is_let_in, (method, path, scope)
            assert status not in (401, 500), (method, path, scope)


async def test_every_failure_is_a_problem_or_has_its_protocols_shape(walk: Walk, store: Store) -> None:
    bearer = {"Authorization": f"Bearer {create_key(store, 'all', ['admin'])[1]}"}
    clients = {path: client for (_, path), client in walk.items()}
    tried = 0
    for path, client in clients.items():
        for method, url in (("DELETE", path), ("TRACE", path), ("GET", f"{path}/nowhere"), ("POST", path)):
            answer = await client.request(
                method, url.format(task="nothing", model="nothing", version="v9"), content=b"{", headers=bearer
            )
            if answer.status_code < 400:
                continue
            tried += 1
            media_type = "application/json" if path.startswith(OTHER_SHAPES) else PROBLEM_MEDIA_TYPE
            assert answer.headers["content-type"] == media_type, (method, url)
            assert answer.status_code in (400, 404, 405), (method, url, answer.text)
            assert ("allow" in answer.headers) == (answer.status_code == 405), (method, url)
    assert tried > 3 * len(clients)


async def test_any_media_type_is_taken_for_json_so_that_none_is_a_415(
    router: httpx.AsyncClient, bearer: dict[str, str]
) -> None:
    for media_type in ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        headers = {**bearer, "Content-Type": media_type}
        answer = await router.post("/v1/tasks/mood", content=b'{"input": "a"}', headers=headers)
        assert answer.status_code == 200, media_type
    refused = await router.post("/v1/tasks/mood", content=b"x" * 2_000, headers=bearer)
    assert (refused.status_code, refused.headers["content-type"]) == (413, PROBLEM_MEDIA_TYPE)
