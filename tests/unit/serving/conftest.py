"""What tests of serving share: a project with its store, and clients of its two applications without Serve."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.projects import SmallHandle, publish

from polyloop.registry.keys import create_key
from polyloop.registry.releases import promote
from polyloop.registry.store import Store, open_store
from polyloop.serving.collector import Collector
from polyloop.serving.router import Router
from polyloop.spec.loader import LoadedSpec, load_spec


@pytest.fixture
def loaded(write_spec: Callable[[dict[str, Any]], Path], spec_data: dict[str, Any]) -> LoadedSpec:
    """The small spec, with small limits."""
    spec_data["serving"] = {"max_body_bytes": 1_000, "request_timeout_s": 2.0}
    return load_spec(write_spec(spec_data))


@pytest.fixture
def store(loaded: LoadedSpec) -> Iterator[Store]:
    """The store of that project."""
    opened = open_store(loaded.store_url)
    yield opened
    opened.close()


@pytest.fixture
def champions(store: Store) -> dict[str, str]:
    """A promoted version of each task."""
    names = {}
    for task in ("mood", "to-german"):
        names[task] = publish(store, task)
        promote(store, task, names[task], actor="test", reason="first")
    return names


@pytest.fixture
def bearer(store: Store) -> dict[str, str]:
    """The header of a key that may infer and give feedback."""
    return {"Authorization": f"Bearer {create_key(store, 'test', ['infer', 'feedback'])[1]}"}


@pytest.fixture
def admin(store: Store) -> dict[str, str]:
    """The header of a key that may do everything, named ana."""
    return {"Authorization": f"Bearer {create_key(store, 'ana', ['admin'])[1]}"}


@pytest.fixture
def handles() -> dict[str, SmallHandle]:
    """Handles of both tasks."""
    return {
        "mood": SmallHandle(output="good", scores={"good": 0.75, "bad": 0.25}),
        "to-german": SmallHandle(output="guten Morgen"),
    }


@pytest.fixture
async def router(
    loaded: LoadedSpec, champions: dict[str, str], handles: dict[str, SmallHandle]
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the router."""
    service = Router(loaded, handles)
    async with client_of(service.app()) as client:
        yield client
    service.close()


@pytest.fixture
async def collector(loaded: LoadedSpec) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the collector, mounted where Serve mounts it."""
    service = Collector(loaded)
    async with client_of(service.app(), root_path="/v1/feedback") as client:
        yield client
    service.close()


def client_of(app: Any, *, root_path: str = "") -> httpx.AsyncClient:
    """Return a client of an ASGI application; failures come as answers."""
    transport = httpx.ASGITransport(app, root_path=root_path, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://polyloop")
