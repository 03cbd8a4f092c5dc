"""Where figures go besides the run's own files: real event files, a stand-in for MLflow, and missing packages."""

import importlib
import struct
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.looks import epoch_end, look
from tests.support.small_tasks import small_dataset, small_task

from polyloop.errors import TrainingError
from polyloop.spec.settings import settings
from polyloop.training.config import SinkConfig, TrainConfig, sinks_of
from polyloop.training.driver import run_training
from polyloop.training.function import train
from polyloop.training.session import LocalSession
from polyloop.training.sinks import check_sinks, figures_of, listened, make_sinks


@dataclass
class FakeMlflow:
    """What the sink uses of MLflow, with one experiment store; `fails` stands for a server that is away."""

    experiments: dict[str, str] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    uris: list[str] = field(default_factory=list)
    fails: bool = False
    entities: Any = field(
        default_factory=lambda: SimpleNamespace(
            Metric=lambda key, value, timestamp, step: (key, value, step), Param=lambda key, value: (key, value)
        )
    )

    def MlflowClient(self, tracking_uri: str) -> "FakeMlflow":  # noqa: N802 (MLflow's own name)
        self.uris.append(tracking_uri)
        return self

    def get_experiment_by_name(self, name: str) -> Any:
        return SimpleNamespace(experiment_id=self.experiments[name]) if name in self.experiments else None

    def create_experiment(self, name: str) -> str:
        self.experiments[name] = f"e{len(self.experiments)}"
        return self.experiments[name]

    def create_run(self, experiment_id: str, run_name: str) -> Any:
        run_id = f"r{len(self.runs)}"
        self.runs[run_id] = {"experiment": experiment_id, "name": run_name, "metrics": [], "params": {}, "status": None}
        return SimpleNamespace(info=SimpleNamespace(run_id=run_id))

    def log_batch(self, run_id: str, metrics: Any = (), params: Any = ()) -> None:
        if self.fails:
            raise ConnectionError("no server answers")
        self.runs[run_id]["metrics"] += metrics
        self.runs[run_id]["params"] |= dict(params)

    def set_terminated(self, run_id: str, status: str) -> None:
        self.runs[run_id]["status"] = status


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> FakeMlflow:
    fake = FakeMlflow()
    real = importlib.import_module
    monkeypatch.setattr("importlib.import_module", lambda name: fake if name == "mlflow" else real(name))
    return fake


def config_of(tmp_path: Path, **fields: Any) -> TrainConfig:
    return TrainConfig(
        task_name="mood",
        task=small_task("classify"),
        dataset_dir=tmp_path / "dataset",
        run_dir=tmp_path / "run",
        sinks=SinkConfig(**fields),
    )


def test_a_look_gives_dev_figures_at_the_end_of_an_epoch_only() -> None:
    middle = figures_of(look(dev_loss=0.5, epoch=1))
    assert "loss/dev" not in middle
    assert "speed/mfu" not in middle
    assert (middle["loss/train"], middle["progress/epoch"]) == (1.0, 1.5)
    assert figures_of(epoch_end(1, 0.4, 0.8))["accuracy/dev"] == 0.8


def test_a_look_at_preferences_gives_rewards_and_another_none() -> None:
    found = figures_of(look(reward_margin=0.5, reward_accuracy=0.75, reward_kl=-0.1))
    assert (found["reward/margin"], found["reward/accuracy"], found["reward/kl"]) == (0.5, 0.75, -0.1)
    assert not [name for name in figures_of(look()) if name.startswith("reward")]


def test_mlflow_gets_settings_figures_and_the_end(tmp_path: Path, mlflow: FakeMlflow) -> None:
    config = config_of(tmp_path, mlflow_uri="http://flow:5000")
    with listened(config, LocalSession(run_dir=config.run_dir)) as session:
        session.report(look(num_steps=5))
        session.report(epoch_end(0, 0.4))
    assert mlflow.uris == ["http://flow:5000"]
    assert list(mlflow.experiments) == ["polyloop/mood"]
    (run,) = mlflow.runs.values()
    assert run["status"] == "FINISHED"
    assert run["params"]["training.learning_rate"] == "0.003"
    assert ("loss/train", 1.0, 5) in run["metrics"]
    assert ("loss/dev", 0.4, 10) in run["metrics"]
    assert len((config.run_dir / "progress.jsonl").read_text().splitlines()) == 2


