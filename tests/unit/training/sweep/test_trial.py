"""What a trial tells while it trains, without Ray."""

from pathlib import Path

import pytest
from tests.support.looks import epoch_end, look
from tests.support.small_tasks import small_dataset, small_task

from polyloop.training.config import TrainConfig
from polyloop.training.function import train
from polyloop.training.session import LocalSession
from polyloop.training.sweep.trial import TrialSession


class StoppedError(Exception):
    """Stands for a trial that is stopped inside the call that tells its score."""


def test_each_epoch_is_told_once_and_looks_in_between_are_not(tmp_path: Path) -> None:
    told: list[dict[str, float]] = []
    session = TrialSession(tmp_path, "loss", told.append)
    for one in (look(), epoch_end(0, 0.9, 0.6), look(epoch=1), epoch_end(1, 0.4, 0.8), epoch_end(2, 0.6, 0.7)):
        session.report(one)
    assert [(one["epoch"], one["score"], one["dev_loss"]) for one in told] == [
        (1, -0.9, 0.9),
        (2, -0.4, 0.4),
        (3, -0.4, 0.6),
    ]


def test_a_new_process_tells_the_past_first_and_nothing_twice(tmp_path: Path) -> None:
    first = TrialSession(tmp_path, "loss", lambda _: None)
    first.report(epoch_end(0, 0.9))
    first.report(epoch_end(1, 0.4))
    told: list[dict[str, float]] = []
    second = TrialSession(tmp_path, "loss", told.append)
    second.tell_past()
    second.report(epoch_end(1, 0.4))  # done again, since the checkpoint was older
    second.report(epoch_end(2, 0.3))
    assert [one["epoch"] for one in told] == [1, 2, 3]


def test_a_real_training_tells_every_epoch_and_goes_on_from_its_own_checkpoint(tmp_path: Path) -> None:
    task = small_task("classify", training={"epochs": 3, "checkpoint_every_s": 1e-9})
    dataset = small_dataset(tmp_path / "dataset", task, range(100))
    config = TrainConfig(task_name="numbers", task=task, dataset_dir=dataset.path, run_dir=tmp_path / "trial")
    told: list[dict[str, float]] = []

    def stop_at_two(one: dict[str, float]) -> None:
        told.append(one)
        if one["epoch"] == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        train(config, TrialSession(config.run_dir, "loss", stop_at_two))
    again = TrialSession(config.run_dir, "loss", told.append)
    again.tell_past()
    train(config, again)
    assert [one["epoch"] for one in told] == [1, 2, 1, 2, 3]
    assert told[0] == told[2]
    assert LocalSession(run_dir=config.run_dir).latest_checkpoint() is not None
    assert (config.run_dir / "model" / "training.html").exists()
