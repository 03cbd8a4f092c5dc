"""What a task's serving may say of engines."""

from typing import Any

import pytest
from pydantic import ValidationError

from polyloop.spec.models import Spec, TaskSpec
from polyloop.training.sweep.space import task_with


def task(kind: str, **serving: Any) -> TaskSpec:
    own: dict[str, dict[str, Any]] = {
        "classify": {"labels": ["a", "b"]},
        "answer": {"documents": [{"paths": ["*.txt"], "licence": "CC0-1.0"}]},
    }
    common = {"kind": kind, "corpora": ["x"], "model": {"recipe": "nano"}, "serving": serving}
    return TaskSpec.model_validate(common | own.get(kind, {"locales": ["en"]}))


def test_an_engine_and_its_numbers_may_be_asked_for_where_texts_are_written_or_classified() -> None:
    asked = task("chat", engine="ctranslate2", compute_type="int8", max_streams=0).serving
    assert (asked.engine, asked.compute_type, asked.max_streams) == ("ctranslate2", "int8", 0)
    asked = task("classify", engine="ctranslate2", compute_type="int8").serving
    assert (asked.engine, asked.compute_type) == ("ctranslate2", "int8")
    assert task("summarize").serving.engine == task("classify").serving.engine == "auto"


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("classify", "max_streams", 2),
        ("answer", "max_streams", 2),
        ("answer", "engine", "pytorch"),
        ("answer", "compute_type", "int8"),
    ],
)
def test_kinds_without_an_engine_or_without_texts_have_no_choice(kind: str, key: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=rf"`serving\.{key}` belongs to .*translate and summarize"):
        task(kind, **{key: value})


@pytest.mark.parametrize(("key", "value"), [("engine", "vllm"), ("compute_type", "int4"), ("max_streams", -1)])
def test_what_there_is_not_is_refused(key: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=key):
        task("chat", **{key: value})


def test_an_engine_of_cpus_goes_without_gpus() -> None:
    with pytest.raises(ValidationError, match="`engine: ctranslate2` computes on CPUs; remove it"):
        task("chat", engine="ctranslate2", num_gpus=1)
    assert task("chat", num_gpus=1).serving.engine == "auto"


@pytest.mark.parametrize(("key", "value"), [("min_replicas", 2), ("num_gpus", 1), ("num_cpus", 2)])
def test_a_model_in_the_router_has_no_replicas_of_its_own(key: str, value: int) -> None:
    assert task("chat", placement="router", threads=2).serving.placement == "router"
    with pytest.raises(ValidationError, match=rf"no replicas of its own, which `{key}` would be about; remove that"):
        task("chat", placement="router", **{key: value})


def test_a_spec_with_a_model_in_the_router_is_written_out_and_read_again() -> None:
    placed = task("chat", placement="router", max_ongoing_requests=8)
    assert TaskSpec.model_validate(placed.model_dump(mode="json")) == placed
    assert TaskSpec.model_validate_json(placed.model_dump_json()) == placed
    assert task_with(placed, {}) == placed


def test_models_in_the_router_share_their_threads(spec_data: dict[str, Any]) -> None:
    tasks = spec_data["tasks"]
    tasks["mood"]["serving"] = {"placement": "router", "threads": 2}
    tasks["to-german"]["serving"] = {"threads": 4}
    assert Spec.model_validate(spec_data).tasks["mood"].serving.threads == 2
    tasks["to-german"]["serving"] = {"placement": "router", "threads": 4}
    with pytest.raises(ValidationError, match=r"give them the same `serving\.threads` \(mood: 2, to-german: 4\)"):
        Spec.model_validate(spec_data)


def test_drawn_outputs_are_not_kept() -> None:
    common = {"kind": "chat", "corpora": ["x"], "model": {"recipe": "nano"}, "locales": ["en"]}
    with pytest.raises(ValidationError, match=r"`serving\.cache_mb` would repeat what `decoding\.temperature` draws"):
        TaskSpec.model_validate({**common, "serving": {"cache_mb": 1}, "decoding": {"temperature": 0.7}})
    assert TaskSpec.model_validate({**common, "serving": {"cache_mb": 1}}).serving.cache_mb == 1


@pytest.mark.parametrize(
    ("fallback", "changes", "message"),
    [
        ("nothing", {}, "names 'nothing'; name another task"),
        ("mood", {}, "names 'mood'; name another task"),
        ("to-german", {}, "needs the same `kind`"),
        ("smaller", {"labels": ["good", "bad", "new"]}, "needs the same `kind` and `labels`"),
        ("smaller", {"locales": ["en"]}, "'smaller', which does not serve de"),
        ("smaller", {"serving": {"fallback_task": "mood"}}, "which has a fallback itself"),
    ],
)
def test_a_fallback_can_answer_all_that_is_asked(
    spec_data: dict[str, Any], fallback: str, changes: dict[str, Any], message: str
) -> None:
    tasks = spec_data["tasks"]
    tasks["smaller"] = {**tasks["mood"], **changes}
    tasks["mood"]["serving"] = {"fallback_task": fallback}
    with pytest.raises(ValidationError, match=message):
        Spec.model_validate(spec_data)


def test_a_fallback_may_serve_more(spec_data: dict[str, Any]) -> None:
    tasks = spec_data["tasks"]
    tasks["smaller"] = {**tasks["mood"]}
    tasks["mood"] = {**tasks["mood"], "locales": ["en"], "serving": {"fallback_task": "smaller"}}
    assert Spec.model_validate(spec_data).tasks["mood"].serving.fallback_task == "smaller"
