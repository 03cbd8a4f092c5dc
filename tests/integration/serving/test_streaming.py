"""A replica under Serve gives a text piece by piece, and stops writing when its caller leaves.

Needs Ray: the handle, its cancellation and the way that parts travel are Serve's own. The same holds over a socket of
the node, whose place both sides find out from Ray.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from ray import serve
from ray.serve.handle import DeploymentHandle
from tests.support.converted_models import ConvertedModel, converted_model
from tests.support.converted_project import TASK, long_call, write_converted_project

from polyloop.errors import RequestError
from polyloop.serving import bundler
from polyloop.serving.bundler import Bundler
from polyloop.serving.calls import Call, CutOffError, Reply, Way
from polyloop.serving.dispatch import dispatch, dispatch_stream
from polyloop.serving.nearby.nearby import Nearby
from polyloop.serving.nearby.places import socket_folder
from polyloop.serving.task_replica import TaskReplica

Ask = Callable[..., list[Any]]
"""Calls a method of the caller with each of some calls, side by side."""


class Nobody:
    """A way to no replica at all."""

    async def reply(self, _call: Call) -> Reply:
        """Raise what is raised where a replica is gone."""
        raise CutOffError


@serve.deployment(num_replicas=1, ray_actor_options={"num_cpus": 0.1})
class Caller:
    """Calls the task from inside of Serve, as the router does: over Serve, or over sockets and never over Serve."""

    def __init__(self, task: DeploymentHandle[Any], spec: str, over: str) -> None:
        bundler.FAST_S = math.inf  # so that calls share hops, however slow the machine is
        nobody: Any = Nobody()
        self._way: Way = (
            Bundler(task)
            if over == "serve"
            else Nearby(nobody, socket_folder(spec, TASK), num_replicas=lambda: 1, most=64)
        )

    async def whole(self, call: Call) -> Reply:
        """Return the reply."""
        return await dispatch(self._way, call, task=TASK, timeout_s=60)

    async def several(self, calls: Sequence[Call]) -> list[Reply | BaseException]:
        """Return the replies to calls of the same moment."""
        asked = (dispatch(self._way, call, task=TASK, timeout_s=60) for call in calls)
        return await asyncio.gather(*asked, return_exceptions=True)

    async def parts(self, call: Call) -> list[str | Reply]:
        """Return all parts of a stream."""
        return [part async for part in dispatch_stream(self._way, call, task=TASK, timeout_s=60)]

    async def leave(self, call: Call) -> str | Reply:
        """Return the first part of a stream, and leave it."""
        stream = dispatch_stream(self._way, call, task=TASK, timeout_s=60)
        first = await anext(stream)
        await stream.aclose()
        return first


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ConvertedModel:
    return converted_model("recipe-translate", tmp_path_factory.mktemp("recipe"))


@pytest.fixture(scope="module")
def call(model: ConvertedModel) -> Call:
    return long_call(model)


@pytest.fixture(scope="module", params=["serve", "sockets"])
def caller(
    request: pytest.FixtureRequest,
    ray_cluster: None,
    model: ConvertedModel,
    call: Call,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Ask]:
    """A caller of a task with one version and room for one stream."""
    spec = write_converted_project(model, tmp_path_factory.mktemp("streaming"), max_streams=1)
    task = serve.deployment(name="task-numbers", num_replicas=1, ray_actor_options={"num_cpus": 0.1})(TaskReplica)
    application = Caller.bind(task.bind(str(spec), TASK), str(spec), request.param)  # type: ignore[attr-defined]
    handle: Any = serve.run(application, name="streaming", route_prefix=None)

    async def asked(method: str, calls: Sequence[Call]) -> list[Any]:
        return await asyncio.gather(*(getattr(handle, method).remote(call) for call in calls))

    # In throughput mode a handle belongs to the event loop that it is first used in.
    with asyncio.Runner() as runner:
        runner.run(asked("whole", [call]))  # tried again until the socket is found, so that streams find it as well
        yield lambda method, *calls: runner.run(asked(method, calls))
        runner.run(serve.shutdown_async())


def test_calls_that_share_a_hop_have_their_own_replies_and_errors(caller: Ask, call: Call) -> None:
    short, too_long = replace(call, text=call.text.split()[0]), replace(call, text=call.text * 100)
    alone = [caller("whole", one)[0] for one in (call, short)]
    first, refused, second = caller("several", [call, too_long, short])[0]
    assert [first, second] == alone
    assert isinstance(refused, RequestError)
    assert refused.code == "input_too_long"


def test_the_pieces_are_those_of_the_whole_answer(caller: Ask, call: Call) -> None:
    whole = caller("whole", call)[0]
    *pieces, last = caller("parts", call)[0]
    assert last == whole
    assert len(pieces) > 3
    assert "".join(pieces) == whole.output


def test_a_refusal_reaches_the_caller_with_its_code(caller: Ask, call: Call) -> None:
    too_long = replace(call, text="one " * 100)
    with pytest.raises(RequestError, match="takes at most 32") as caught:
        caller("parts", too_long)[0]
    assert (caught.value.status, caught.value.code) == (422, "input_too_long")


def test_a_stream_that_is_left_stops_and_makes_room_for_the_next(caller: Ask, call: Call) -> None:
    assert isinstance(caller("leave", call)[0], str)
    deadline = time.monotonic() + 60
    while len(caller("parts", call)[0]) == 2:
        assert time.monotonic() < deadline, "the slot of the stream that was left is still taken"
        time.sleep(0.1)


def test_streams_that_find_no_slot_come_in_one_piece_and_all_are_the_same_text(caller: Ask, call: Call) -> None:
    found = caller("parts", *[call] * 4)
    assert len({parts[-1].output for parts in found}) == 1
    assert all("".join(parts[:-1]) == parts[-1].output for parts in found)
