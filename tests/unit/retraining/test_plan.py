"""A plan says where a training begins and with which settings; its digests change with what decides the weights."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from polyloop.registry.versions import PUBLISHED, VersionRecord
from polyloop.retraining.plan import config_digest, plan_training
from polyloop.spec.loader import LoadedSpec, load_spec

CHAMPION = VersionRecord(
    task="mood",
    version="v1",
    number=1,
    training_digest="a" * 64,
    dataset_digest="b" * 64,
    holdout_digest="c" * 64,
    spec_digest="d" * 64,
    parent=None,
    path="models/mood/v1",
    size_bytes=1,
    metrics={},
    created_at=datetime(2026, 5, 1, tzinfo=UTC),
    state=PUBLISHED,
)


class FakeDataset:
    """The two facts of a dataset that a plan looks at."""

    digest = "e" * 64
    tokenizer_dir = Path("/somewhere/tokenizer")


DATASET: Any = FakeDataset()


@pytest.fixture
def loaded(write_spec: Callable[..., Path], spec_data: dict[str, Any]) -> LoadedSpec:
    return load_spec(write_spec({**spec_data, "retraining": {"epochs": 2, "learning_rate": 0.0005}}))


def test_the_first_version_begins_from_the_recipe_with_the_tasks_own_settings(loaded: LoadedSpec) -> None:
    plan = plan_training(loaded, "mood", None, None)

    assert plan.init_from is None
    assert plan.tokenizer_dir is None
    assert plan.parent is None
    assert plan.task == loaded.task("mood")


def test_a_teacher_beside_the_spec_is_found_from_any_folder(
    write_spec: Callable[..., Path], spec_data: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec_data["tasks"]["mood"]["training"] = {"distill": {"teacher": "./teacher", "weight": 0.3}}
    spec = load_spec(write_spec(spec_data))
    monkeypatch.chdir(tmp_path.parent)

    distill = plan_training(spec, "mood", None, None).task.training.distill

    assert distill is not None
    assert distill.teacher == str(spec.root / "teacher")
    assert distill.weight == 0.3


def test_a_retraining_goes_on_from_the_champion_with_its_tokenizer_and_the_policys_settings(loaded: LoadedSpec) -> None:
    plan = plan_training(loaded, "mood", CHAMPION, DATASET)

    assert plan.init_from == loaded.artefacts_dir / "models/mood/v1"
    assert plan.tokenizer_dir == DATASET.tokenizer_dir
    assert plan.parent == CHAMPION
    assert plan.task.training.epochs == 2
    assert plan.task.training.learning_rate == 0.0005
    assert plan.task.training.batch_tokens == loaded.task("mood").training.batch_tokens


def test_scratch_begins_anew_even_with_a_champion(write_spec: Callable[..., Path], spec_data: dict[str, Any]) -> None:
    loaded = load_spec(write_spec({**spec_data, "retraining": {"start_from": "scratch", "epochs": 2}}))

    plan = plan_training(loaded, "mood", CHAMPION, DATASET)

    assert plan.init_from is None
    assert plan.tokenizer_dir is None
    assert plan.task == loaded.task("mood")


def test_the_training_digest_depends_on_the_beginning_and_the_config_digest_does_not(loaded: LoadedSpec) -> None:
    first = plan_training(loaded, "mood", None, None)
    second = plan_training(loaded, "mood", CHAMPION, DATASET)
    third = plan_training(loaded, "mood", replace(CHAMPION, training_digest="f" * 64), DATASET)

    assert first.config_digest == second.config_digest == third.config_digest
    assert len({plan.training_digest(DATASET) for plan in (first, second, third)}) == 3


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [({"num_workers": 3}, True), ({"checkpoint_every_s": 5.0}, True), ({"epochs": 9}, False), ({"seed": 1}, False)],
)
def test_only_what_decides_the_weights_changes_the_config_digest(
    loaded: LoadedSpec, changes: dict[str, Any], is_same: bool
) -> None:
    task, retraining = loaded.task("mood"), loaded.spec.retraining
    changed = task.model_copy(update={"training": task.training.model_copy(update=changes)})

    assert (config_digest(task, retraining) == config_digest(changed, retraining)) is is_same
