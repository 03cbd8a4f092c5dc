"""Sends the looks at a run to where people watch trainings: TensorBoard event files, and MLflow.

Inputs: a `TrainConfig`, whose `sinks` say where, and looks. Outputs: event files; an MLflow run with the settings as
parameters and the figures as metrics over steps. Both are optional packages: one that is asked for and missing is one
line that names the extra. An MLflow server that does not answer costs its figures, not the training.
"""

import importlib
import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from polyloop.errors import TrainingError
from polyloop.training.config import SinkConfig, TrainConfig
from polyloop.training.progress import Progress
from polyloop.training.session import Session, WriteCheckpoint

logger = logging.getLogger(__name__)

MLFLOW_RUN_FILE = "mlflow-run.txt"
"""Holds the id of the MLflow run in the run's folder, so that a resumed training goes on in the same one."""
MAX_PARAM_CHARACTERS = 500
"""Longest value of a parameter that every MLflow server takes."""


class Sink(Protocol):
    """Something that looks are sent to."""

    def write(self, look: Progress) -> None:
        """Take one look; returns at once."""
        ...

    def close(self, *, succeeded: bool) -> None:
        """Send what is left; called once, at the end."""
        ...


class TensorBoardSink:
    """Writes event files into a folder, one for each process that trained."""

    def __init__(self, folder: Path) -> None:
        self._module = required_module("tensorboardX", "tensorboard", "POLYLOOP_TENSORBOARD")
        self._folder = folder
        self._writer: Any = None

    def write(self, look: Progress) -> None:
        """Write the figures of a look."""
        if self._writer is None:
            # What an earlier process has written after the checkpoint is hidden: those steps are done again.
            purge_step = look.num_steps if look.resumed else None
            self._writer = self._module.SummaryWriter(str(self._folder), purge_step=purge_step)
        for name, value in figures_of(look).items():
            self._writer.add_scalar(name, value, look.num_steps)

    def close(self, *, succeeded: bool) -> None:
        """Flush the file."""
        if self._writer is not None:
            self._writer.close()


class MlflowSink:
    """Mirrors a run on an MLflow server, from a thread of its own."""

    def __init__(self, config: TrainConfig, uri: str) -> None:
        self._config = config
        self._mlflow = required_module("mlflow", "mlflow", "MLFLOW_TRACKING_URI")
        self._client = self._mlflow.MlflowClient(tracking_uri=uri)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mlflow")
        self._run_id: str | None = None
        self._is_lost = False

    def write(self, look: Progress) -> None:
        """Send the figures of a look in the background."""
        self._thread.submit(self._guarded, self._send, look, int(time.time() * 1_000))

    def close(self, *, succeeded: bool) -> None:
        """End the run once everything is sent."""
        self._thread.submit(self._guarded, self._end, "FINISHED" if succeeded else "FAILED")
        self._thread.shutdown(wait=True)

    def _guarded(self, call: Any, *arguments: Any) -> None:
        if self._is_lost:
            return
        try:
            call(*arguments)
        except Exception as error:  # the request's boundary: a server that is away must not end a training
            self._is_lost = True
            logger.warning("MLflow does not take the run's figures any more: %s", error)

    def _send(self, look: Progress, timestamp_ms: int) -> None:
        metric = self._mlflow.entities.Metric
        metrics = [metric(name, value, timestamp_ms, look.num_steps) for name, value in figures_of(look).items()]
        self._client.log_batch(self._run(), metrics=metrics)

    def _end(self, status: str) -> None:
        if self._run_id is not None:
            self._client.set_terminated(self._run_id, status=status)

    def _run(self) -> str:
        """Return the id of the run, which is made at the first look, or found in the run's folder."""
        if self._run_id is not None:
            return self._run_id
        note = self._config.run_dir / MLFLOW_RUN_FILE
        if note.exists():
            self._run_id = note.read_text(encoding="utf-8").strip()
            return self._run_id
        name = f"polyloop/{self._config.task_name}"
        experiment = self._client.get_experiment_by_name(name)
        experiment_id = experiment.experiment_id if experiment else self._client.create_experiment(name)
        run = self._client.create_run(experiment_id, run_name=self._config.run_dir.name)
        run_id = str(run.info.run_id)
        param = self._mlflow.entities.Param
        self._client.log_batch(run_id, params=[param(*pair) for pair in parameters_of(self._config)])
        note.write_text(run_id, encoding="utf-8")
        self._run_id = run_id
        return run_id


