"""Tests of the train function in a plain process."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.support.small_tasks import small_dataset, small_task

from polyloop.data.dataset import Dataset
from polyloop.errors import DataError, TrainingError
from polyloop.models.predict import PredictInput, Predictor
from polyloop.spec.models import TaskSpec
from polyloop.training.config import TrainConfig
from polyloop.training.function import train
from polyloop.training.judge import Judge, Verdict
from polyloop.training.progress import Progress
from polyloop.training.session import LocalSession, WriteCheckpoint


class KilledError(Exception):
    """Stands for a process that dies."""


@dataclass(frozen=True, kw_only=True)
class WatchedSession(LocalSession):
    """A local session that keeps what was reported, and dies when it has saved the n-th checkpoint."""

    looks: list[Progress] = field(default_factory=list)
    dies_after: int | None = None
    saved: list[None] = field(default_factory=list)

    def report(self, progress: Progress) -> None:
        self.looks.append(progress)

    def save(self, write: WriteCheckpoint) -> None:
        super().save(write)
        self.saved.append(None)
        if len(self.saved) == self.dies_after:
            raise KilledError


Config = Callable[..., TrainConfig]


@pytest.fixture
def make_config(tmp_path: Path) -> Config:
    """Return a function that gives the config of a new run on a small dataset of a task."""
    datasets: dict[str, Dataset] = {}

    def make(task: TaskSpec, name: str = "run", init_from: Path | None = None, numbers: int = 150) -> TrainConfig:
        key = f"{task.kind}-{numbers}"
        if key not in datasets:
            datasets[key] = small_dataset(tmp_path / key, task, range(numbers))
        return TrainConfig(
            task_name="numbers",
            task=task,
            dataset_dir=datasets[key].path,
            run_dir=tmp_path / name,
            init_from=init_from,
        )

    return make


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def _assert_equal(first: Path, second: Path) -> None:
    ours, theirs = _weights(first), _weights(second)
    assert ours.keys() == theirs.keys()
    for name, weight in ours.items():
        assert torch.equal(weight, theirs[name]), name


def test_classify_learns_what_the_rows_say(make_config: Config) -> None:
    config = make_config(small_task("classify", training={"epochs": 6}), numbers=400)
    session = WatchedSession(run_dir=config.run_dir)
    model = train(config, session)
    dev = [look.dev_loss for look in session.looks if look.dev_loss is not None]
    assert dev[-1] < 0.2 < dev[0]
    assert session.looks[-1].fraction == 1.0
    answers = Predictor.of_trained(model, config.task, ("en",), threads=1).predict(
        [PredictInput(text=text, locale="en", target_locale="en") for text in ("one three six", "one six three")]
    )
    assert [answer.output for answer in answers] == ["even", "odd"]


def test_translate_gets_better_on_rows_that_it_has_not_seen(make_config: Config) -> None:
    config = make_config(small_task("translate", training={"epochs": 3, "learning_rate": 1e-3}))
    session = WatchedSession(run_dir=config.run_dir)
    train(config, session)
    dev = [look.dev_loss for look in session.looks if look.ends_epoch and look.dev_loss is not None]
    assert len(dev) == 3
    assert dev == sorted(dev, reverse=True)


def test_a_run_gives_the_same_weights_each_time(make_config: Config) -> None:
    task = small_task("classify", training={"epochs": 1})
    folders = []
    for name in ("first", "second"):
        config = make_config(task, name)
        folders.append(train(config, LocalSession(run_dir=config.run_dir)))
    _assert_equal(*folders)


@pytest.mark.parametrize("kind", ["classify", "translate"])
@pytest.mark.parametrize("dies_after", [1, 4])
def test_a_run_that_died_ends_with_the_weights_of_one_that_did_not(
    make_config: Config, kind: str, dies_after: int
) -> None:
    batch_tokens = {"classify": 128, "translate": 1024}[kind]
    task = small_task(kind, training={"epochs": 2, "batch_tokens": batch_tokens, "checkpoint_every_s": 1e-9})
    whole = make_config(task, "whole")
    expected = train(whole, LocalSession(run_dir=whole.run_dir))
    config = make_config(task, "died")
    with pytest.raises(KilledError):
        train(config, WatchedSession(run_dir=config.run_dir, dies_after=dies_after))
    assert not (config.run_dir / "model").exists()
    session = WatchedSession(run_dir=config.run_dir)
    _assert_equal(train(config, session), expected)
    assert all(look.resumed for look in session.looks)


def test_a_run_that_is_over_does_nothing(make_config: Config) -> None:
    config = make_config(small_task("classify", training={"epochs": 1}))
    first = train(config, LocalSession(run_dir=config.run_dir))
    session = WatchedSession(run_dir=config.run_dir)
    assert train(config, session) == first
    assert session.looks == []


def test_the_best_weights_on_dev_are_kept_not_the_last(make_config: Config) -> None:
    # A rate this high makes later epochs worse than the first.
    config = make_config(small_task("classify", training={"epochs": 4, "learning_rate": 0.5, "warmup_fraction": 1.0}))
    session = WatchedSession(run_dir=config.run_dir)
    model = train(config, session)
    ends = [look.dev_loss for look in session.looks if look.ends_epoch and look.dev_loss is not None]
    assert ends[-1] > min(ends)
    again = make_config(
        small_task("classify", training={"epochs": 0.001, "learning_rate": 1e-12}), "again", init_from=model
    )
    check = WatchedSession(run_dir=again.run_dir)
    train(again, check)
    assert check.looks[-1].dev_loss == pytest.approx(min(ends), rel=1e-3)


def test_a_fraction_of_an_epoch_is_trained(make_config: Config) -> None:
    config = make_config(small_task("classify", training={"epochs": 1.5, "batch_tokens": 64}))
    session = WatchedSession(run_dir=config.run_dir)
    train(config, session)
    last = session.looks[-1]
    assert last.step == math.ceil(last.steps_in_epoch / 2)
    assert last.num_steps > last.steps_in_epoch
    assert last.fraction == pytest.approx(1.0)


def test_an_earlier_version_is_gone_on_from(make_config: Config) -> None:
    first = make_config(small_task("classify", training={"epochs": 6}), "first", numbers=400)
    model = train(first, LocalSession(run_dir=first.run_dir))
    second = make_config(
        small_task("classify", training={"epochs": 1, "learning_rate": 1e-5}), "second", init_from=model, numbers=400
    )
    session = WatchedSession(run_dir=second.run_dir)
    train(second, session)
    assert session.looks[0].loss is not None
    assert session.looks[0].loss < 0.4


def test_bf16_learns_too(make_config: Config) -> None:
    config = make_config(small_task("classify", training={"epochs": 6, "precision": "bf16"}), numbers=400)
    session = WatchedSession(run_dir=config.run_dir)
    model = train(config, session)
    assert session.looks[-1].dev_loss is not None
    assert session.looks[-1].dev_loss < 0.3
    assert {weight.dtype for weight in _weights(model).values()} == {torch.float32}


def test_gradients_that_are_not_finite_stop_the_run_with_its_place(make_config: Config) -> None:
    config = make_config(small_task("classify"))
    short = make_config(small_task("classify", training={"epochs": 0.01}), "short")
    source = train(short, LocalSession(run_dir=short.run_dir))
    weights = _weights(source)
    weights["bert.encoder.layer.0.output.dense.weight"][0, 0] = float("nan")
    save_file(weights, source / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(TrainingError, match=r"not finite any more in step 1 of \d+ of epoch 1 .*lower `learning_rate`"):
        train(config.model_copy(update={"init_from": source}), LocalSession(run_dir=config.run_dir))
    assert not (config.run_dir / "model").exists()


def test_a_dev_loss_that_is_no_number_stops_the_run(make_config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    config = make_config(small_task("classify", training={"epochs": 1, "checkpoint_every_s": 1e-9}))
    monkeypatch.setattr(Judge, "verdict", lambda *_: Verdict(loss=float("nan"), accuracy=0.5))
    with pytest.raises(TrainingError, match="the dev loss is nan after epoch 1; lower `learning_rate`"):
        train(config, LocalSession(run_dir=config.run_dir))
    assert not (config.run_dir / "model").exists()


def test_a_models_files_are_on_the_disk_before_it_has_its_name(
    make_config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, rename = os.fsync, os.rename
    flushed: set[str] = set()
    lost: list[str] = []

    def flush(descriptor: int) -> None:
        flushed.add(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    def publish(source: Path, target: Path) -> None:
        lost.extend(path.name for path in Path(source).iterdir() if path.name not in flushed)
        rename(source, target)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(os, "rename", publish)
    config = make_config(small_task("classify", training={"epochs": 1, "checkpoint_every_s": 1e-9}))
    train(config, LocalSession(run_dir=config.run_dir))
    assert lost == []
    assert {"model.safetensors", "state.pt"} <= flushed


def test_an_empty_train_split_is_refused(make_config: Config) -> None:
    config = make_config(small_task("classify"), numbers=0)
    with pytest.raises(DataError, match=r"the train split of .* is empty"):
        train(config, LocalSession(run_dir=config.run_dir))


def test_without_a_dev_split_the_last_weights_are_taken(make_config: Config) -> None:
    config = make_config(small_task("classify", training={"epochs": 1}), numbers=3)
    session = WatchedSession(run_dir=config.run_dir)
    assert (train(config, session) / "model.safetensors").exists()
    assert session.looks[-1].dev_loss is None
