"""`serve build`, which knows nothing of our config, reads the same deployments and options out of the applications.

It takes applications and not the functions that build them, so a small module binds those of the quickstart. What it
cannot say is the name, route and arguments of an application: it has numbers for names and a route of its own for each.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.serve.scripts import build

REPOSITORY = Path(__file__).resolve().parents[3]
WRITTEN = yaml.safe_load((REPOSITORY / "serve_config.yaml").read_text(encoding="utf-8"))
BOUND = """
from polyloop.serving import app

ARGUMENTS = {{"spec": {spec!r}}}
build, build_feedback = app.build(ARGUMENTS), app.build_feedback(ARGUMENTS)
build_scheduler, build_shadow = app.build_scheduler(ARGUMENTS), app.build_shadow(ARGUMENTS)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What `serve build` writes for the four applications, in the order of serve_config.yaml."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "bound_quickstart.py").write_text(BOUND.format(spec=str(REPOSITORY / "docs/examples/quickstart.yaml")))
    paths = [one["import_path"].replace("polyloop.serving.app", "bound_quickstart") for one in WRITTEN["applications"]]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)  # taken back afterwards, which `serve build` does not do with its --app-dir
        build.main([*paths, "--app-dir", str(folder), "-o", str(folder / "config.yaml")], standalone_mode=False)
    applications: list[dict[str, Any]] = yaml.safe_load((folder / "config.yaml").read_text())["applications"]
    return applications


def test_serve_build_finds_the_deployments_that_the_config_names(built: list[dict[str, Any]]) -> None:
    for ours, theirs in zip(WRITTEN["applications"], built, strict=True):
        assert {one["name"] for one in theirs["deployments"]} == {one["name"] for one in ours["deployments"]}


def test_serve_build_reads_each_option_as_the_config_says_it(built: list[dict[str, Any]]) -> None:
    for ours, theirs in zip(WRITTEN["applications"], built, strict=True):
        found = {one["name"]: one for one in theirs["deployments"]}
        for deployment in ours["deployments"]:
            assert as_written(found[deployment["name"]], deployment) == deployment


def as_written(read: dict[str, Any], deployment: dict[str, Any]) -> dict[str, Any]:
    """Return the options that `serve build` read; of groups of options those that the config writes out.

    Of autoscaling, `serve build` writes Serve's defaults too. `num_replicas` stands for the default where Serve scales.
    """
    return {
        name: {key: value[key] for key in deployment[name]} if isinstance(value, dict) else value
        for name, value in read.items()
        if not (name == "num_replicas" and "autoscaling_config" in deployment)
    }
