"""The train function of Polyloop, measured: `python -m polyloop.bench.train.ours CONFIG [--skip-s 3]`.

Input: a JSON file with a training config, as for `polyloop.training.launch`; also under `accelerate launch`. Output: as
JSON on stdout, from the first worker, tokens a second after the first seconds and the seconds of each checkpoint.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from accelerate import PartialState

from polyloop.bench.train.rates import points_of, rate_of
from polyloop.bench.train.session import MeasuringSession
from polyloop.training.config import TrainConfig
from polyloop.training.function import train

NAME = "polyloop, train function"
SKIP_S = 3.0


def measured(config: TrainConfig, session: MeasuringSession, *, skip_s: float) -> dict[str, Any]:
    """Train, and return what was measured."""
    train(config, session)
    last = session.looks[-1]
    rate = rate_of(points_of(session.looks), skip_s=skip_s)
    return {
        "name": NAME,
        "tokens_per_s": rate.tokens_per_s,
        "measured_s": round(rate.measured_s, 3),
        "num_steps": last.num_steps,
        "loss": last.loss,
        "memory_bytes": last.memory_bytes,
        "saves_s": [round(seconds, 4) for seconds in session.saves_s],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the config says and print what was measured."""
    parser = argparse.ArgumentParser(description=NAME)
    parser.add_argument("config", type=Path)
    parser.add_argument("--skip-s", type=float, default=SKIP_S)
    options = parser.parse_args(arguments)
    config = TrainConfig.model_validate_json(options.config.read_bytes())
    workers = PartialState(cpu=not config.task.training.use_gpu)
    session = MeasuringSession(
        run_dir=config.run_dir,
        rank=workers.process_index,
        world_size=workers.num_processes,
        local_world_size=workers.num_processes,
    )
    if session.rank:
        train(config, session)
        return
    json.dump(measured(config, session, skip_s=options.skip_s), sys.stdout)


if __name__ == "__main__":
    main()
