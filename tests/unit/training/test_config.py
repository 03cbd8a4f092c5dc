"""Tests of what a run is given and of its digest."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from tests.support.small_tasks import small_task

from polyloop.training.config import TrainConfig, training_digest


def _digest(parent: str | None = None, dataset: str = "d", **changes: Any) -> str:
    return training_digest(task_name="t", task=small_task("classify", **changes), dataset_digest=dataset, parent=parent)


def test_a_config_survives_pickling_and_json() -> None:
    config = TrainConfig(
        task_name="t", task=small_task("translate"), dataset_dir=Path("/data"), run_dir=Path("/run"), init_from=None
    )
    assert pickle.loads(pickle.dumps(config)) == config
    assert TrainConfig.model_validate(config.model_dump(mode="json")) == config


def test_the_digest_stands_for_what_decides_the_weights() -> None:
    assert _digest() == _digest()
    assert len(_digest()) == 64
    others = {
        _digest(),
        _digest(parent="p"),
        _digest(dataset="e"),
        _digest(labels=["odd", "even"]),
        _digest(training={"seed": 18}),
        _digest(training={"epochs": 3}),
        _digest(model={"recipe": "tiny"}),
    }
    assert len(others) == 7


@pytest.mark.parametrize(
    "changes",
    [
        {"training": {"num_workers": 2, "min_workers": 1, "cpus_per_worker": 0.5, "threads_per_worker": 3}},
        {"training": {"checkpoint_every_s": 1.0, "max_failures": 0}},
        {"serving": {"num_cpus": 0.5}},
        {"gate": {"margin": 2.0}},
    ],
)
def test_where_and_how_it_runs_does_not_change_the_digest(changes: dict[str, Any]) -> None:
    assert _digest(**changes) == _digest()


def test_what_is_preferred_decides_the_weights_of_its_own_training_alone() -> None:
    def digest(preferences: str | None, beta: float) -> str:
        task = small_task("translate", training={"preference": {"beta": beta}})
        return training_digest(task_name="t", task=task, dataset_digest="d", parent="p", preferences=preferences)

    assert digest(None, 0.1) == digest(None, 0.2)
    assert len({digest(None, 0.1), digest("x", 0.1), digest("x", 0.2), digest("y", 0.1)}) == 4
