"""The document of the API is whole, its references resolve, and all routes but health, docs and console want a key."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.routing import Route
from tests.support.projects import SmallHandle
from tests.unit.serving.conftest import client_of

from polyloop.console.pages import FILES
from polyloop.serving.collector import Collector
from polyloop.serving.router import Router
from polyloop.spec.loader import LoadedSpec

HEALTH = {"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"}
OPEN = {*HEALTH, "/docs", "/docs/oauth2-redirect", "/openapi.json", *FILES}
MODELS = ("/v2/models/{task}", "/v2/models/{task}/versions/{version}")


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


@pytest.fixture
async def document(router: httpx.AsyncClient) -> Any:
    return (await router.get("/openapi.json")).json()


async def test_every_route_of_the_contract_is_described(document: Any) -> None:
    operations = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert operations == {
        ("/v1/tasks/{task}", "post"),
        ("/v1/tasks/{task}:batch", "post"),
        ("/v1/feedback", "post"),
        ("/v1/tasks", "get"),
        ("/v1/models", "get"),
        ("/v1/models/{model}", "get"),
        ("/v1/chat/completions", "post"),
        ("/v1/completions", "post"),
        ("/v1/releases", "get"),
        ("/v1/releases/{task}", "get"),
        ("/v1/releases/{task}", "post"),
        ("/v1/status", "get"),
        ("/v1/key", "get"),
        ("/v2", "get"),
        *((f"{model}{verb}", "get") for model in MODELS for verb in ("", "/ready")),
        *((f"{model}/infer", "post") for model in MODELS),
        *((path, "get") for path in HEALTH),
    }


async def test_every_reference_resolves(document: Any) -> None:
    found = set(references(document))
    assert {"#/components/schemas/ClassifyRequest", "#/components/schemas/FeedbackRequest"} <= found
    for reference in found:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in node, reference
            node = node[part]


async def test_links_lead_from_answers_to_operations_that_are_there(document: Any) -> None:
    operations = {one["operationId"]: one for methods in document["paths"].values() for one in methods.values()}
    links = [
        link
        for operation in operations.values()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert sorted(link["operationId"] for link in links) == ["answer_task", "give_feedback", "show_model"]
    for link in links:
        target = operations[link["operationId"]]
        assert set(link.get("parameters", {})) <= {parameter["name"] for parameter in target.get("parameters", [])}


async def test_every_path_with_a_task_names_the_tasks_that_there_are(document: Any) -> None:
    found = [
        parameter["schema"]["enum"]
        for methods in document["paths"].values()
        for operation in methods.values()
        for parameter in operation.get("parameters", [])
        if parameter["name"] == "task"
    ]
    assert len(found) == 10
    assert all(tasks == ["mood", "to-german"] for tasks in found)


async def test_the_bodies_of_all_kinds_are_described(document: Any) -> None:
    names = {"ChatCompletionRequest", "ChatCompletionChunk", "InferenceRequest", "InferenceResponse", "OpenAIError"}
    names |= {"ClassifyRequest", "ClassifyAnswer", "TranslateRequest", "TranslateAnswer", "FeedbackReceipt", "Problem"}
    names |= {"ReleaseChange", "Promotion", "Rollback", "CanaryChange", "ShadowChange", "ReleaseDetail", "Status"}
    assert names <= document["components"]["schemas"].keys()
    assert json.loads(json.dumps(document)) == document


async def test_every_keyed_route_is_described_as_such(document: Any) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert ("security" in operation) == (path not in OPEN), path
    assert document["components"]["securitySchemes"]["api_key"]["scheme"] == "bearer"


async def test_the_page_of_the_documentation_needs_no_other_host(router: httpx.AsyncClient) -> None:
    page = await router.get("/docs")
    assert page.status_code == 200
    assert re.findall(r"""(?:src|href)=["']https?://[^"']*""", page.text) == []
    local = re.findall(r"""(?:src|href)=["'](/[^"']*)""", page.text)
    assert len(local) >= 3
    for path in local:
        assert (await router.get(path)).status_code == 200, path


def code_of(body: Any) -> str:
    """Return our code for a missing key in a body of any protocol."""
    code = body["code"] if "code" in body else body["error"]["code"]
    return "missing_key" if code == "invalid_api_key" else str(code)


async def test_every_route_but_health_documentation_and_console_refuses_a_missing_key(
    loaded: LoadedSpec, champions: dict[str, str], handles: dict[str, SmallHandle]
) -> None:
    services = Router(loaded, handles), Collector(loaded)
    refused = set()
    for service in services:
        app = service.app()
        async with client_of(app) as client:
            for route in app.routes:
                if not isinstance(route, Route) or route.path in OPEN:
                    continue
                for method in (route.methods or set()) - {"HEAD"}:
                    response = await client.request(
                        method, route.path.format(task="mood", model="mood", version="v1"), json={}
                    )
                    assert (response.status_code, code_of(response.json())) == (401, "missing_key"), route.path
                    refused.add((method, route.path))
        service.close()
    assert refused == {
        ("POST", "/v1/tasks/{task}"),
        ("POST", "/v1/tasks/{task}:batch"),
        ("GET", "/v1/tasks"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/{model}"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/completions"),
        ("GET", "/v1/releases"),
        ("GET", "/v1/releases/{task}"),
        ("POST", "/v1/releases/{task}"),
        ("GET", "/v1/status"),
        ("GET", "/v1/key"),
        ("GET", "/v2"),
        *(("GET", f"{model}{verb}") for model in MODELS for verb in ("", "/ready")),
        *(("POST", f"{model}/infer") for model in MODELS),
        ("POST", "/"),
    }
