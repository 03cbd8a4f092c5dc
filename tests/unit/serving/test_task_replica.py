"""What Serve runs for a task: a model that Serve and routers of its node can ask, and that takes leave in order."""

import asyncio
import logging
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import ray
from tests.support.converted_models import ConvertedModel, converted_model
from tests.support.converted_project import TASK, long_call, write_converted_project

from polyloop.errors import ClusterError
from polyloop.registry.columns import utc_now
from polyloop.registry.presence import PRESENCE_TTL_S, live_replicas
from polyloop.registry.store import open_store
from polyloop.serving.nearby.channel import Channel
from polyloop.serving.nearby.places import ENDING, socket_folder
from polyloop.serving.scaling import CALLS
from polyloop.serving.task_replica import TaskReplica
from polyloop.spec.loader import load_spec

PATIENCE_S = 10.0


class Replica(TaskReplica):
    """A replica that is stopped by hand: Serve awaits `__del__`, which the interpreter alone would only begin."""

    def __del__(self) -> None:  # type: ignore[override]
        """Leave it to `stop`."""

    async def stop(self) -> None:
        """Take leave as Serve has it do."""
        await TaskReplica.__del__(self)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ConvertedModel:
    return converted_model("recipe-translate", tmp_path_factory.mktemp("recipe"))


@pytest.fixture(autouse=True)
def node(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node of Ray's, and its folder for temporary files."""

    class Context:
        def get_node_id(self) -> str:
            return "n1"

    monkeypatch.setattr(ray, "get_runtime_context", Context)
    folder = tmp_path_factory.mktemp("t")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def spec(model: ConvertedModel, tmp_path: Path) -> Path:
    return write_converted_project(model, tmp_path, batch_wait_ms=200)


@pytest.fixture
async def replica(spec: Path) -> AsyncIterator[Replica]:
    one = Replica(str(spec), TASK)
    yield one
    await one.stop()


async def sockets(spec: Path) -> list[Path]:
    """Return the sockets of the node's replicas, once there are any."""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := list(socket_folder(str(spec), TASK).glob(f"*{ENDING}"))):
            await asyncio.sleep(0.02)
    return found


async def asked(path: Path, call: Any) -> Any:
    channel = await Channel.to(path)
    async with asyncio.timeout(PATIENCE_S):
        while not channel.is_usable:
            await asyncio.sleep(0.01)
    try:
        return await channel.reply(call)
    finally:
        channel.close()


async def test_serve_and_routers_of_the_node_get_the_same_answers(replica: Replica, spec: Path, model: ConvertedModel):
    call = long_call(model)
    (socket,) = await sockets(spec)

    whole = await replica(call)

    assert await asked(socket, call) == whole
    assert await replica.each([call, call]) == [whole, whole]
    assert [part async for part in replica.stream(call)][-1] == whole


async def test_calls_of_both_ways_are_told_for_autoscaling(replica: Replica, spec: Path, model: ConvertedModel):
    call = long_call(model)
    (socket,) = await sockets(spec)
    await replica.each([call, call])  # so that company is waited for

    asking = asyncio.gather(asked(socket, call), replica(call))
    async with asyncio.timeout(PATIENCE_S):
        while replica.record_autoscaling_stats() != {CALLS: 2.0}:
            await asyncio.sleep(0.005)
    await asking

    assert replica.record_autoscaling_stats() == {CALLS: 0.0}


async def test_one_that_takes_leave_is_found_no_more(spec: Path):
    one = Replica(str(spec), TASK)
    await sockets(spec)
    one.check_health()

    await one.stop()

    assert list(socket_folder(str(spec), TASK).iterdir()) == []
    store = open_store(load_spec(spec).store_url)
    assert live_replicas(store, TASK, now=utc_now(), ttl_s=PRESENCE_TTL_S) == ()
    store.close()
    with pytest.raises(ClusterError, match="no longer follows"):
        one.check_health()


async def test_where_there_can_be_no_socket_serve_alone_asks(
    node: Path, spec: Path, model: ConvertedModel, caplog: pytest.LogCaptureFixture
):
    base = node / f"polyloop-{os.getuid()}"
    base.mkdir()
    base.chmod(0o755)
    with caplog.at_level(logging.WARNING):
        one = Replica(str(spec), TASK)
        reply = await one(long_call(model))
        await one.stop()

    assert reply.output
    assert "routers of this node ask over Serve" in caplog.text
    assert list(base.iterdir()) == []
