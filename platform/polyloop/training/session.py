"""What the train function needs from whoever runs it: its rank, and a place for progress and checkpoints.

`LocalSession` serves a plain process and `accelerate launch`; `polyloop.training.ray_session` serves Ray Train.
"""

import os
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from polyloop.models.storage import flush
from polyloop.training.progress import Progress, ProgressFile

PROGRESS_FILE = "progress.jsonl"
CHECKPOINTS_TO_KEEP = 2
STAGING = ".checkpoint-"

WriteCheckpoint = Callable[[Path], None]
"""Writes a checkpoint's files into an empty folder."""


class Session(Protocol):
    """The runner's side of a train function; every worker has one."""

    @property
    def rank(self) -> int:
        """Number of this worker, from 0."""
        ...

    @property
    def world_size(self) -> int:
        """Number of workers."""
        ...

    @property
    def local_world_size(self) -> int:
        """Number of workers on this machine."""
        ...

    def report(self, progress: Progress) -> None:
        """Tell how far the run is; called on the first worker only, returns at once."""
        ...

    def save(self, write: WriteCheckpoint) -> None:
        """Keep a checkpoint; called on every worker, `write` is called on the first."""
        ...

    def latest_checkpoint(self) -> Path | None:
        """Return the folder of the newest checkpoint that is complete."""
        ...


@dataclass(frozen=True, kw_only=True)
class LocalSession:
    """A session whose checkpoints are folders beside each other, published by renaming; the last two are kept."""

    run_dir: Path
    rank: int = 0
    world_size: int = 1
    local_world_size: int = 1

    def report(self, progress: Progress) -> None:
        """Append to the progress file."""
        self.run_dir.mkdir(parents=True, exist_ok=True)
        ProgressFile(self.run_dir / PROGRESS_FILE).write(progress)

    def save(self, write: WriteCheckpoint) -> None:
        """Write a checkpoint under a temporary name, rename it, and remove all but the last two."""
        if self.rank:
            return
        # Of processes that were killed while they wrote; a run has one process that does.
        for left in self.run_dir.glob(f"{STAGING}*"):
            shutil.rmtree(left)
        staging = self.run_dir / f"{STAGING}{uuid.uuid4().hex}"
        staging.mkdir(parents=True)
        try:
            write(staging)
            os.rename(staging, self.run_dir / f"checkpoint-{self._next_number():06d}")
            flush(self.run_dir)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        for old in self._checkpoints()[:-CHECKPOINTS_TO_KEEP]:
            shutil.rmtree(old)

    def latest_checkpoint(self) -> Path | None:
        """Return the checkpoint with the highest number."""
        checkpoints = self._checkpoints()
        return checkpoints[-1] if checkpoints else None

    def _checkpoints(self) -> list[Path]:
        return sorted(self.run_dir.glob("checkpoint-*"))

    def _next_number(self) -> int:
        checkpoints = self._checkpoints()
        return int(checkpoints[-1].name.rpartition("-")[2]) + 1 if checkpoints else 0
