"""Engines that compute nothing answer in a real replica, in the place of whatever a version holds."""

import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from polyloop.bench.serve import engines
from polyloop.bench.serve.engine_app import EngineModel
from polyloop.bench.serve.engines import BUILDER, EchoEngine, SleepingEngine
from polyloop.bench.serve.projects import ECHO, ECHO_IN_ROUTER, Project, engine_project, sleeper, with_routers
from polyloop.bench.serve.raw import RawPlan, drive
from polyloop.models.contract import PredictInput
from polyloop.registry.releases import get_release
from polyloop.registry.store import open_store
from polyloop.serving.calls import Call
from polyloop.serving.config import serve_config
from polyloop.serving.options import in_replicas, in_router


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return engine_project(tmp_path)


@pytest.fixture
async def replica(project: Project) -> AsyncIterator[EngineModel]:
    one = EngineModel(str(project.loaded.path), ECHO)
    yield one
    one.close()


async def test_a_replica_echoes_by_its_real_way(replica: EngineModel):
    assert replica.alive

    reply = await replica(Call(version="v1", text="Hello", locale="en", target_locale="en"))

    assert reply.output == "Hello"


async def test_a_stream_of_an_echo_is_the_echo(replica: EngineModel):
    call = Call(version="v1", text="Hello", locale="en", target_locale="en")

    parts: list[Any] = [part async for part in replica.stream(call)]

    assert parts[0] == parts[-1].output == "Hello"


def test_a_sleeping_engine_takes_its_time_for_the_same_answer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engines, "SLEEP_S", 0.02)
    began = time.monotonic()

    (answer,) = SleepingEngine().predict([PredictInput(text="x", locale="en", target_locale="en")])

    assert answer.output == "x"
    assert time.monotonic() - began >= 0.02


def test_each_task_has_a_champion_and_the_replicas_of_its_name(project: Project):
    loaded = project.loaded
    store = open_store(loaded.store_url)
    champions = {get_release(store, name).champion for name in loaded.spec.tasks}
    store.close()

    assert champions == {"v1"}
    assert {name: task.serving.max_replicas for name, task in in_replicas(loaded.spec).items()} == {
        ECHO: 1,
        sleeper(1): 1,
        sleeper(4): 4,
    }
    assert set(in_router(loaded.spec)) == {ECHO_IN_ROUTER}
    assert project.url(ECHO).endswith("/v1/tasks/echo")
    assert project.headers["Authorization"].startswith("Bearer plk_")


def test_routers_are_a_matter_of_the_spec(project: Project):
    def routers(one: Project) -> dict[str, int]:
        (router, *_) = serve_config(one.loaded)["applications"][0]["deployments"]
        scaling: dict[str, int] = router["autoscaling_config"]
        return scaling

    more = with_routers(project, 2)

    assert (routers(project)["min_replicas"], routers(project)["max_replicas"]) == (1, 1)
    assert (routers(more)["min_replicas"], routers(more)["max_replicas"]) == (2, 2)
    assert more.api_key == project.api_key


def test_an_engine_alone_is_driven_in_batches():
    plan = RawPlan(texts=("a", "b"), locale="en", target_locale="en", batch_size=3, warm_s=0.0, counted_s=0.05)

    told = drive(EchoEngine(), plan)

    assert told["batch_size"] == 3
    assert told["rows_per_s"] > 0
    assert 0 < told["p50_ms"] <= told["p99_ms"]


def test_the_builder_is_where_the_config_says():
    module, _, name = BUILDER.partition(":")

    assert (module, name) == (EngineModel.__module__, "build")


def test_what_starts_ray_has_not_imported_it_before_its_environment_is_set():
    code = "import sys, polyloop.bench.serve.benchmark; print('ray' in sys.modules)"

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout == "False\n"
