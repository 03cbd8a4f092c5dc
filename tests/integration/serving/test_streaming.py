"""A replica under Serve gives a text piece by piece, and stops writing when its caller leaves.

Needs Ray: the handle, its cancellation and the way that parts travel are Serve's own.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray import serve
from ray.serve.handle import DeploymentHandle
from tests.support.converted_models import ConvertedModel, converted_model, long_input
from tests.support.engine_versions import note, publish_converted, trial

from polyloop.errors import RequestError
from polyloop.registry.releases import promote
from polyloop.registry.store import open_store
from polyloop.registry.versions import publish_version, reserve_version
from polyloop.serving.calls import Call, Reply
from polyloop.serving.dispatch import dispatch, dispatch_stream
from polyloop.serving.task_model import TaskModel
from polyloop.spec.loader import load_spec

Ask = Callable[..., list[Any]]
"""Calls a method of the caller with each of some calls, side by side."""


@serve.deployment(num_replicas=1, ray_actor_options={"num_cpus": 0.1})
class Caller:
    """Calls the task from inside of Serve, as the router does."""

    def __init__(self, task: DeploymentHandle[Any]) -> None:
        self._task: Any = task

    async def whole(self, call: Call) -> Reply:
        """Return the reply."""
        return await dispatch(self._task, call, task="numbers", timeout_s=60)

    async def parts(self, call: Call) -> list[str | Reply]:
        """Return all parts of a stream."""
        return [part async for part in dispatch_stream(self._task, call, task="numbers", timeout_s=60)]

    async def leave(self, call: Call) -> str | Reply:
        """Return the first part of a stream, and leave it."""
        stream = dispatch_stream(self._task, call, task="numbers", timeout_s=60)
        first = await anext(stream)
        await stream.aclose()
        return first


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ConvertedModel:
    return converted_model("recipe-translate", tmp_path_factory.mktemp("recipe"))


@pytest.fixture(scope="module")
def call(model: ConvertedModel) -> Call:
    """A call whose answer is long."""
    item = long_input(model)
    return Call(version="v1", text=item.text, locale=item.locale, target_locale=item.target_locale)


@pytest.fixture(scope="module")
def caller(ray_cluster: None, model: ConvertedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """A caller of a task with one version and room for one stream."""
    spec = _project(model, tmp_path_factory.mktemp("streaming"))
    task = serve.deployment(name="task-numbers", num_replicas=1, ray_actor_options={"num_cpus": 0.1})(TaskModel)
    application = Caller.bind(task.bind(str(spec), "numbers"))  # type: ignore[attr-defined]
    handle: Any = serve.run(application, name="streaming", route_prefix=None)

    async def asked(method: str, calls: Sequence[Call]) -> list[Any]:
        return await asyncio.gather(*(getattr(handle, method).remote(call) for call in calls))

    # In throughput mode a handle belongs to the event loop that it is first used in.
    with asyncio.Runner() as runner:
        yield lambda method, *calls: runner.run(asked(method, calls))
        runner.run(asyncio.to_thread(serve.shutdown))


def _project(model: ConvertedModel, folder: Path) -> Path:
    corpus = {"paths": ["x.tsv"], "columns": {"input": "en", "target": "to"}, "licence": "CC0-1.0"}
    task = model.task.model_dump(mode="json", exclude_defaults=True)
    data = {
        "project": "small",
        "locales": ["en", "de", "fr"],
        "corpora": {"numbers": {**corpus, "locale": "en", "target_locale": "de"}},
        "tasks": {"numbers": {**task, "serving": {"max_streams": 1}}},
    }
    spec = folder / "polyloop.yaml"
    spec.write_text(yaml.safe_dump(data), encoding="utf-8")
    loaded = load_spec(spec)
    path = publish_converted(model, loaded.artefacts_dir / "models" / "v1", note(trial("float32")))
    store = open_store(loaded.store_url)
    digests = {"dataset_digest": "d" * 64, "holdout_digest": "h" * 64, "spec_digest": "s" * 64}
    record = reserve_version(store, "numbers", "a", **digests)
    relative = str(path.relative_to(loaded.artefacts_dir))
    publish_version(store, "numbers", record.version, path=relative, size_bytes=1, metrics={})
    promote(store, "numbers", "v1", actor="test", reason="first")
    store.close()
    return spec


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
