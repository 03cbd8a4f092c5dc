"""Tests of learning preferences with the train function: what is learned, and that a run goes on exactly."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.support.preference_files import write_judgements, write_pairs
from tests.support.small_tasks import small_dataset, small_task
from tests.support.training_workers import Death, read_notes, run_workers

from polyloop.errors import OneSidedError
from polyloop.spec.models import TaskSpec
from polyloop.training.config import TrainConfig
from polyloop.training.function import train
from polyloop.training.session import PROGRESS_FILE, LocalSession, WriteCheckpoint

METHODS: dict[str, Callable[..., Path]] = {"dpo": write_pairs, "kto": write_judgements}
KINDS = ["translate", "generate"]


class KilledError(Exception):
    """Stands for a process that dies."""


@dataclass(frozen=True, kw_only=True)
class DyingSession(LocalSession):
    """Dies when it has saved the n-th checkpoint."""

    dies_after: int
    saved: list[None] = field(default_factory=list)

    def save(self, write: WriteCheckpoint) -> None:
        super().save(write)
        self.saved.append(None)
        if len(self.saved) == self.dies_after:
            raise KilledError


@dataclass(frozen=True, kw_only=True)
class Champion:
    """A trained version, and preferences of its users."""

    task: TaskSpec
    dataset_dir: Path
    model: Path
    preferences: Path

    def config(self, run_dir: Path, **training: Any) -> TrainConfig:
        """Return the config of a run that learns the preferences."""
        changed = self.task.training.model_copy(update=training)
        return TrainConfig(
            task_name="numbers",
            task=self.task.model_copy(update={"training": changed}),
            dataset_dir=self.dataset_dir,
            run_dir=run_dir,
            init_from=self.model,
            preferences=self.preferences,
        )


@pytest.fixture
def champion_of(tmp_path: Path) -> Callable[[str, str], Champion]:
    """Return a function that makes the champion of a kind, with preferences for a method."""

    def make(kind: str, method: str) -> Champion:
        settings = {"epochs": 3, "batch_tokens": 128, "learning_rate": 1e-3, "select": "last"}
        task = small_task(kind, training={**settings, "checkpoint_every_s": 1e-9, "preference": {"method": method}})
        dataset_dir = small_dataset(tmp_path / "dataset", task, range(60)).path
        first = TrainConfig(task_name="numbers", task=task, dataset_dir=dataset_dir, run_dir=tmp_path / "first")
        model = train(first, LocalSession(run_dir=first.run_dir))
        file = METHODS[method](tmp_path / "preferences", task, dataset_dir)
        return Champion(task=task, dataset_dir=dataset_dir, model=model, preferences=file)

    return make


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def _looks(config: TrainConfig) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (config.run_dir / PROGRESS_FILE).read_text().splitlines()]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS)
def test_rewards_move_apart_and_a_killed_run_ends_with_the_same_weights(
    tmp_path: Path, champion_of: Callable[[str, str], Champion], kind: str, method: str
) -> None:
    champion = champion_of(kind, method)
    whole = champion.config(tmp_path / "whole", epochs=6)
    expected = _weights(train(whole, LocalSession(run_dir=whole.run_dir)))
    ends = [look for look in _looks(whole) if look["step"] == look["steps_in_epoch"]]
    assert ends[-1]["reward_margin"] > ends[0]["reward_margin"]
    if method == "dpo":
        assert ends[-1]["reward_margin"] > 0.05
        assert ends[-1]["reward_accuracy"] > 0.75
    else:
        # KTO's reference point rises with the rewards of these much alike numbers: rewards part long before most of
        # the good ones are above it (a margin of 1.1 to 2.3 here, a share on the right side of a third).
        assert ends[-1]["reward_margin"] > 0.9
        assert ends[-1]["reward_accuracy"] > ends[0]["reward_accuracy"] - 0.05
    steps_in_epoch = ends[0]["steps_in_epoch"]
    assert steps_in_epoch > 2
    config = champion.config(tmp_path / "killed", epochs=6)
    with pytest.raises(KilledError):
        train(config, DyingSession(run_dir=config.run_dir, dies_after=steps_in_epoch + 2))
    found = _weights(train(config, LocalSession(run_dir=config.run_dir)))
    assert _looks(config)[-1]["resumed"]
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


@pytest.mark.parametrize(("kind", "method", "sharding"), [("translate", "dpo", "none"), ("generate", "kto", "full")])
def test_workers_learn_the_preferences_that_one_learns(
    tmp_path: Path, champion_of: Callable[[str, str], Champion], kind: str, method: str, sharding: str
) -> None:
    champion = champion_of(kind, method)
    alone = champion.config(tmp_path / "alone", epochs=2)
    expected = _weights(run_workers(alone, 1, notes=tmp_path / "notes"))
    config = champion.config(tmp_path / "together", epochs=2, sharding=sharding, micro_batch_tokens=64)
    run_workers(config, 2, notes=tmp_path / "before", death=Death(rank=0, epoch=1, step=1))
    found = _weights(run_workers(config, 2, notes=tmp_path / "after"))
    for name, weight in expected.items():
        torch.testing.assert_close(found[name], weight, rtol=1e-3, atol=3e-4)
    learned = read_notes(tmp_path / "before") | read_notes(tmp_path / "after")
    assert {place: sorted(rows) for place, rows in learned.items()} == {
        place: sorted(rows) for place, rows in read_notes(tmp_path / "notes").items()
    }


def test_preferences_of_one_kind_are_refused_for_kto(
    tmp_path: Path, champion_of: Callable[[str, str], Champion]
) -> None:
    champion = champion_of("generate", "kto")
    good = write_judgements(tmp_path / "good", champion.task, champion.dataset_dir, range(0, 10, 2))
    config = champion.config(tmp_path / "run").model_copy(update={"preferences": good})
    with pytest.raises(OneSidedError, match="of 5 rows with a weight 5 are desirable"):
        train(config, LocalSession(run_dir=config.run_dir))
