"""Builds that are killed on the way, and builds at once: the next one goes on, and one dataset is published."""

from pathlib import Path

import pytest
import ray
from tests.support.building import small_pieces, start_building, wait_for
from tests.support.dataset_projects import (
    UNLIKE,
    MakeProject,
    make_project,
    nearly,
    published,
    quoting,
    replace_data,
    rows_of,
    varied_rows,
)

from polyloop.data.build import build_dataset
from polyloop.data.dataset import Dataset, open_dataset
from polyloop.spec.loader import LoadedSpec

pytestmark = pytest.mark.usefixtures("ray_cluster")

PASSES = ("clean", "gather", "match", "select", "encode")
Files = dict[Path, tuple[int, int]]
"""File -> its inode and when it was written: a file that was written again has others."""


def project_of_many_pieces(folder: Path) -> LoadedSpec:
    rows = varied_rows(400, 1)
    replace_data(folder, {"a.jsonl": rows + nearly(rows[::10], 2) + quoting(rows[1::20], 3)})
    return make_project(folder, UNLIKE)


@pytest.fixture(scope="module")
def unbroken(ray_cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The dataset of a build that nobody disturbs."""
    with pytest.MonkeyPatch.context() as patch:
        small_pieces(patch)
        return build_dataset(project_of_many_pieces(tmp_path_factory.mktemp("unbroken")), "task")


@pytest.fixture(scope="module")
def killed(ray_cluster: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, LoadedSpec]:
    """Pass -> a project whose build was killed, group and all, once it had done one piece of that pass.

    The builds go on at once, since most of their time is the start of a process.
    """
    address = ray.get_runtime_context().gcs_address
    projects = {name: project_of_many_pieces(tmp_path_factory.mktemp(f"killed-in-{name}")) for name in PASSES}
    processes = [
        start_building(address, loaded.path, "--small", "--kill-at", f"task: {name}: ")
        for name, loaded in projects.items()
    ]
    outputs = [process.communicate(timeout=120)[0].splitlines() for process in processes]
    for name, process, said in zip(PASSES, processes, outputs, strict=True):
        assert process.returncode == -9, said
        assert said[-1].startswith(f"task: {name}: "), said
    return projects


def files_of(folder: Path, pattern: str) -> Files:
    found: Files = {}
    for path in folder.glob(pattern):
        status = path.stat()
        found[path] = (status.st_ino, status.st_mtime_ns)
    return found


def done_before(loaded: LoadedSpec) -> Files:
    """Return the files that say what a killed build has done."""
    home = loaded.artefacts_dir / "datasets"
    described = [path.with_suffix(".arrow").name for path in home.glob("shards/*.json")]
    shards = {path: was for path, was in files_of(home, "shards/*.arrow").items() if path.name in described}
    answers = files_of(home, "task/.building-*/*-answers/*.json")
    return shards | {path: was for path, was in answers.items() if path.parent.name != "clean-answers"}


@pytest.mark.parametrize("name", PASSES)
def test_a_build_that_was_killed_is_gone_on_with(
    killed: dict[str, LoadedSpec], unbroken: Dataset, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_pieces(monkeypatch)
    loaded = killed[name]
    assert all(path.name.startswith(".building-") for path in published(loaded)), "something half-made was published"
    before = done_before(loaded)
    (work,) = (path for path in published(loaded) if path.is_dir() and not path.name.startswith(".building-exports"))
    num_done = len(list(work.glob(f"{name}-answers/*.json"))) if name != "clean" else len(before)
    assert num_done > 0
    leave_half_written_files(work)

    said: list[str] = []
    after: Files = {}

    def tell(message: str) -> None:
        said.append(message)
        if message.startswith("task: warning"):  # all passes are done, and nothing is cleaned up yet
            after.update(done_before(loaded))

    dataset = build_dataset(loaded, "task", progress=tell)

    assert dataset.digest == unbroken.digest
    assert rows_of(dataset) == rows_of(unbroken)
    assert open_dataset(dataset.path).manifest.dropped == unbroken.manifest.dropped
    assert {path: after.get(path) for path in before} == before, "work was done twice"
    for done in PASSES[: PASSES.index(name)]:
        assert not any(message.startswith(f"task: {done}: ") for message in said), f"{done} was done again"
    assert_clean(loaded, dataset)


def leave_half_written_files(work: Path) -> None:
    """Put into a killed build's folder what it may have been writing."""
    for place in ("dataset/.drops.jsonl.0", "dataset/train/.part-00000.parquet.0", "buckets/.00000.arrow.0"):
        if (work / place).parent.is_dir():
            (work / place).write_bytes(b"half")


def assert_clean(loaded: LoadedSpec, dataset: Dataset) -> None:
    assert published(loaded) == [dataset.path]
    listed = {file.name for file in dataset.manifest.files} | {"manifest.json", "report.html", "README.md"}
    assert {path.relative_to(dataset.path).as_posix() for path in dataset.path.rglob("*") if path.is_file()} == listed


def test_two_builds_of_the_same_at_once_do_the_work_once(project: MakeProject, tmp_path: Path) -> None:
    loaded = project(UNLIKE)
    replace_data(tmp_path, {"a.jsonl": varied_rows(60, 1)})
    address = ray.get_runtime_context().gcs_address
    with start_building(address, loaded.path, "--wait-at", "task: training a tokenizer") as first:
        wait_for(first, "task: training a tokenizer")
        with start_building(address, loaded.path) as second:
            wait_for(second, "ready")
            first.communicate("go on\n", timeout=60)
            said = second.communicate(timeout=60)[0].splitlines()
    assert (first.returncode, second.returncode) == (0, 0)
    (path,) = published(loaded)
    assert said[-1] == path.name
    assert not any(message.startswith("task: encode") for message in said)


def test_two_builds_of_the_same_rows_from_other_files_at_once_publish_one_dataset(tmp_path: Path) -> None:
    rows = varied_rows(60, 1)
    address = ray.get_runtime_context().gcs_address
    processes = []
    for name in ("a.jsonl", "b.csv"):
        replace_data(tmp_path / name, {name: rows})
        loaded = make_project(tmp_path / name, UNLIKE, artefacts=str(tmp_path / "artefacts"))
        processes.append(start_building(address, loaded.path, "--wait-at", "task: training a tokenizer"))
    for process in processes:
        wait_for(process, "task: training a tokenizer")
    outputs = [process.communicate("go on\n", timeout=60)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert all(any(message.startswith("task: encode") for message in said) for said in outputs)
    (path,) = published(loaded)
    assert {said[-1] for said in outputs} == {path.name, open_dataset(path).digest}
