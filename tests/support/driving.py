"""A process of its own that drives a training on a Ray cluster, and who kills it or its worker at the right moment.

Run as `python driving.py ADDRESS CONFIG`, a cluster's address and a file with a training config; its last words are
the model's folder.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from polyloop.training.checkpoint import Position, read_state
from polyloop.training.config import TrainConfig
from polyloop.training.session import PROGRESS_FILE

POLL_S = 0.05
NOTED = "checkpoint_manager_snapshot.json"
"""Ray Train's own file on the checkpoints that it has taken note of."""


class Killer(threading.Thread):
    """Kills a process once when the checkpoint to go on from lies within epoch 2 or later, not at its edge.

    `pid_of` gives the process to kill. Leave the context, and it gives up.
    """

    def __init__(self, run_dir: Path, pid_of: Callable[[], int]) -> None:
        super().__init__(name="killer", daemon=True)
        self._run_dir, self._pid_of = run_dir, pid_of
        self._over = threading.Event()
        self.killed: int | None = None
        self.position: Position | None = None

    def __enter__(self) -> "Killer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        """Look until it is time."""
        while not self._over.wait(POLL_S):
            position = noted_position(self._run_dir)
            if position is not None and position.epoch >= 1 and position.step > 0:
                try:
                    pid = self._pid_of()
                    os.kill(pid, signal.SIGKILL)
                except (IndexError, ValueError, OSError):
                    continue  # the process has not told its id yet, or only half of it
                self.position, self.killed = position, pid
                return


def noted_checkpoint(run_dir: Path) -> Path:
    """Return the newest checkpoint that Ray Train knows; OSError, ValueError or TypeError before the first."""
    noted = json.loads((run_dir / NOTED).read_text())["latest_checkpoint_result"]
    return run_dir / str(noted["checkpoint_dir_name"])


def noted_position(run_dir: Path) -> Position | None:
    """Return its position, None before the first one and while it is replaced."""
    try:
        return read_state(noted_checkpoint(run_dir)).position
    except (OSError, ValueError, TypeError):
        return None


def worker_of(run_dir: Path) -> int:
    """Return the process id of the first worker of a run that is under way."""
    return int(json.loads((run_dir / PROGRESS_FILE).read_text().splitlines()[-1])["pid"])


def start_driving(address: str, config: TrainConfig, folder: Path) -> "subprocess.Popen[str]":
    """Start such a process; `folder` is for its config."""
    path = folder / f"{config.run_dir.name}.json"
    path.write_text(config.model_dump_json())
    return subprocess.Popen([sys.executable, __file__, address, str(path)], stdout=subprocess.DEVNULL, text=True)


def _main(address: str, config_path: str) -> None:
    import ray

    from polyloop.training.driver import run_training

    config = TrainConfig.model_validate_json(Path(config_path).read_bytes())
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    print(
        run_training(
            task_name=config.task_name,
            task=config.task,
            dataset_dir=config.dataset_dir,
            run_name=config.run_dir.name,
            storage_path=config.run_dir.parent,
        ),
        flush=True,
    )


if __name__ == "__main__":
    _main(*sys.argv[1:])
