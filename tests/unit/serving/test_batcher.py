"""The batcher groups by version, keeps order, isolates bad items and forgets callers that left."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from polyloop.errors import ModelError, RequestError
from polyloop.serving.batcher import Batcher
from polyloop.serving.quickness import LONGEST_S, NUM_CALLS


class Model:
    """Doubles numbers, notes each call, refuses negative ones, may be held up, and may take its time."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[int]]] = []
        self.may_go = threading.Event()
        self.may_go.set()
        self.takes_s = 0.0

    def __call__(self, key: str, items: Sequence[int]) -> list[int]:
        assert self.may_go.wait(5)
        time.sleep(self.takes_s)
        self.calls.append((key, list(items)))
        if any(item < 0 for item in items):
            raise ValueError(f"negative among {list(items)}")
        return [item * 2 for item in items]


@pytest.fixture
def model() -> Model:
    return Model()


def batcher(model: Model, *, max_batch_size: int = 8, batch_wait_s: float = 0.01) -> Batcher[int, int]:
    return Batcher(model, max_batch_size=max_batch_size, batch_wait_s=batch_wait_s)


async def doubled(batches: Batcher[int, int], key: str, item: int) -> int:
    return (await batches.submit(key, item)).result


async def test_concurrent_items_share_one_call_and_each_gets_its_own_result(model: Model) -> None:
    batches = batcher(model)
    assert await asyncio.gather(*(doubled(batches, "v1", item) for item in range(8))) == [0, 2, 4, 6, 8, 10, 12, 14]
    assert model.calls == [("v1", list(range(8)))]


async def test_a_call_takes_no_more_than_the_batch_size_oldest_first(model: Model) -> None:
    batches = batcher(model, max_batch_size=3)
    await asyncio.gather(*(doubled(batches, "v1", item) for item in range(8)))
    assert [items for _, items in model.calls] == [[0, 1, 2], [3, 4, 5], [6, 7]]


async def test_items_of_different_versions_never_share_a_call_and_keep_their_order(model: Model) -> None:
    batches = batcher(model)
    await asyncio.gather(*(doubled(batches, f"v{item % 3}", item) for item in range(9)))
    assert model.calls == [("v0", [0, 3, 6]), ("v1", [1, 4, 7]), ("v2", [2, 5, 8])]


async def test_a_bad_item_fails_alone_and_costs_few_calls(model: Model) -> None:
    batches = batcher(model, max_batch_size=32)
    items = [-1 if item == 13 else item for item in range(32)]
    results = await asyncio.gather(*(doubled(batches, "v1", item) for item in items), return_exceptions=True)
    assert [index for index, result in enumerate(results) if isinstance(result, ValueError)] == [13]
    assert [result for index, result in enumerate(results) if index != 13] == [i * 2 for i in range(32) if i != 13]
    assert len(model.calls) <= 2 * 5 + 1


async def test_a_caller_that_leaves_takes_its_item_out_of_the_queue(model: Model) -> None:
    batches = batcher(model, batch_wait_s=0)
    model.may_go.clear()
    first = asyncio.create_task(doubled(batches, "v1", 1))
    await asyncio.sleep(0.02)
    leaving, staying = (asyncio.create_task(doubled(batches, "v1", item)) for item in (2, 3))
    await asyncio.sleep(0)
    leaving.cancel()
    model.may_go.set()
    assert (await first, await staying) == (2, 6)
    assert model.calls == [("v1", [1]), ("v1", [3])]
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_a_caller_that_leaves_while_the_model_works_harms_nobody(model: Model) -> None:
    batches = batcher(model)
    model.may_go.clear()
    leaving, staying = (asyncio.create_task(doubled(batches, "v1", item)) for item in (1, 2))
    await asyncio.sleep(0.05)
    leaving.cancel()
    await asyncio.sleep(0)
    model.may_go.set()
    assert await staying == 4
    assert await doubled(batches, "v1", 5) == 10


async def test_no_item_is_forgotten_when_it_comes_as_the_worker_ends(model: Model) -> None:
    batches = batcher(model, batch_wait_s=0)

    async def one_after_the_other(start: int) -> list[int]:
        return [await doubled(batches, "v1", item) for item in range(start, start + 200)]

    async with asyncio.timeout(20):
        rows = await asyncio.gather(*(one_after_the_other(start) for start in (0, 1_000)))
    assert rows == [[item * 2 for item in range(start, start + 200)] for start in (0, 1_000)]


async def test_a_lone_client_never_waits_and_company_is_waited_for_where_there_was_some(model: Model) -> None:
    batches = batcher(model, batch_wait_s=60)
    async with asyncio.timeout(30):
        assert [await doubled(batches, "v1", item) for item in range(3)] == [0, 2, 4]
        assert await asyncio.gather(*(doubled(batches, "v1", item) for item in (3, 4))) == [6, 8]
    waiting = asyncio.ensure_future(doubled(batches, "v1", 5))
    await asyncio.sleep(0.05)
    assert [items for _, items in model.calls] == [[0], [1], [2], [3, 4]]
    waiting.cancel()


async def test_many_concurrent_items_are_all_answered(model: Model) -> None:
    batches = batcher(model, max_batch_size=16)
    results = await asyncio.gather(*(doubled(batches, f"v{item % 2}", item) for item in range(2_000)))
    assert results == [item * 2 for item in range(2_000)]
    assert max(len(items) for _, items in model.calls) == 16


