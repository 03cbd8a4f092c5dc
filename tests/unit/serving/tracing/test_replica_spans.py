"""A real replica goes on from the router's spans: waiting, the call of the model, and streams."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.converted_models import converted_model
from tests.support.converted_project import TASK, long_call, write_converted_project
from tests.support.memory_spans import MemorySpans, is_child, told
from tests.support.projects import SmallResponse, SmallStream, SmallStreaming, one_by_one
from tests.unit.serving.conftest import client_of

from polyloop.registry.keys import create_key
from polyloop.registry.store import open_store
from polyloop.serving.calls import Call, Reply
from polyloop.serving.observing import replica as replica_module
from polyloop.serving.router import Router
from polyloop.serving.task_model import TaskModel
from polyloop.spec.loader import load_spec


class ReplicaHandle:
    """A handle whose replica is in this process; a call has a context of its own, as under Serve."""

    def __init__(self, replica: TaskModel) -> None:
        self._replica = replica
        self.calls: list[Call] = []

    def remote(self, call: Call) -> Any:
        """Take a call."""
        self.calls.append(call)
        return SmallResponse(lambda: asyncio.create_task(self._replica(call)))

    def options(self, *, method_name: str, stream: bool) -> Any:
        """Return the handle that streams, or that takes several calls."""
        if method_name == "each":
            return one_by_one(self)
        return SmallStreaming(self._parts, list[SmallStream]())

    async def _parts(self, call: Call) -> AsyncGenerator[str | Reply]:
        async for part in self._replica.stream(call):
            yield part


@pytest.fixture
def spans() -> MemorySpans:
    return MemorySpans()


@pytest.fixture
async def site(
    tmp_path: Path, spans: MemorySpans, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[httpx.AsyncClient, dict[str, Any]]]:
    """A client of a project with one translate task, its replica in this process, and a body that it answers."""
    model = converted_model("recipe-translate", tmp_path / "model")
    spec = write_converted_project(model, tmp_path, batch_wait_ms=50)
    replica_tracing = spans.tracing(f"task-{TASK}")
    monkeypatch.setattr(replica_module, "open_tracing", lambda *_: replica_tracing)
    replica = TaskModel(str(spec), TASK)
    loaded = load_spec(spec)
    store = open_store(loaded.store_url)
    bearer = {"Authorization": f"Bearer {create_key(store, 'test', ['infer'])[1]}"}
    store.close()
    service = Router(loaded, {TASK: ReplicaHandle(replica)}, tracing=spans.tracing("router"))
    call = long_call(model)
    await replica.each([call, call])  # so that company is waited for
    body = {"input": call.text, "locale": call.locale, "target_locale": call.target_locale}
    async with client_of(service.app()) as client:
        client.headers.update(bearer)
        yield client, body
    service.close()
    replica.close()


async def test_a_trace_goes_through_router_replica_queue_and_model(
    site: tuple[httpx.AsyncClient, dict[str, Any]], spans: MemorySpans
) -> None:
    client, body = site
    answer = await client.post(f"/v1/tasks/{TASK}", json=body)
    assert answer.status_code == 200, answer.text
    replied, queue, model = spans.one("answer"), spans.one("queue"), spans.one("model")
    assert is_child(replied, spans.one("call"))
    assert is_child(queue, replied)
    assert is_child(model, replied)
    assert told(replied) == {"task": TASK, "version": "v1", "locale": body["locale"], "is_streamed": False}
    assert told(model) == {"version": "v1", "batch_rows": 1}
    assert replied.start_time is not None
    assert queue.start_time is not None
    assert queue.end_time == pytest.approx(model.start_time, abs=1_000_000)
    assert replied.start_time - 1_000_000 <= queue.start_time
    assert (queue.end_time or 0) - queue.start_time > 40_000_000  # it waited 50 ms for company
    assert replied.resource.attributes["polyloop.deployment"] == f"task-{TASK}"
    assert spans.one("inference").resource.attributes["polyloop.deployment"] == "router"
    assert replied.resource.attributes["service.name"] == "polyloop"


async def test_requests_that_share_a_call_are_linked_to_it(
    site: tuple[httpx.AsyncClient, dict[str, Any]], spans: MemorySpans
) -> None:
    client, body = site
    await client.post(f"/v1/tasks/{TASK}", json=body)  # the key is known from now on, so the next come together
    before = {span.context.span_id for span in spans.all()}
    answers = await asyncio.gather(*(client.post(f"/v1/tasks/{TASK}", json=body) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    (model,) = [span for span in spans.named("model") if span.context.span_id not in before]
    replied = [span for span in spans.named("answer") if span.context.span_id not in before]
    queued = [span for span in spans.named("queue") if span.context.span_id not in before]
    assert told(model)["batch_rows"] == 4
    assert {link.context.span_id for link in model.links} == {span.context.span_id for span in replied}
    assert len({span.context.trace_id for span in replied}) == 4
    assert [[link.context.span_id for link in span.links] for span in queued] == [[model.context.span_id]] * 4


async def test_a_stream_in_pieces_is_one_span_of_the_model(
    site: tuple[httpx.AsyncClient, dict[str, Any]], spans: MemorySpans
) -> None:
    client, body = site
    answer = await client.post(f"/v1/tasks/{TASK}", json=body, headers={"Accept": "text/event-stream"})
    assert "event: answer" in answer.text
    replied = spans.one("answer")
    assert told(replied)["is_streamed"] is True
    assert is_child(replied, spans.one("call"))
    assert is_child(spans.one("model"), replied)
    assert spans.named("queue") == []
