"""Tests of several workers over gloo: the same losses as one, each row once an epoch, weights whole or sharded.

Workers differ from one process only in the order in which float32 numbers are added: weights agree to 1e-3 of their
size or 3e-4, and dev losses to 1e-3 of theirs.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.support.small_tasks import small_dataset, small_task
from tests.support.training_workers import Death, StepRows, read_notes, run_workers

from polyloop.spec.models import TaskSpec
from polyloop.training.checkpoint import read_state
from polyloop.training.config import TrainConfig
from polyloop.training.session import PROGRESS_FILE, LocalSession

KINDS: dict[str, dict[str, Any]] = {
    "classify": {"batch_tokens": 24, "ema_decay": 0.9, "label_balance": 0.5},
    "translate": {"batch_tokens": 192, "average_epochs": 2},
    "generate": {"batch_tokens": 192, "packing": True, "micro_batch_tokens": 64},
}


def _task(kind: str, **training: Any) -> TaskSpec:
    # Dropout is drawn by each worker for its own rows; without it, all that is left is the order of sums.
    settings = {"epochs": 2, "dropout": 0.0, "learning_rate": 1e-3, "checkpoint_every_s": 1e-9, **KINDS[kind]}
    model: dict[str, Any] = {"ngrams": {}} if kind == "classify" else {}
    return small_task(kind, model=model, training=settings | training)


def _config(tmp_path: Path, task: TaskSpec, name: str) -> TrainConfig:
    dataset_dir = tmp_path / f"dataset-{task.kind}"
    if not dataset_dir.exists():
        small_dataset(dataset_dir, task, range(50))
    return TrainConfig(task_name="numbers", task=task, dataset_dir=dataset_dir, run_dir=tmp_path / name)


def _dev_losses(config: TrainConfig) -> list[float]:
    """Return the dev loss at the end of each epoch."""
    looks = [json.loads(line) for line in (config.run_dir / PROGRESS_FILE).read_text().splitlines()]
    return [look["dev_loss"] for look in looks if look["step"] == look["steps_in_epoch"]]


def _assert_alike(config: TrainConfig, expected: TrainConfig, name: str) -> None:
    ours, theirs = (load_file(one.run_dir / "model" / "model.safetensors") for one in (config, expected))
    assert ours.keys() == theirs.keys()
    for key, weight in theirs.items():
        torch.testing.assert_close(ours[key], weight, rtol=1e-3, atol=3e-4, msg=lambda text: f"{name} {key}: {text}")  # noqa: B023
    assert _dev_losses(config)[-1] == pytest.approx(_dev_losses(expected)[-1], rel=1e-3)


def _assert_each_row_once(steps: StepRows, num_rows: int, num_epochs: int) -> None:
    for epoch in range(num_epochs):
        rows = sorted(row for (of, _), some in steps.items() if of == epoch for row in some)
        assert rows == list(range(num_rows))


@pytest.mark.parametrize(("kind", "optimizer"), [*((kind, "adamw") for kind in KINDS), ("translate", "muon")])
def test_one_two_and_three_workers_learn_the_same_from_each_row_once_an_epoch(
    tmp_path: Path, kind: str, optimizer: str
) -> None:
    task = _task(kind, optimizer=optimizer)
    alone = _config(tmp_path, task, "1")
    run_workers(alone, 1, notes=tmp_path / "notes-1")
    steps = read_notes(tmp_path / "notes-1")
    num_rows = sum(len(rows) for (epoch, _), rows in steps.items() if epoch == 0)
    for num_workers in (2, 3):
        config = _config(tmp_path, task, str(num_workers))
        run_workers(config, num_workers, notes=tmp_path / f"notes-{num_workers}")
        _assert_alike(config, alone, f"{num_workers} workers")
        _assert_each_row_once(read_notes(tmp_path / f"notes-{num_workers}"), num_rows, 2)


@pytest.mark.parametrize(("kind", "num_workers"), [("classify", 1), ("translate", 3)])
def test_a_run_killed_with_two_workers_goes_on_with_another_number(tmp_path: Path, kind: str, num_workers: int) -> None:
    whole = _config(tmp_path, _task(kind), "whole")
    run_workers(whole, 2, notes=tmp_path / "notes")
    expected = read_notes(tmp_path / "notes")
    config = _config(tmp_path, _task(kind), "killed")
    model = run_workers(config, 2, notes=tmp_path / "before", death=Death(rank=1, epoch=1, step=2))
    assert not model.exists()
    newest = LocalSession(run_dir=config.run_dir).latest_checkpoint()
    assert newest is not None
    position = read_state(newest).position
    assert (position.epoch, position.step) > (1, 0)
    run_workers(config, num_workers, notes=tmp_path / "after")
    _assert_alike(config, whole, f"two workers, then {num_workers}")
    reached = (position.epoch, position.step)
    kept = {place: rows for place, rows in read_notes(tmp_path / "before").items() if place < reached}
    learned = kept | read_notes(tmp_path / "after")
    assert {place: sorted(rows) for place, rows in learned.items()} == {
        place: sorted(rows) for place, rows in expected.items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_sharded_weights_learn_what_whole_ones_do(tmp_path: Path, kind: str) -> None:
    alone = _config(tmp_path, _task(kind), "alone")
    run_workers(alone, 1)
    together = _config(tmp_path, _task(kind), "together")
    run_workers(together, 2)
    sharded = _config(tmp_path, _task(kind, sharding="full"), "sharded")
    run_workers(sharded, 2)
    for config in (together, sharded):
        _assert_alike(config, alone, config.run_dir.name)


@pytest.mark.parametrize(
    ("before", "after", "num_workers"), [("full", "none", 1), ("none", "full", 2), ("full", "full", 3)]
)
def test_a_run_goes_on_from_its_checkpoint_across_sharding(
    tmp_path: Path, before: str, after: str, num_workers: int
) -> None:
    whole = _config(tmp_path, _task("classify"), "whole")
    run_workers(whole, 1)
    config = _config(tmp_path, _task("classify", sharding=before), "killed")
    run_workers(config, 2, death=Death(rank=1, epoch=1, step=1))
    later = config.model_copy(update={"task": _task("classify", sharding=after)})
    run_workers(later, num_workers)
    _assert_alike(later, whole, f"{before}, then {after} with {num_workers}")


def test_workers_with_unequal_shares_of_micro_batches_finish_a_sharded_step(tmp_path: Path) -> None:
    # A step of one row leaves the second worker without any; rows of several lengths are cut unevenly.
    few = {"batch_tokens": 32, "micro_batch_tokens": 16, "epochs": 1, "checkpoint_every_s": 100.0}
    task = _task("classify", sharding="full", **few)
    alone = _config(tmp_path, _task("classify", **few), "alone")
    run_workers(alone, 1)
    config = _config(tmp_path, task, "sharded")
    run_workers(config, 2)
    _assert_alike(config, alone, "unequal")
