"""A replica answers with its versions' own engines, whole or in pieces, beside each other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.converted_models import ConvertedModel, converted_model
from tests.support.converted_project import TASK, long_call, write_converted_project

from polyloop.errors import RequestError
from polyloop.serving.calls import Call, Reply
from polyloop.serving.task_model import TaskModel


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ConvertedModel:
    return converted_model("recipe-translate", tmp_path_factory.mktemp("recipe"))


@pytest.fixture(scope="module")
def call(model: ConvertedModel) -> Call:
    return long_call(model)


@pytest.fixture
async def serve(model: ConvertedModel, tmp_path: Path) -> AsyncIterator[Callable[..., TaskModel]]:
    """Return a function that starts a replica of a task with one version; settings are the spec's serving."""
    replicas: list[TaskModel] = []

    def start(**serving: Any) -> TaskModel:
        spec = write_converted_project(model, tmp_path, **{"batch_wait_ms": 0, **serving})
        replicas.append(TaskModel(str(spec), TASK))
        return replicas[-1]

    yield start
    for replica in replicas:
        replica.close()


async def parts_of(replica: TaskModel, call: Call) -> list[str | Reply]:
    return [part async for part in replica.stream(call)]


async def test_a_stream_is_the_pieces_of_the_whole_answer(serve: Callable[..., TaskModel], call: Call) -> None:
    replica = serve()
    whole = await replica(call)
    *pieces, last = await parts_of(replica, call)
    assert last == whole
    assert len(pieces) > 3
    assert "".join(map(str, pieces)) == whole.output


@pytest.mark.parametrize("serving", [{"engine": "pytorch"}, {"max_streams": 0}])
async def test_where_nothing_can_be_streamed_the_answer_comes_in_one_piece(
    serve: Callable[..., TaskModel], call: Call, serving: dict[str, Any]
) -> None:
    replica = serve(**serving)
    whole = await replica(call)
    assert await parts_of(replica, call) == [whole.output, whole]


async def test_more_streams_than_may_be_at_once_come_in_one_piece_and_none_waits(
    serve: Callable[..., TaskModel],
    call: Call,
) -> None:
    replica = serve(max_streams=1)
    first = replica.stream(call)
    piece = await anext(first)
    whole = await replica(call)
    assert await parts_of(replica, call) == [whole.output, whole]
    *pieces, last = [part async for part in first]
    assert ("".join([str(piece), *map(str, pieces)]), last) == (whole.output, whole)


async def test_a_stream_that_is_left_makes_room_for_another(serve: Callable[..., TaskModel], call: Call) -> None:
    replica = serve(max_streams=1)
    first = replica.stream(call)
    await anext(first)
    await first.aclose()
    async with asyncio.timeout(30):
        while len(await parts_of(replica, call)) == 2:
            await asyncio.sleep(0.01)


async def test_streams_and_batches_answer_alike_side_by_side(serve: Callable[..., TaskModel], call: Call) -> None:
    replica = serve()
    calls = [replace(call, text=text) for text in ("one", "two three", "four five six", "seven", "eight", "nine")]
    wanted = [await replica(one) for one in calls]
    streamed, whole = await asyncio.gather(
        asyncio.gather(*(parts_of(replica, one) for one in calls)),
        asyncio.gather(*(replica(one) for one in calls)),
    )
    assert whole == wanted
    assert [parts[-1] for parts in streamed] == wanted


async def test_an_input_that_is_too_long_is_refused_before_the_first_piece(
    serve: Callable[..., TaskModel], call: Call
) -> None:
    replica = serve()
    for _ in range(6):
        with pytest.raises(RequestError, match="takes at most 32"):
            await parts_of(replica, replace(call, text="one " * 100))


async def test_several_calls_are_answered_side_by_side_and_errors_stand_in_their_places(
    serve: Callable[..., TaskModel], call: Call
) -> None:
    replica = serve()
    too_long = replace(call, text=call.text * 100)
    alone = await replica(call)
    first, refused, last = await replica.each([call, too_long, call])
    assert (first, last) == (alone, alone)
    assert isinstance(refused, RequestError)
    assert refused.code == "input_too_long"


async def test_what_a_replica_has_in_hand_is_told_for_autoscaling(serve: Callable[..., TaskModel], call: Call) -> None:
    replica = serve(batch_wait_ms=200)
    await replica.each([call, call])  # so that company is waited for
    asking = asyncio.create_task(replica.each([call, call]))
    await asyncio.sleep(0.05)
    assert replica.num_in_hand == 2
    await asking
    assert replica.num_in_hand == 0
