"""A run's whole state in one file, so that a killed run goes on exactly where it was.

Held are weights, optimiser state, averages, the best weights so far and the position. Random numbers and learning rate
follow from the position, so they need no state. Limits: loaded with `weights_only`, so a checkpoint cannot run code.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from polyloop.models.storage import flush, named_storage_errors
from polyloop.training.averaging import Weights

STATE_FILE = "state.pt"


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a run is."""

    epoch: int = 0
    """Epoch that is under way, from 0."""
    step: int = 0
    """Steps done in it."""
    num_steps: int = 0
    """Steps done since the beginning."""
    dev_loss: float | None = None
    """Loss on the dev split after the last finished epoch."""
    dev_accuracy: float | None = None
    """Part of the dev split's labels or tokens that are right after the last finished epoch."""
    best_score: float | None = None
    """Best score of an epoch so far; more is better."""
    best_epoch: int = 0
    """Epoch with the best score."""
    is_over: bool = False
    """True if training has ended before its last epoch, since none got better."""


@dataclass(frozen=True, kw_only=True)
class State:
    """What a checkpoint holds."""

    weights: Weights
    optimizer: dict[str, Any]
    averages: list[Weights]
    best_weights: Weights | None
    position: Position


def write_state(folder: Path, state: State) -> None:
    """Write the state into a folder and flush it to disk; StorageFullError if it does not fit."""
    with named_storage_errors(f"a training checkpoint to {folder}"):
        with (folder / STATE_FILE).open("wb") as file:
            torch.save({**vars(state), "position": asdict(state.position)}, file)
        flush(folder / STATE_FILE)
        flush(folder)


def read_state(folder: Path) -> State:
    """Return the state in a folder, on the CPU."""
    content = torch.load(folder / STATE_FILE, map_location="cpu", weights_only=True)
    return State(**{**content, "position": Position(**content["position"])})