def test_a_resumed_training_goes_on_in_its_mlflow_run(tmp_path: Path, mlflow: FakeMlflow) -> None:
    config = config_of(tmp_path, mlflow_uri="http://flow:5000")

    def break_off() -> None:
        with listened(config, LocalSession(run_dir=config.run_dir)) as session:
            session.report(look(num_steps=5))
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    assert next(iter(mlflow.runs.values()))["status"] == "FAILED"
    with listened(config, LocalSession(run_dir=config.run_dir)) as session:
        session.report(look(num_steps=6, resumed=True))
    (run,) = mlflow.runs.values()
    assert run["status"] == "FINISHED"
    assert [step for name, _, step in run["metrics"] if name == "loss/train"] == [5, 6]


def test_a_server_that_is_away_costs_its_figures_and_not_the_training(
    tmp_path: Path, mlflow: FakeMlflow, caplog: pytest.LogCaptureFixture
) -> None:
    mlflow.fails = True
    config = config_of(tmp_path, mlflow_uri="http://flow:5000")
    with listened(config, LocalSession(run_dir=config.run_dir)) as session:
        session.report(look())
        session.report(look())
    assert len((config.run_dir / "progress.jsonl").read_text().splitlines()) == 2
    assert [record.message for record in caplog.records if "MLflow" in record.message] == [
        "MLflow does not take the run's figures any more: no server answers"
    ]


def test_other_workers_than_the_first_send_nothing(tmp_path: Path, mlflow: FakeMlflow) -> None:
    session = LocalSession(run_dir=tmp_path, rank=1, world_size=2)
    with listened(config_of(tmp_path, mlflow_uri="http://flow:5000"), session) as listening:
        assert listening is session
    assert mlflow.uris == []


@pytest.mark.parametrize(
    ("fields", "extra", "variable"),
    [
        ({"mlflow_uri": "http://flow:5000"}, "polyloop[mlflow]", "MLFLOW_TRACKING_URI"),
        ({"tensorboard_dir": Path("logs")}, "polyloop[tensorboard]", "POLYLOOP_TENSORBOARD"),
    ],
)
def test_a_missing_package_is_one_line_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fields: dict[str, Any], extra: str, variable: str
) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr("importlib.import_module", missing)
    for call in (lambda: check_sinks(SinkConfig(**fields)), lambda: make_sinks(config_of(tmp_path, **fields))):
        with pytest.raises(TrainingError) as caught:
            call()
        assert extra in caught.value.message
        assert variable in caught.value.message
        assert "\n" not in caught.value.message


def test_the_environment_chooses_the_sinks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("POLYLOOP_TENSORBOARD", str(tmp_path / "logs"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://flow:5000")
    settings.cache_clear()
    found = sinks_of(settings())
    settings.cache_clear()
    assert found == SinkConfig(tensorboard_dir=tmp_path / "logs", mlflow_uri="http://flow:5000")


def test_a_driver_tells_a_missing_package_before_it_starts_anything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://flow:5000")
    monkeypatch.setattr("importlib.import_module", missing)
    settings.cache_clear()
    with pytest.raises(TrainingError, match="MLFLOW_TRACKING_URI is set"):
        run_training(
            task_name="mood",
            task=small_task("classify"),
            dataset_dir=tmp_path,
            run_name="r",
            storage_path=tmp_path / "runs",
        )
    settings.cache_clear()
    assert not (tmp_path / "runs").exists()


def events(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return the scalars of all event files: length (8 bytes), its CRC (4), an Event, its CRC (4), again and again."""
    protocol = pytest.importorskip("tensorboardX.proto.event_pb2")
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for path in sorted(folder.glob("events.out.tfevents.*")):
        content = path.read_bytes()
        while content:
            (length,) = struct.unpack("<Q", content[:8])
            event = protocol.Event.FromString(content[12 : 12 + length])
            content = content[16 + length :]
            for value in event.summary.value:
                found[value.tag].append((event.step, value.simple_value))
    return found


def test_a_training_writes_event_files_that_read_back(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    task = small_task("classify", training={"epochs": 2})
    dataset = small_dataset(tmp_path / "dataset", task, range(100))
    config = TrainConfig(
        task_name="numbers",
        task=task,
        dataset_dir=dataset.path,
        run_dir=tmp_path / "run",
        sinks=SinkConfig(tensorboard_dir=tmp_path / "logs"),
    )
    train(config, LocalSession(run_dir=config.run_dir))
    found = events(tmp_path / "logs" / "numbers-run")
    assert len(found["loss/dev"]) == 2
    assert found["loss/dev"][0][0] < found["loss/dev"][1][0]
    assert found["optimizer/learning_rate"][0][1] > 0
    assert found["memory/bytes"][0][1] > 2**20
