"""The train function as a Ray Train worker: checkpoints through Ray Train, progress through a file.

Checkpoints are written straight into the run's folder and only registered with Ray Train, which resumes from them and
removes old ones. A failure that a retry would only repeat is written down, and ends the run at once.
"""

import json
import logging
import shutil
import uuid
from pathlib import Path
from typing import Any

import ray.train

from polyloop import errors
from polyloop.errors import PolyloopError
from polyloop.models.storage import write_bytes
from polyloop.training.progress import Progress, ProgressFile
from polyloop.training.session import PROGRESS_FILE, WriteCheckpoint

FAILURE_FILE = "failure.json"


class RaySession:
    """The session of one Ray Train worker."""

    def __init__(self, run_dir: Path) -> None:
        context = ray.train.get_context()
        self.rank: int = context.get_world_rank()
        self.world_size: int = context.get_world_size()
        self.local_world_size: int = context.get_local_world_size()
        self._run_dir = run_dir
        self._progress = ProgressFile(run_dir / PROGRESS_FILE)

    def report(self, progress: Progress) -> None:
        """Append to the progress file; Ray Train's report would wait for its controller."""
        self._progress.write(progress)

    def save(self, write: WriteCheckpoint) -> None:
        """Write a checkpoint on the first worker and register it; every worker waits for the others here."""
        if self.rank:
            ray.train.report({}, checkpoint=None)
            return
        folder = self._run_dir / f"checkpoint-{uuid.uuid4().hex}"
        folder.mkdir()
        try:
            write(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        ray.train.report(
            {},
            checkpoint=ray.train.Checkpoint.from_directory(folder),
            checkpoint_upload_mode=ray.train.CheckpointUploadMode.NO_UPLOAD,
        )

    def latest_checkpoint(self) -> Path | None:
        """Return the folder of the checkpoint that Ray Train resumes from."""
        checkpoint = ray.train.get_checkpoint()
        return Path(checkpoint.path) if checkpoint is not None else None


def train_worker(train_loop_config: dict[str, Any]) -> None:
    """Run the train function in a Ray Train worker; `train_loop_config` is a `TrainConfig` as JSON values."""
    # Imported here, so that the driver does not load torch to hand over this function.
    from polyloop.training.config import TrainConfig
    from polyloop.training.function import train

    # Ray Train sends its own notes to the user's terminal; warnings are enough.
    logging.getLogger("ray.train").setLevel(logging.WARNING)
    config = TrainConfig.model_validate(train_loop_config)
    if read_failure(config.run_dir) is not None:
        return
    session = RaySession(config.run_dir)
    try:
        train(config, session)
    except PolyloopError as error:
        write_failure(config.run_dir, error)
        if session.world_size > 1:
            # The other workers may be waiting for this one; Ray Train ends them, and its retry returns at once.
            raise


def write_failure(run_dir: Path, error: PolyloopError) -> None:
    """Write down a failure that a retry would only repeat.

    Whole or not at all: all workers may fail at once, and the first one's end kills the others.
    """
    content = {"error": type(error).__name__, "message": error.message}
    write_bytes(run_dir / FAILURE_FILE, json.dumps(content).encode())


def read_failure(run_dir: Path) -> PolyloopError | None:
    """Return the failure that a worker of this run has written down, if any."""
    path = run_dir / FAILURE_FILE
    if not path.exists():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    error: PolyloopError = getattr(errors, content["error"])(content["message"])
    return error