async def test_a_model_that_gives_too_few_results_fails_its_callers_instead_of_leaving_them_waiting() -> None:
    def forgetful(key: str, items: Sequence[int]) -> list[int]:
        return []

    batches: Batcher[int, int] = Batcher(forgetful, max_batch_size=4, batch_wait_s=0.01)
    async with asyncio.timeout(5):
        results = await asyncio.gather(*(doubled(batches, "v1", item) for item in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ModelError] * 3


async def test_the_time_of_the_call_is_told_without_the_wait_for_it(model: Model) -> None:
    batches = batcher(model, batch_wait_s=0)
    model.may_go.clear()
    first = asyncio.create_task(batches.submit("v1", 1))
    await asyncio.sleep(0.02)
    second = asyncio.create_task(batches.submit("v1", 2))
    await asyncio.sleep(0.1)
    model.may_go.set()
    assert (await first).worked_s >= 0.1
    assert (await second).worked_s < 0.1


async def test_nobody_works_on_an_item_whose_time_is_up(model: Model) -> None:
    batches = batcher(model, batch_wait_s=0)
    model.may_go.clear()
    first = asyncio.create_task(batches.submit("v1", 1, within_s=0.05))
    await asyncio.sleep(0.02)
    late = asyncio.create_task(batches.submit("v1", 2, within_s=0.02))
    patient = asyncio.create_task(batches.submit("v1", 3, within_s=60.0))
    await asyncio.sleep(0.1)
    model.may_go.set()
    assert (await first).result == 2
    with pytest.raises(RequestError, match="waited for longer") as met:
        await late
    assert (met.value.status, met.value.code) == (504, "timeout")
    assert (await patient).result == 6
    assert model.calls == [("v1", [1]), ("v1", [3])]


def noting_threads(
    model: Model, is_ready: Callable[[str], bool] = lambda _: True
) -> tuple[Batcher[int, int], list[bool]]:
    """Return a batcher, and of each of its calls whether the event loop made it."""
    here, on_loop = threading.get_ident(), list[bool]()

    def call(key: str, items: Sequence[int]) -> list[int]:
        on_loop.append(threading.get_ident() == here)
        return model(key, items)

    return Batcher(call, max_batch_size=8, batch_wait_s=0.0, is_ready=is_ready), on_loop


async def until_the_loop_calls(batches: Batcher[int, int], on_loop: list[bool], key: str = "v1") -> None:
    """Ask until calls are known to be quick; a machine that is busy with other work may make some seem long."""
    async with asyncio.timeout(20):
        while not on_loop or not on_loop[-1]:
            assert await doubled(batches, key, 21) == 42


async def test_the_loop_makes_the_calls_of_a_quick_model_by_itself(model: Model) -> None:
    batches, on_loop = noting_threads(model)
    await until_the_loop_calls(batches, on_loop)
    assert on_loop.index(True) >= NUM_CALLS


async def test_each_version_has_to_show_that_it_is_quick(model: Model) -> None:
    batches, on_loop = noting_threads(model)
    await until_the_loop_calls(batches, on_loop)
    await doubled(batches, "v2", 1)
    assert not on_loop[-1]


async def test_what_a_quick_model_refuses_fails_alone(model: Model) -> None:
    batches, on_loop = noting_threads(model)
    await until_the_loop_calls(batches, on_loop)
    with pytest.raises(ValueError, match="negative"):
        await doubled(batches, "v1", -1)
    assert await doubled(batches, "v1", 1) == 2


async def test_a_thread_makes_the_calls_of_a_slow_model(model: Model) -> None:
    batches, on_loop = noting_threads(model)
    await until_the_loop_calls(batches, on_loop)
    model.takes_s = 2 * LONGEST_S
    for _ in range(2):  # the first one may meet the loop, which does not know yet
        await doubled(batches, "v1", 1)
    assert not on_loop[-1]


async def test_the_loop_does_not_work_on_an_item_whose_time_is_up(model: Model) -> None:
    batches, on_loop = noting_threads(model)
    await until_the_loop_calls(batches, on_loop)
    num_calls = len(on_loop)
    with pytest.raises(RequestError, match="waited for longer"):
        await batches.submit("v1", 1, within_s=0.0)
    assert len(on_loop) == num_calls


async def test_a_thread_makes_the_calls_that_have_something_to_load_first(model: Model) -> None:
    held = {"v1"}
    batches, on_loop = noting_threads(model, held.__contains__)
    await until_the_loop_calls(batches, on_loop)
    held.clear()
    assert await doubled(batches, "v1", 1) == 2
    assert not on_loop[-1]


async def test_the_loop_calls_no_model_that_is_at_work(model: Model) -> None:
    batches, on_loop = noting_threads(model)
    await until_the_loop_calls(batches, on_loop)
    model.may_go.clear()
    first = asyncio.create_task(doubled(batches, "v2", 1))
    await asyncio.sleep(0.02)
    second = asyncio.create_task(doubled(batches, "v1", 2))
    await asyncio.sleep(0.02)
    model.may_go.set()
    assert [await first, await second] == [2, 4]
    assert on_loop[-2:] == [False, False]
