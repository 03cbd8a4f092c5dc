"""A training with `min_workers` on two nodes, of which one dies: it goes on alone, and learns what it would have.

That it takes a new node in again was tried by hand; Ray looks for one every 20 s, which is too long for each test run.
"""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.e2e.two_nodes import TwoNodes, wait_until
from tests.support.driving import noted_checkpoint, noted_position, start_driving
from tests.support.small_tasks import small_dataset, small_task

from polyloop.training.checkpoint import Position, read_state
from polyloop.training.config import TrainConfig
from polyloop.training.function import train
from polyloop.training.progress import Progress, read_progress
from polyloop.training.session import PROGRESS_FILE, LocalSession

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def test_a_run_goes_on_with_the_workers_that_there_are(two_nodes: TwoNodes, tmp_path: Path) -> None:
    training = {
        "epochs": 1_000,
        "batch_tokens": 256,
        "dropout": 0.0,
        "learning_rate": 1e-5,
        # What is learned up to a step then does not depend on how long the run is meant to be.
        "schedule": "constant",
        "warmup_fraction": 0.0,
        "select": "last",
        "num_workers": 2,
        "min_workers": 1,
        "checkpoint_every_s": 1.0,
        "max_failures": 2,
    }
    task = small_task("classify", training=training)
    dataset = small_dataset(tmp_path / "dataset", task, range(200))
    run = tmp_path / "runs" / "elastic"
    config = TrainConfig(task_name="numbers", task=task, dataset_dir=dataset.path, run_dir=run)
    driver = start_driving(two_nodes.cluster.gcs_address, config, tmp_path)

    def wait_for(num_workers: int, since: int = 0) -> int:
        """Wait until so many learn, and have for some looks; return how many looks there were."""
        wait_until(
            lambda: driver.poll() is not None or workers_of(run)[since:].count(num_workers) > 2,
            f"{num_workers} workers are at work",
        )
        assert driver.poll() is None, "the run was over too soon"
        return len(workers_of(run))

    seen = wait_for(2)
    wait_until(lambda: noted_position(run) is not None, "Ray Train has taken note of a checkpoint")
    two_nodes.cluster.remove_node(two_nodes.second, allow_graceful=False)
    wait_for(1, seen)
    looks = looks_of(run)
    alone = looks[changes(looks)[-1]].num_steps
    wait_until(lambda: (noted_position(run) or Position()).num_steps > alone, "it has learned, up to a checkpoint")
    driver.kill()
    driver.wait()

    looks = looks_of(run)
    assert [looks[at].num_workers for at in changes(looks)] == [2, 1]
    # A run that began anew would count its steps from the beginning.
    assert looks[changes(looks)[1]].resumed
    assert alone > 0
    state = read_state(noted_checkpoint(run))
    expected = load_file(trained_alone_up_to(state.position, config, looks[0].steps_in_epoch) / "model.safetensors")
    for key, weight in expected.items():
        torch.testing.assert_close(state.weights[key], weight, rtol=1e-3, atol=2e-4, msg=key)


def trained_alone_up_to(position: Position, config: TrainConfig, steps_in_epoch: int) -> Path:
    """Train in this process for as many steps and return the model's folder."""
    part = (position.step - 0.5) / steps_in_epoch if position.step else 0.0
    training = config.task.training.model_copy(update={"epochs": position.epoch + part})
    task = config.task.model_copy(update={"training": training})
    plain = config.model_copy(update={"task": task, "run_dir": config.run_dir.parent / "plain"})
    model = train(plain, LocalSession(run_dir=plain.run_dir))
    assert looks_of(plain.run_dir)[-1].num_steps == position.num_steps
    return model


def looks_of(run: Path) -> list[Progress]:
    """Return what the first worker has told so far."""
    return [look for look, _ in read_progress(run / PROGRESS_FILE)]


def workers_of(run: Path) -> list[int]:
    """Return how many workers there were at each look."""
    return [look.num_workers for look in looks_of(run)]


def changes(looks: list[Progress]) -> list[int]:
    """Return the places of the looks at which the number of workers is another than before."""
    return [at for at, look in enumerate(looks) if not at or look.num_workers != looks[at - 1].num_workers]
