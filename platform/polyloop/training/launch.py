"""Runs a training without Ray: `python -m polyloop.training.launch CONFIG`, also under `accelerate launch`.

Input: a JSON file with a `TrainConfig`. Output: the model's folder on stdout. Checkpoints go to the run's folder, and
the same command goes on from them; a second one beside it waits and finds the first one's model. The environment's
sinks are used where the config names none.
"""

import sys
from contextlib import nullcontext
from pathlib import Path

from accelerate import PartialState
from pydantic import ValidationError

from polyloop.errors import PolyloopError
from polyloop.spec.settings import settings
from polyloop.training.config import SinkConfig, TrainConfig, sinks_of
from polyloop.training.function import train
from polyloop.training.lock import only_driver
from polyloop.training.session import LocalSession

USAGE = "usage: python -m polyloop.training.launch CONFIG, a JSON file with a training config"


def main(arguments: list[str]) -> int:
    """Train as the config says; return 0, 1 when training failed, or 2 for a wrong command line or config."""
    if len(arguments) != 1:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        config = TrainConfig.model_validate_json(Path(arguments[0]).read_bytes())
    except (OSError, ValidationError) as error:
        print(f"{arguments[0]} is not a training config: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    if config.sinks == SinkConfig():
        config = config.model_copy(update={"sinks": sinks_of(settings())})
    workers = PartialState(cpu=not config.task.training.use_gpu)
    session = LocalSession(
        run_dir=config.run_dir,
        rank=workers.process_index,
        world_size=workers.num_processes,
        local_world_size=workers.num_processes,
    )
    try:
        with only_driver(config.run_dir) if session.rank == 0 else nullcontext():
            workers.wait_for_everyone()
            model_dir = train(config, session)
    except PolyloopError as error:
        print(f"training {config.task_name!r} stopped: {error}", file=sys.stderr)
        return 1
    if session.rank == 0:
        print(model_dir)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
