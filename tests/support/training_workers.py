"""Workers that train together over gloo, each a process of its own, without Ray.

They are forked from a server that has loaded torch once, so that starting them takes milliseconds. Each worker notes
which rows it learns in which step, and can be made to kill itself in one.
"""

import json
import multiprocessing
import os
import signal
import socket
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from polyloop.training.batches import share_of
from polyloop.training.config import TrainConfig
from polyloop.training.function import train
from polyloop.training.learner import Learner, Place
from polyloop.training.rows import Ints
from polyloop.training.session import LocalSession

TIMEOUT_S = 100.0

StepRows = dict[tuple[int, int], list[int]]
"""Rows that were learned, by epoch and step."""


@dataclass(frozen=True, kw_only=True)
class Death:
    """A worker kills itself when it comes to a step."""

    rank: int
    epoch: int
    step: int


def run_workers(
    config: TrainConfig, num_workers: int, *, notes: Path | None = None, death: Death | None = None
) -> Path:
    """Train with so many workers and return the model's folder, which is not there if a worker has died.

    `notes` is a folder for what each worker learns; `read_notes` reads it.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    if notes is not None:
        notes.mkdir()
    arguments = (config.model_dump_json(), num_workers, _free_port(), notes, death)
    workers = [context.Process(target=_work, args=(rank, *arguments), daemon=True) for rank in range(num_workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(TIMEOUT_S)
    codes = [worker.exitcode for worker in workers]
    for worker in workers:
        worker.kill()
    if death is None:
        assert codes == [0] * num_workers, f"workers ended with {codes}"
    else:
        assert codes[death.rank] == -signal.SIGKILL, f"workers ended with {codes}"
    return config.run_dir / "model"


def read_notes(folder: Path) -> StepRows:
    """Return what all workers learned together."""
    rows: StepRows = defaultdict(list)
    for path in folder.iterdir():
        for line in path.read_text(encoding="utf-8").splitlines():
            note = json.loads(line)
            rows[(note["epoch"], note["step"])] += note["rows"]
    return rows


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _work(rank: int, config_json: str, world_size: int, port: int, notes: Path | None, death: Death | None) -> None:
    torch.set_num_threads(1)
    if world_size > 1:
        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": world_size, "LOCAL_WORLD_SIZE": world_size}
        os.environ.update({name: str(value) for name, value in place.items()})
        os.environ.update({"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true"})
    _watch(rank, world_size, notes, death)
    config = TrainConfig.model_validate_json(config_json)
    session = LocalSession(run_dir=config.run_dir, rank=rank, world_size=world_size, local_world_size=world_size)
    train(config, session)
    if world_size > 1:
        torch.distributed.destroy_process_group()


def _watch(rank: int, world_size: int, notes: Path | None, death: Death | None) -> None:
    """Let the learner of this process write notes, and die."""
    learn = Learner.learn

    def watched(self: Any, batch: Ints, place: Place) -> Any:
        if death is not None and (death.rank, death.epoch, death.step) == (rank, place.epoch, place.step):
            os.kill(os.getpid(), signal.SIGKILL)
        learned = learn(self, batch, place)
        if notes is not None:
            rows, weights = share_of(batch, self._lesson.weights, rank=rank, world_size=world_size)
            with (notes / f"{rank}.jsonl").open("a", encoding="utf-8") as file:
                note = {"epoch": place.epoch, "step": place.step, "rows": rows[weights > 0].tolist()}
                file.write(json.dumps(note) + "\n")
        return learned

    Learner.learn = watched  # type: ignore[method-assign]  # in this process alone
