"""Routers ask the replicas of their node over real sockets: the same answers, and none is lost when a replica goes."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.converted_models import converted_model
from tests.support.converted_project import TASK, long_call, write_converted_project

from polyloop.errors import RequestError
from polyloop.serving.calls import Call, CutOffError, Reply
from polyloop.serving.dispatch import dispatch, dispatch_stream
from polyloop.serving.nearby import channel as channel_module
from polyloop.serving.nearby import listener as listener_module
from polyloop.serving.nearby import nearby as nearby_module
from polyloop.serving.nearby.listener import Listener
from polyloop.serving.nearby.nearby import Nearby
from polyloop.serving.nearby.places import ENDING
from polyloop.serving.task_model import TaskModel

CALL = Call(version="v1", text="hello", locale="en", target_locale="de")
PATIENCE_S = 10.0
NEVER_ANSWERS = """
import asyncio, sys
from pathlib import Path
from polyloop.serving.nearby.listener import Listener

class Model:
    async def __call__(self, call):
        await asyncio.Event().wait()

    async def stream(self, call):
        yield "ne"
        await asyncio.Event().wait()

async def main():
    listener = Listener(Model(), Path(sys.argv[1]))
    await listener.open()
    await asyncio.Event().wait()

asyncio.run(main())
"""
"""A replica in a process of its own."""


class Model:
    """Answers with its name, when it is let; tells what it was asked."""

    def __init__(self, name: str = "near") -> None:
        self.name = name
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.calls: list[Call] = []
        self.left: list[Call] = []

    async def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.left.append(call)
            raise
        if call.text == "wrong":
            raise RequestError("too long", 422, "input_too_long")
        if call.text == "unforeseen":
            raise KeyError("a user's text")
        return Reply(output=self.name, scores=None, num_input_tokens=1, num_output_tokens=1)

    async def stream(self, call: Call) -> AsyncGenerator[str | Reply]:
        self.calls.append(call)
        try:
            yield "ne"
            await self.may_answer.wait()
            yield "ar"
            yield await self(call)
        except (asyncio.CancelledError, GeneratorExit):
            self.left.append(call)
            raise


class OverServe:
    """Stands in for the way over Serve, to replicas on other nodes."""

    alive = True

    def __init__(self) -> None:
        self.model = Model("far")

    async def reply(self, call: Call) -> Reply:
        return await self.model(call)

    def stream(self, call: Call) -> Any:
        return self.model.stream(call)

    def holds(self, _version: str) -> bool:
        return True

    def close(self) -> None: ...


class Node:
    """A node with a router and replicas, each of them with a real socket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.over_serve = OverServe()
        self.num_replicas = 0
        self.way = Nearby(self.over_serve, folder, lambda: self.num_replicas, most=3)
        self.listeners: list[Listener] = []

    async def replica(self, model: Any, name: str = "r1") -> Listener:
        one = Listener(model, self.folder / f"{name}{ENDING}")
        await one.open()
        self.num_replicas += 1
        self.listeners.append(one)
        return one

    async def until(self, outputs: set[str]) -> None:
        """Ask until the answers are by these."""
        async with asyncio.timeout(PATIENCE_S):
            while {(await self.way.reply(CALL)).output for _ in range(8)} != outputs:
                await asyncio.sleep(0.02)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.01)


@pytest.fixture
async def node(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Node]:
    monkeypatch.setattr(nearby_module, "LOOK_S", 0.02)
    one = Node(tmp_path_factory.mktemp("n"))
    yield one
    one.way.close()
    await asyncio.gather(*(listener.close() for listener in one.listeners))


