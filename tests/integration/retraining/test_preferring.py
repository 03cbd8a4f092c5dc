"""Tests of `polyloop model prefer` on a Ray cluster: from feedback to a published version, once."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.support.preferring_project import TASK, Project, make_project
from typer.testing import CliRunner

from polyloop.cli.main import app
from polyloop.models.artefact import verify
from polyloop.registry.releases import promote
from polyloop.registry.versions import get_version, list_versions

pytestmark = [
    pytest.mark.usefixtures("ray_cluster"),
    # Ray Train copies the settings of Ray Data, which then warns of its own defaults.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context"),
]

TRAINING = {
    "epochs": 2,
    "cpus_per_worker": 0.5,
    "preference": {"epochs": 3, "learning_rate": 1e-3, "min_rows": 8},
}


def prefer(project: Project) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["--spec", str(project.loaded.path), "model", "prefer", TASK, "--json"])
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)
    return dict(row)


def test_corrections_become_a_version_that_goes_on_from_the_champion(tmp_path: Path) -> None:
    project = make_project(tmp_path, TRAINING)
    for number in project.numbers("train")[:5]:
        project.say(number)
    idle = prefer(project)
    assert (idle["state"], idle["version"]) == ("unchanged", None)
    assert "feedback gives 5 preferences, and `min_rows` asks for 8" in idle["message"]

    for number in project.numbers("train")[5:12]:
        project.say(number)
    made = prefer(project)
    assert (made["state"], made["version"]) == ("trained", "v2")
    assert made["feedback"]["preferences"] == 12
    version = get_version(project.store, TASK, "v2")
    assert (version.parent, version.state) == ("v1", "published")
    folder = project.loaded.artefacts_dir / str(version.path)
    manifest = verify(folder)
    (file,) = (project.loaded.artefacts_dir / "preferences" / TASK).iterdir()
    assert file.stem == str(manifest.preferences_digest)[:32]
    champion = load_file(project.loaded.artefacts_dir / "models" / TASK / "v1" / "model.safetensors")
    weights = load_file(folder / "model.safetensors")
    assert weights.keys() == champion.keys()
    assert any(not torch.equal(weights[name], weight) for name, weight in champion.items())

    assert prefer(project)["version"] == "v2"
    promote(project.store, TASK, "v2", actor="test", reason="better")
    again = prefer(project)
    assert again["state"] == "unchanged"
    assert "v2 has learned these very preferences" in again["message"]
    assert len(list_versions(project.store, TASK)) == 2
    project.store.close()
