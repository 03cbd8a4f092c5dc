"""One trial of a sweep, as Ray Tune runs it: the train function, whose dev score goes to Ray Tune after each epoch.

Checkpoints are the trial's own, in its folder, so that a trial whose process died goes on from them. What it has told
before is told again first, since Ray Tune knows nothing of an earlier process. A failure is written down and ends the
trial in peace: a retry would only repeat it. A process that dies is started again by Ray Tune.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from polyloop.errors import PolyloopError, TrainingError
from polyloop.training.progress import Progress, read_progress
from polyloop.training.ray_session import FAILURE_FILE, write_failure
from polyloop.training.scores import EpochScore, epoch_scores
from polyloop.training.session import PROGRESS_FILE, LocalSession, WriteCheckpoint
from polyloop.training.sweep.files import CONFIG_FILE
from polyloop.training.sweep.stopping import EPOCH, SCORE

logger = logging.getLogger(__name__)

Tell = Callable[[dict[str, float]], None]


class TrialSession:
    """A local session that tells the score of each epoch; telling does not return where the trial is stopped."""

    rank = 0
    world_size = 1
    local_world_size = 1

    def __init__(self, run_dir: Path, select: str, tell: Tell) -> None:
        self._local = LocalSession(run_dir=run_dir)
        self._progress = run_dir / PROGRESS_FILE
        self._select, self._tell = select, tell
        self._told = 0

    def tell_past(self) -> None:
        """Tell what an earlier process of the trial has reached."""
        self._tell_new()

    def report(self, progress: Progress) -> None:
        """Append to the progress file and, at the end of an epoch that was not told yet, tell its score."""
        self._local.report(progress)
        if progress.ends_epoch:
            self._tell_new()

    def save(self, write: WriteCheckpoint) -> None:
        """Keep a checkpoint in the trial's folder."""
        self._local.save(write)

    def latest_checkpoint(self) -> Path | None:
        """Return the newest checkpoint in the trial's folder."""
        return self._local.latest_checkpoint()

    def _tell_new(self) -> None:
        looks = [look for look, _ in read_progress(self._progress)]
        for one in epoch_scores(looks, self._select):
            if one.epoch > self._told:
                self._told = one.epoch
                self._tell(told_of(one))


def told_of(one: EpochScore) -> dict[str, float]:
    """Return what is told of an epoch."""
    return {EPOCH: one.epoch, SCORE: one.score, "dev_loss": one.dev_loss, "dev_accuracy": one.dev_accuracy}


def train_trial(config: dict[str, Any]) -> None:
    """Train in a process of Ray Tune; `config` has the trial's folder and, as JSON text there, what to train."""
    import ray.tune

    from polyloop.training.config import TrainConfig
    from polyloop.training.function import train

    folder = Path(config["folder"])
    run = TrainConfig.model_validate_json((folder / CONFIG_FILE).read_bytes())
    (folder / FAILURE_FILE).unlink(missing_ok=True)
    session = TrialSession(folder, run.task.training.select, ray.tune.report)
    try:
        session.tell_past()
        train(run, session)
    except PolyloopError as error:
        write_failure(folder, error)
    except Exception as error:  # the process's boundary: one trial's mistake must not end the others
        logger.exception("the trial in %s failed", folder)
        line = " ".join(str(error).split())[:300]
        write_failure(folder, TrainingError(f"{type(error).__name__}: {line}"))