async def asking(node: Node, count: int, **changes: Any) -> list[asyncio.Task[Reply]]:
    tasks = [asyncio.create_task(node.way.reply(replace(CALL, **changes))) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_calls_take_the_way_over_serve_until_a_replica_listens(node: Node):
    assert (await node.way.reply(CALL)).output == "far"
    await node.replica(Model())

    await node.until({"near"})

    assert node.way.alive
    assert [part async for part in node.way.stream(CALL)][:2] == ["ne", "ar"]


async def test_a_real_model_answers_as_if_it_had_been_asked_itself(node: Node, tmp_path: Path):
    made = converted_model("recipe-translate", tmp_path / "model")
    model = TaskModel(str(write_converted_project(made, tmp_path, batch_wait_ms=0)), TASK)
    call = long_call(made)
    try:
        await node.replica(model)
        await until(lambda: node.way.alive)
        async with asyncio.timeout(PATIENCE_S):
            while (reply := await node.way.reply(call)).output == "far":
                await asyncio.sleep(0.02)
        assert reply == await model(call)
        parts = [part async for part in dispatch_stream(node.way, call, task=TASK, timeout_s=30)]
        assert parts[-1] == reply
        assert "".join(map(str, parts[:-1])) == reply.output
        assert len(parts) > 4
        with pytest.raises(RequestError, match="takes at most") as refused:
            await dispatch(node.way, replace(call, text=call.text * 100), task=TASK, timeout_s=30)
        assert (refused.value.status, refused.value.code) == (422, "input_too_long")
    finally:
        model.close()


async def test_errors_reach_the_caller_and_quote_nothing(node: Node, caplog: pytest.LogCaptureFixture):
    await node.replica(Model())
    await node.until({"near"})

    with pytest.raises(RequestError, match="too long"):
        await node.way.reply(replace(CALL, text="wrong"))
    with pytest.raises(RequestError) as unforeseen:
        await node.way.reply(replace(CALL, text="unforeseen"))
    with pytest.raises(RequestError):
        _ = [part async for part in node.way.stream(replace(CALL, text="unforeseen"))]

    assert unforeseen.value.status == 500
    assert "a user's text" not in str(unforeseen.value) + caplog.text
    assert "KeyError" in caplog.text


async def test_who_is_cancelled_has_the_replica_leave_the_call(node: Node):
    model = Model()
    await node.replica(model)
    await node.until({"near"})
    model.may_answer.clear()

    (task,) = await asking(node, 1, text="left")
    await until(lambda: "left" in [call.text for call in model.calls])
    task.cancel()

    await until(lambda: [call.text for call in model.left] == ["left"])
    assert (await asyncio.gather(task, return_exceptions=True))[0].__class__ is asyncio.CancelledError


async def test_a_call_that_is_left_before_it_is_sent_leaves_nothing_behind(node: Node):
    model = Model()
    await node.replica(model)
    await node.until({"near"})

    (task,) = await asking(node, 1, text="left")
    task.cancel()  # so that the call and its end are read together
    await asyncio.gather(task, return_exceptions=True)

    assert (await node.way.reply(CALL)).output == "near"
    assert "left" not in [call.text for call in model.calls]


async def test_a_folder_that_has_been_tidied_away_is_no_failure(node: Node, caplog: pytest.LogCaptureFixture):
    await node.way.reply(CALL)
    node.folder.rmdir()
    await asyncio.sleep(0.1)
    node.folder.mkdir()
    await node.replica(Model())

    await node.until({"near"})

    assert node.way.alive
    assert caplog.text == ""


async def test_that_a_replica_is_out_of_reach_is_told_once(node: Node, caplog: pytest.LogCaptureFixture):
    async def fail(_: Path) -> None:
        raise OSError(24, "Too many open files")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(channel_module.Channel, "to", fail)
        await node.replica(Model())
        assert (await node.way.reply(CALL)).output == "far"
        await asyncio.sleep(0.2)
        assert caplog.text.count("Too many open files") == 1

    await node.until({"near"})


async def test_who_leaves_a_stream_has_the_replica_stop_it(node: Node):
    model = Model()
    await node.replica(model)
    await node.until({"near"})
    model.may_answer.clear()

    async with aclosing(dispatch_stream(node.way, CALL, task="mood", timeout_s=PATIENCE_S)) as parts:
        assert await anext(parts) == "ne"

    await until(lambda: len(model.left) == 1)


async def test_a_replica_that_leaves_answers_what_it_has_and_gets_no_more(node: Node):
    model = Model()
    leaving = await node.replica(model)
    await node.until({"near"})
    model.may_answer.clear()
    tasks = await asking(node, 3)
    await until(lambda: sum(call.text == "hello" for call in model.calls) >= 3)

    closing = asyncio.create_task(leaving.close())
    async with asyncio.timeout(PATIENCE_S):
        while (await node.way.reply(replace(CALL, text="later"))).output != "far":
            await asyncio.sleep(0.01)
    assert not closing.done()
    model.may_answer.set()

    assert {(await task).output for task in tasks} == {"near"}
    await asyncio.wait_for(closing, PATIENCE_S)
    assert list(node.folder.iterdir()) == []


async def test_a_call_that_comes_while_a_replica_takes_leave_is_answered(node: Node):
    model = Model()
    leaving = await node.replica(model)
    await node.until({"near"})
    model.may_answer.clear()

    closing = asyncio.create_task(leaving.close())
    (task,) = await asking(node, 1)  # sent before the router can have heard that the replica leaves
    await until(lambda: node.folder.joinpath(f"r1{ENDING}").exists() is False)
    model.may_answer.set()

    assert (await asyncio.wait_for(task, PATIENCE_S)).output in ("near", "far")
    await asyncio.wait_for(closing, PATIENCE_S)


async def test_a_router_that_does_not_let_go_holds_no_replica_up(node: Node, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(listener_module, "DRAIN_S", 0.1)
    model = Model()
    leaving = await node.replica(model)
    await node.until({"near"})
    model.may_answer.clear()
    (task,) = await asking(node, 1)
    await until(lambda: len(model.calls) > 1)

    await asyncio.wait_for(leaving.close(), PATIENCE_S)

    with pytest.raises(CutOffError):
        await task


async def test_the_calls_of_a_killed_replica_are_answered_by_another(node: Node):
    place = node.folder / f"killed{ENDING}"
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", NEVER_ANSWERS, str(place))
    await until(place.exists)
    with suppress(TimeoutError):
        while await asyncio.wait_for(node.way.reply(CALL), 0.2):
            await asyncio.sleep(0.02)
    num_far = len(node.over_serve.model.calls)
    task = asyncio.create_task(dispatch(node.way, CALL, task="mood", timeout_s=PATIENCE_S))
    stream = dispatch_stream(node.way, CALL, task="mood", timeout_s=PATIENCE_S)
    first = await anext(stream)
    assert len(node.over_serve.model.calls) == num_far

    killed.kill()

    assert (await task).output == "far"
    rest = [part async for part in stream]
    assert "".join(map(str, [first, *rest[:-1]])) == "near"
    await until(lambda: not place.exists())
    await killed.wait()


async def test_a_replica_of_another_form_is_not_asked(node: Node, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(channel_module, "WIRE", "another")
    model = Model()
    await node.replica(model)

    for _ in range(10):
        assert (await node.way.reply(CALL)).output == "far"
        await asyncio.sleep(0.02)

    assert model.calls == []


async def test_what_speaks_otherwise_is_cut_off_and_others_are_answered(node: Node):
    await node.replica(Model())
    await node.until({"near"})

    reader, writer = await asyncio.open_unix_connection(str(node.folder / f"r1{ENDING}"))
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    await asyncio.wait_for(reader.read(), PATIENCE_S)
    writer.close()

    assert (await node.way.reply(CALL)).output == "near"


async def test_the_replica_with_the_fewest_calls_is_asked(node: Node):
    models = [Model("a"), Model("b")]
    for model in models:
        await node.replica(model, model.name)
    await node.until({"a", "b"})
    for model in models:
        model.may_answer.clear()
        model.calls.clear()

    tasks = await asking(node, 4)
    await until(lambda: sum(len(model.calls) for model in models) == 4)

    assert [len(model.calls) for model in models] == [2, 2]
    for model in models:
        model.may_answer.set()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize(("elsewhere", "near", "far"), [(0, 3, 2), (1, 3, 2), (4, 1, 4)])
async def test_replicas_of_other_nodes_have_their_share(node: Node, elsewhere: int, near: int, far: int):
    """With none elsewhere, what is more than a replica may have waits at Serve; otherwise calls are spread."""
    model = Model()
    await node.replica(model)
    await node.until({"near"})
    node.num_replicas = 1 + elsewhere
    for one in (model, node.over_serve.model):
        one.may_answer.clear()
        one.calls.clear()

    tasks = await asking(node, 5)
    await until(lambda: len(model.calls) + len(node.over_serve.model.calls) == 5)

    assert (len(model.calls), len(node.over_serve.model.calls)) == (near, far)
    for one in (model, node.over_serve.model):
        one.may_answer.set()
    await asyncio.gather(*tasks)
