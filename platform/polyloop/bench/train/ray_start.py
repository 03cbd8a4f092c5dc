"""What Ray Train takes from `fit` to the first step: `python -m polyloop.bench.train.ray_start CONFIG`.

Input: the config that `polyloop.bench.train.ours` is given. Output: as JSON on stdout the seconds that starting Ray
took, and those from the call of the driver until a worker began its first step. The run is then left to end.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from polyloop.cluster.connect import connected

if TYPE_CHECKING:
    from polyloop.training.config import TrainConfig
    from polyloop.training.progress import Progress

NAME = "Ray Train, from fit to the first step"


class FirstLook:
    """Notes when a run began to train: a look tells how long ago that was."""

    def __init__(self) -> None:
        self.began_at: float | None = None

    def __call__(self, look: "Progress") -> None:
        """Take a look; only the first counts."""
        if self.began_at is None:
            self.began_at = time.monotonic() - look.elapsed_s


def start_s(config: "TrainConfig") -> tuple[float, float]:
    """Return the seconds until the first step, to the 0.2 s between two readings of progress, and those of all."""
    # Imported when Ray has started, whose environment has to be set before.
    from polyloop.training.driver import run_training

    first = FirstLook()
    called_at = time.monotonic()
    run_training(
        task_name=config.task_name,
        task=config.task,
        dataset_dir=config.dataset_dir,
        run_name=config.run_dir.name,
        storage_path=config.run_dir.parent,
        on_progress=first,
    )
    ended_at = time.monotonic()
    assert first.began_at is not None  # a run that ends looks at least once, at its last step
    return first.began_at - called_at, ended_at - called_at


def main(arguments: Sequence[str] | None = None) -> None:
    """Train by Ray Train and print how long it took to begin."""
    parser = argparse.ArgumentParser(description=NAME)
    parser.add_argument("config", type=Path)
    options = parser.parse_args(arguments)
    began_at = time.monotonic()
    with connected():
        ray_s = time.monotonic() - began_at
        from polyloop.training.config import TrainConfig

        config = TrainConfig.model_validate_json(options.config.read_bytes())
        first_step_s, whole_s = start_s(config)
    report = {
        "name": NAME,
        "ray_s": round(ray_s, 3),
        "first_step_s": round(first_step_s, 3),
        "whole_s": round(whole_s, 3),
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
