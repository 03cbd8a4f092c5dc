"""One process at a time that drives a run.

Input: the run's folder, on a file system whose locks hold between its nodes. Effect: a lock beside the folder, which
dies with its process.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from polyloop.models.storage import named_storage_errors


@contextmanager
def only_driver(run_dir: Path) -> Iterator[None]:
    """Wait until no other process drives the run."""
    with named_storage_errors(f"to {run_dir}"):
        run_dir.mkdir(parents=True, exist_ok=True)
    with (run_dir.parent / f".{run_dir.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
