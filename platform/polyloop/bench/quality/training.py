"""Trains what a set asks for: in a plain process, in several under `accelerate launch`, or by Ray Train.

Input: a training config. Output: the model's folder and the seconds that training took, over all processes that had a
part in it one after the other. A run that was killed goes on where it was.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from polyloop.bench.processes import last_words, launcher, run_group
from polyloop.errors import TrainingError
from polyloop.spec.settings import child_environment
from polyloop.spec.training import TrainingSpec
from polyloop.training.config import MODEL_DIR, TrainConfig
from polyloop.training.progress import Progress, ProgressFollower, read_progress
from polyloop.training.session import PROGRESS_FILE

Runner = Literal["process", "ray"]
"""Who runs the train function."""

LAUNCHED = "polyloop.training.launch"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A trained model."""

    model_dir: Path
    train_s: float


def train_model(config: TrainConfig, runner: Runner, say: Callable[[str], None]) -> Trained:
    """Train and return the model; one that is there already is not trained again. TrainingError if it fails."""
    model_dir = config.run_dir / MODEL_DIR
    progress = config.run_dir / PROGRESS_FILE
    if not model_dir.is_dir():
        config.run_dir.mkdir(parents=True, exist_ok=True)
        if runner == "ray":
            _by_ray(config, say)
        else:
            _by_process(config, say)
    return Trained(model_dir=model_dir, train_s=training_seconds(look for look, _ in read_progress(progress)))


def describe(task_name: str, look: Progress) -> str:
    """Return one line on how far a training is."""
    loss = "" if look.loss is None else f", loss {look.loss:.3f}"
    dev = "" if look.dev_loss is None else f", dev loss {look.dev_loss:.3f}"
    return f"{task_name}: training {look.fraction:.0%}{loss}{dev}, {look.tokens_per_s:,.0f} tokens/s"


def training_seconds(looks: Iterable[Progress]) -> float:
    """Return how long a run took: the last time that each of its processes told, added up."""
    last_s: dict[int, float] = {}
    for look in looks:
        last_s[look.pid] = max(look.elapsed_s, last_s.get(look.pid, 0.0))
    return sum(last_s.values())


def launch_command(training: TrainingSpec, config_file: Path) -> list[str]:
    """Return the command that trains: plain Python for one worker, `accelerate launch` for more."""
    return [sys.executable, *launcher(training.num_workers), "-m", LAUNCHED, str(config_file)]


def _by_process(config: TrainConfig, say: Callable[[str], None]) -> None:
    training = config.task.training
    config_file = config.run_dir / "config.json"
    config_file.write_text(config.model_dump_json(), encoding="utf-8")
    threads = {"OMP_NUM_THREADS": str(training.threads_per_worker)} if training.threads_per_worker else {}
    with ProgressFollower(config.run_dir / PROGRESS_FILE, lambda look: say(describe(config.task_name, look))):
        done = run_group(launch_command(training, config_file), child_environment(threads))
    if done.returncode or not (config.run_dir / MODEL_DIR).is_dir():
        raise TrainingError(
            f"training {config.task_name!r} failed: {last_words(done)}; run it again to go on from its last checkpoint"
        )


def _by_ray(config: TrainConfig, say: Callable[[str], None]) -> None:
    from polyloop.cluster.connect import connected

    with connected():
        from polyloop.training.driver import run_training

        run_training(
            task_name=config.task_name,
            task=config.task,
            dataset_dir=config.dataset_dir,
            run_name=config.run_dir.name,
            storage_path=config.run_dir.parent,
            on_progress=lambda look: say(describe(config.task_name, look)),
        )