@dataclass(frozen=True, kw_only=True)
class ListenedSession:
    """A session whose looks also go to sinks."""

    session: Session
    sinks: Sequence[Sink]

    @property
    def rank(self) -> int:
        """Number of this worker."""
        return self.session.rank

    @property
    def world_size(self) -> int:
        """Number of workers."""
        return self.session.world_size

    @property
    def local_world_size(self) -> int:
        """Number of workers on this machine."""
        return self.session.local_world_size

    def report(self, progress: Progress) -> None:
        """Report to the session, then to each sink."""
        self.session.report(progress)
        for sink in self.sinks:
            sink.write(progress)

    def save(self, write: WriteCheckpoint) -> None:
        """Keep a checkpoint."""
        self.session.save(write)

    def latest_checkpoint(self) -> Path | None:
        """Return the newest checkpoint."""
        return self.session.latest_checkpoint()


@contextmanager
def listened(config: TrainConfig, session: Session) -> Iterator[Session]:
    """Give the session with the sinks that the config asks for, on the first worker, and close them at the end."""
    sinks = make_sinks(config) if session.rank == 0 else []
    if not sinks:
        yield session
        return
    succeeded = False
    try:
        yield ListenedSession(session=session, sinks=sinks)
        succeeded = True
    finally:
        for sink in sinks:
            sink.close(succeeded=succeeded)


def make_sinks(config: TrainConfig) -> list[Sink]:
    """Return the sinks that a config asks for; TrainingError where a package is missing."""
    sinks: list[Sink] = []
    if config.sinks.tensorboard_dir is not None:
        sinks.append(TensorBoardSink(config.sinks.tensorboard_dir / f"{config.task_name}-{config.run_dir.name}"))
    if config.sinks.mlflow_uri is not None:
        sinks.append(MlflowSink(config, config.sinks.mlflow_uri))
    return sinks


def check_sinks(sinks: SinkConfig) -> None:
    """TrainingError where a sink is asked for whose package is missing; called before anything is started."""
    if sinks.tensorboard_dir is not None:
        required_module("tensorboardX", "tensorboard", "POLYLOOP_TENSORBOARD")
    if sinks.mlflow_uri is not None:
        required_module("mlflow", "mlflow", "MLFLOW_TRACKING_URI")


def required_module(name: str, extra: str, variable: str) -> Any:
    """Return an optional package; TrainingError names the extra that brings it and the variable that asks for it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise TrainingError(
            f"{variable} is set, but the package {name} is not installed; run `pip install 'polyloop[{extra}]'`, or "
            f"unset {variable}"
        ) from None


def figures_of(look: Progress) -> dict[str, float]:
    """Return the figures of a look by name; those of the dev split at the end of an epoch only."""
    figures: dict[str, float | None] = {
        "loss/train": look.loss,
        "loss/dev": look.dev_loss if look.ends_epoch else None,
        "accuracy/dev": look.dev_accuracy if look.ends_epoch else None,
        "reward/margin": look.reward_margin,
        "reward/accuracy": look.reward_accuracy,
        "reward/kl": look.reward_kl,
        "optimizer/learning_rate": look.learning_rate,
        "optimizer/gradient_norm": look.gradient_norm,
        "speed/tokens_per_s": look.tokens_per_s,
        "speed/mfu": look.mfu,
        "memory/bytes": float(look.memory_bytes),
        "progress/epoch": look.epoch + look.step / max(1, look.steps_in_epoch),
    }
    return {name: value for name, value in figures.items() if value is not None}


def parameters_of(config: TrainConfig) -> list[tuple[str, str]]:
    """Return the settings of a run as names and texts, such as training.learning_rate."""
    pairs: list[tuple[str, str]] = [("kind", config.task.kind)]
    for part in ("model", "training"):
        content = getattr(config.task, part).model_dump(mode="json")
        pairs += [(f"{part}.{key}", str(value)[:MAX_PARAM_CHARACTERS]) for key, value in content.items()]
    return pairs
