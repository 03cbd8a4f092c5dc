"""Serve starts and stops a task's replicas: from none when somebody asks, and more for calls that share their hops.

Needs Ray: starting and stopping replicas is Serve's business.
"""

import asyncio
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ray import serve
from ray.serve._private.common import ReplicaState
from tests.support.converted_models import ConvertedModel, converted_model
from tests.support.converted_project import TASK, long_call, write_converted_project

from polyloop.bench.serve.engines import SleepingEngine
from polyloop.models.predict import Predictor
from polyloop.serving import bundler
from polyloop.serving.bundler import MAX_CALLS, Bundler
from polyloop.serving.calls import Reply
from polyloop.serving.dispatch import dispatch
from polyloop.serving.options import task_options
from polyloop.serving.task_model import TaskModel
from polyloop.serving.task_replica import TaskReplica
from polyloop.spec.loader import load_spec

DELAYS = {"upscale_delay_s": 1.0, "downscale_delay_s": 1.0, "downscale_to_zero_delay_s": 1.0, "look_back_period_s": 3.0}
"""In place of 5 s, two minutes and half a minute."""
PATIENCE_S = 60.0
FEW = 4.0

# The cluster's intervals are shorter here than what Serve compares the period with.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`look_back_period_s`:FutureWarning"),
    pytest.mark.usefixtures("ray_cluster"),
]


class SlowModel(TaskModel):
    """A replica whose every version sleeps."""

    def load(self, path: Path) -> Predictor:
        """Return an engine that sleeps."""
        return SleepingEngine()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ConvertedModel:
    return converted_model("recipe-translate", tmp_path_factory.mktemp("recipe"))


def deployed(spec: Path, task_model: type[TaskModel]) -> Bundler:
    options = task_options(load_spec(spec).task(TASK).serving)
    options["autoscaling_config"] |= DELAYS
    deployment = serve.deployment(name=f"task-{TASK}", **options)(TaskReplica)
    handle: Any = serve.run(deployment.bind(str(spec), TASK, task_model), name="scaled", route_prefix=None)
    return Bundler(handle)


def num_running() -> int:
    states = serve.status().applications["scaled"].deployments[f"task-{TASK}"].replica_states
    return int(states.get(ReplicaState.RUNNING, 0))


async def until_running(is_enough: Callable[[int], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_enough(await asyncio.to_thread(num_running)):
            await asyncio.sleep(0.2)


def test_a_task_wakes_rests_and_wakes_again(model: ConvertedModel, tmp_path: Path) -> None:
    way = deployed(write_converted_project(model, tmp_path, min_replicas=0), TaskModel)
    call = long_call(model)
    assert num_running() == 0

    async def asked_twice() -> tuple[Reply, Reply]:
        first = await dispatch(way, call, task=TASK, timeout_s=PATIENCE_S)
        await until_running(lambda count: count == 0)
        return first, await dispatch(way, call, task=TASK, timeout_s=PATIENCE_S)

    # In throughput mode a handle belongs to the event loop that it is first used in.
    with asyncio.Runner() as runner:
        first, again = runner.run(asked_twice())
        runner.run(serve.shutdown_async())
    assert first.output == again.output != ""


def test_calls_are_counted_and_not_the_hops_that_carry_them(
    model: ConvertedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundler, "FAST_S", math.inf)  # all calls of a moment share a hop, although the model is slow
    spec = write_converted_project(
        model, tmp_path, max_replicas=2, target_ongoing_requests=FEW, max_batch_size=1, batch_wait_ms=0
    )
    way = deployed(spec, SlowModel)
    call = long_call(model)

    async def ask() -> None:
        while True:
            await asyncio.gather(*(dispatch(way, call, task=TASK, timeout_s=PATIENCE_S) for _ in range(MAX_CALLS)))

    async def one_hop_after_the_other() -> None:
        asking = asyncio.create_task(ask())
        await until_running(lambda count: count == 2)
        assert not asking.done()
        asking.cancel()

    assert num_running() == 1
    with asyncio.Runner() as runner:
        runner.run(one_hop_after_the_other())
        runner.run(serve.shutdown_async())
