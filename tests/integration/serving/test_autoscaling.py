"""A task with `min_replicas: 0` has no replica until somebody asks, is answered by one, and rests again.

Needs Ray: starting and stopping replicas is Serve's business.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from ray import serve
from ray.serve._private.common import ReplicaState
from tests.support.converted_models import converted_model
from tests.support.converted_project import TASK, long_call, write_converted_project

from polyloop.serving.bundler import Bundler
from polyloop.serving.calls import Reply
from polyloop.serving.dispatch import dispatch
from polyloop.serving.options import task_options
from polyloop.serving.task_model import TaskModel
from polyloop.spec.loader import load_spec

REST_AFTER_S = 1.0
"""In place of two minutes."""
LOOK_BACK_S = 3.0
"""In place of half a minute."""
STOP_TIMEOUT_S = 60.0


def num_running() -> int:
    states = serve.status().applications["resting"].deployments[f"task-{TASK}"].replica_states
    return int(states.get(ReplicaState.RUNNING, 0))


async def until_at_rest() -> None:
    async with asyncio.timeout(STOP_TIMEOUT_S):
        while await asyncio.to_thread(num_running):
            await asyncio.sleep(0.2)


@pytest.mark.filterwarnings("ignore:`look_back_period_s`:FutureWarning")  # the cluster's intervals are shorter here
@pytest.mark.usefixtures("ray_cluster")
def test_a_task_wakes_rests_and_wakes_again(tmp_path: Path) -> None:
    model = converted_model("recipe-translate", tmp_path / "model")
    spec = write_converted_project(model, tmp_path, min_replicas=0)
    options = task_options(load_spec(spec).task(TASK).serving)
    options["autoscaling_config"] |= {"downscale_delay_s": REST_AFTER_S, "downscale_to_zero_delay_s": REST_AFTER_S}
    options["autoscaling_config"] |= {"look_back_period_s": LOOK_BACK_S}
    deployment = serve.deployment(name=f"task-{TASK}", **options)(TaskModel)
    handle: Any = serve.run(deployment.bind(str(spec), TASK), name="resting", route_prefix=None)
    call = long_call(model)
    assert num_running() == 0

    async def asked_twice() -> tuple[Reply, Reply]:
        first = await dispatch(way, call, task=TASK, timeout_s=60)
        await until_at_rest()
        return first, await dispatch(way, call, task=TASK, timeout_s=60)

    way = Bundler(handle)
    # In throughput mode a handle belongs to the event loop that it is first used in.
    with asyncio.Runner() as runner:
        first, again = runner.run(asked_twice())
        runner.run(serve.shutdown_async())
    assert first.output == again.output != ""
