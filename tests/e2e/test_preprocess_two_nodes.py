"""A dataset job on two nodes, of which one dies half-way: it succeeds, with the dataset of an undisturbed build."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.processes import descendants
from tests.e2e.two_nodes import WAIT_S, TwoNodes, wait_until
from tests.support.building import start_building
from tests.support.dataset_projects import UNLIKE, make_project, nearly, varied_rows, write_rows

from polyloop.data.dataset import open_dataset
from polyloop.spec.loader import LoadedSpec
from polyloop.spec.settings import child_environment

REPOSITORY = Path(__file__).resolve().parents[2]
NUM_FILES = 50
ROWS_PER_FILE = 20
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def slow_project(folder: Path) -> LoadedSpec:
    """Write a corpus of many files, whose cleaning takes a cluster of two CPUs some ten seconds."""
    rows = varied_rows(NUM_FILES * ROWS_PER_FILE - 100, 1)
    rows += nearly(rows[:100], 2)
    for number in range(NUM_FILES):
        write_rows(folder / "data" / f"{number:03d}.jsonl", rows[number::NUM_FILES])
    slow = {"cleaning": {"pii": {"action": "report", "entities": "tests.support.slow_finder:find"}}}
    return make_project(folder, UNLIKE, {"main": slow})


def quick_project(folder: Path, data: Path) -> LoadedSpec:
    """Return a project of the same rows whose cleaning takes no time."""
    return make_project(folder, UNLIKE, {"main": {"paths": [f"{data}/*"]}})


def test_a_job_goes_on_when_a_node_dies_and_makes_the_same_dataset(two_nodes: TwoNodes, tmp_path: Path) -> None:
    loaded = slow_project(tmp_path / "slow")
    quick = quick_project(tmp_path / "quick", tmp_path / "slow" / "data")
    with start_building(two_nodes.cluster.gcs_address, quick.path) as undisturbed:
        digest = undisturbed.communicate(timeout=WAIT_S)[0].splitlines()[-1]
    with submitted(two_nodes.dashboard, loaded.path) as job:
        shards = loaded.artefacts_dir / "datasets" / "shards"
        wait_until(lambda: job.poll() is not None or len(list(shards.glob("*.json"))) >= NUM_FILES // 4, "work is done")
        wait_until(lambda: job.poll() is not None or is_at_work(two_nodes.second), "the second node is at work")
        assert job.poll() is None, job.communicate()[0][-2_000:]
        two_nodes.cluster.remove_node(two_nodes.second, allow_graceful=False)
        assert len(list(shards.glob("*.json"))) < NUM_FILES, "the node died too late"
        output = job.communicate(timeout=WAIT_S)[0]

    assert job.returncode == 0, output[-2_000:]
    (folder,) = (path for path in (loaded.artefacts_dir / "datasets" / "task").iterdir() if path.name != "by-key")
    dataset = open_dataset(folder)
    assert dataset.digest == digest
    assert f'"digest": {json.dumps(digest)}' in output
    assert dataset.manifest.corpora["main"].rows_read == NUM_FILES * ROWS_PER_FILE
    assert dataset.manifest.dropped["near_duplicate"] > 50


def submitted(dashboard: str, spec: Path) -> "subprocess.Popen[str]":
    """Submit the job and return the process that waits for its end."""
    submit = [sys.executable, "-m", "ray.scripts.scripts", "job", "submit", "--address", dashboard]
    command = [sys.executable, "jobs/preprocess.py", "--spec", str(spec), "--task", "task", "--json"]
    environment = child_environment({"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])})
    return subprocess.Popen(
        [*submit, "--working-dir", ".", "--", *command],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def is_at_work(node: Any) -> bool:
    """Return whether a worker of the node has a piece of a pass in hand."""
    (raylet,) = node.all_processes["raylet"]
    return any(command.startswith("ray::Map(") for command in descendants(raylet.process.pid).values())
