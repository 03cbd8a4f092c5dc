"""Sockets lie in a folder that none but its owner can open, one for each node, spec and task."""

import os
import tempfile
from pathlib import Path

import pytest
import ray

from polyloop.errors import ClusterError
from polyloop.serving.nearby.places import socket_folder, socket_folders


class Context:
    """What Ray tells of the process's node."""

    node = "n1"

    def get_node_id(self) -> str:
        return self.node


@pytest.fixture(autouse=True)
def context(monkeypatch: pytest.MonkeyPatch) -> Context:
    one = Context()
    monkeypatch.setattr(ray, "get_runtime_context", lambda: one)
    return one


@pytest.fixture(autouse=True)
def base(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"polyloop-{os.getuid()}"


def test_a_folder_is_its_owners_alone_and_the_same_each_time(base: Path):
    folder = socket_folder("spec", "mood")

    assert folder == socket_folder("spec", "mood")
    assert folder.parent == base
    assert {path.stat().st_mode & 0o777 for path in (base, folder)} == {0o700}


def test_tasks_specs_and_nodes_have_folders_of_their_own(context: Context):
    found = {socket_folder("spec", "mood"), socket_folder("spec", "topic"), socket_folder("other", "mood")}
    context.node = "n2"
    found.add(socket_folder("spec", "mood"))

    assert len(found) == 4


@pytest.mark.parametrize("mode", [0o755, 0o710, 0o777])
def test_a_folder_that_others_can_open_is_not_used(base: Path, mode: int):
    base.mkdir()
    base.chmod(mode)

    with pytest.raises(ClusterError, match="remove it"):
        socket_folder("spec", "mood")
    assert socket_folders("spec", ["mood"]) == {}


def test_a_link_to_a_folder_is_not_used(base: Path, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    base.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ClusterError, match="remove it"):
        socket_folder("spec", "mood")


def test_a_file_in_the_folders_place_is_told(base: Path):
    base.touch()

    with pytest.raises(ClusterError, match="there can be no folder"):
        socket_folder("spec", "mood")


def test_each_task_has_its_folder():
    assert socket_folders("spec", ["a", "b"]) == {name: socket_folder("spec", name) for name in ("a", "b")}
