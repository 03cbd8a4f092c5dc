"""How far a run is: lines of JSON that the first worker writes and the driver follows.

Ray Train's own report is a barrier that waits for the controller's next poll, so it is kept for checkpoints.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread
from typing import IO

from polyloop.models.storage import named_storage_errors

POLL_S = 0.2
BLOCK_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One look at a run."""

    fraction: float
    """Part of all epochs that is done, 0 to 1."""
    epoch: int
    """Current epoch, from 0."""
    step: int
    """Steps done in this epoch."""
    steps_in_epoch: int
    num_steps: int
    """Steps done since the beginning of the run, over restarts."""
    loss: float | None
    """Mean training loss since the last look."""
    dev_loss: float | None
    """Loss on the dev split at the end of the last epoch."""
    dev_accuracy: float | None
    """Part of its labels or tokens that were right, 0 to 1."""
    learning_rate: float
    gradient_norm: float | None
    """Norm of the gradients before clipping, in the last step."""
    tokens_per_s: float
    """Input and target tokens learned a second over all workers, without padding."""
    flops_per_s: float
    """Floating point operations that this takes (`polyloop.training.work`)."""
    mfu: float | None
    """Part of the GPUs' peak that they are, 0 to 1; None on a CPU."""
    memory_bytes: int
    """Most memory that the first worker has held: of its GPU, or of its process."""
    num_workers: int
    """Workers that share each step now."""
    micro_batch_tokens: int
    """Most padded tokens that a worker computes at once; smaller than the spec says where memory ran out."""
    elapsed_s: float
    """Time since this process began to train."""
    resumed: bool
    """True if this process went on from a checkpoint."""
    pid: int
    """Process id of the first worker."""
    ends_epoch: bool = False
    """True for the look at the end of an epoch; its dev figures are those of this epoch."""
    reward_margin: float | None = None
    """Mean reward of chosen over that of rejected texts, of the first worker's rows since the last look; for
    preferences."""
    reward_accuracy: float | None = None
    """Part of these rows, 0 to 1, on the right side."""
    reward_kl: float | None = None
    """KTO's estimate of how far these rows have gone from the reference, in nats."""


class ProgressFile:
    """Writes progress, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, progress: Progress) -> None:
        """Append one look; StorageFullError if it does not fit."""
        line = json.dumps(asdict(progress)).encode() + b"\n"
        with named_storage_errors(f"to {self._path}"), self._path.open("a+b") as file:
            # A disk that was full, or a node that died, may have left half a line: this one would be part of it.
            end = _end_of_lines(file)
            if end < file.seek(0, os.SEEK_END):
                file.truncate(end)
            file.write(line)


def _end_of_lines(file: IO[bytes]) -> int:
    """Return where the last complete line of a file ends."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - BLOCK_BYTES)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


class ProgressFollower:
    """Calls a function with each new line of a progress file, from a thread of its own, while the context is open."""

    def __init__(self, path: Path, on_progress: Callable[[Progress], None]) -> None:
        self._path = path
        self._on_progress = on_progress
        self._offset = path.stat().st_size if path.exists() else 0
        self._over = Event()
        self._thread = Thread(target=self._follow, name="training-progress", daemon=True)

    def __enter__(self) -> "ProgressFollower":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._read()

    def _follow(self) -> None:
        while not self._over.wait(POLL_S):
            self._read()

    def _read(self) -> None:
        for progress, offset in read_progress(self._path, self._offset):
            self._on_progress(progress)
            self._offset = offset


def read_progress(path: Path, offset: int = 0) -> list[tuple[Progress, int]]:
    """Return the complete lines after `offset`, each with the offset of its end; none if there is no file yet."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(offset)
        content = file.read()
    looks = []
    for line in content.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        offset += len(line)
        looks.append((Progress(**json.loads(line)), offset))
    return looks
