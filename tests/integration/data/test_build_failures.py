"""Builds that cannot succeed: one line says why, nothing is published, and what a worker's death costs is little."""

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import ray
from tests.support.dataset_projects import ROWS, MakeProject, SmallDisk, published, replace_data, write_rows

from polyloop.data import stages
from polyloop.data.build import build_dataset
from polyloop.errors import ClusterError, DataError, StorageFullError

pytestmark = pytest.mark.usefixtures("ray_cluster")


def truncated_gzip(folder: Path) -> None:
    write_rows(folder / "b.tsv.gz", ROWS)
    (folder / "b.tsv.gz").write_bytes((folder / "b.tsv.gz").read_bytes()[:-200])


def truncated_parquet(folder: Path) -> None:
    write_rows(folder / "b.parquet", ROWS)
    (folder / "b.parquet").write_bytes((folder / "b.parquet").read_bytes()[:-20])


def other_columns(folder: Path) -> None:
    (folder / "b.csv").write_text("text,mark\na,b\n")


def unknown_format(folder: Path) -> None:
    (folder / "b.docx").write_bytes(b"?")


def one_label(folder: Path) -> None:
    write_rows(folder / "a.jsonl", [row for row in ROWS if row[1] == "good"])


def only_labels_that_the_task_does_not_have(folder: Path) -> None:
    write_rows(folder / "a.jsonl", [(text, "ugly") for text, _ in ROWS])


def empty_file(folder: Path) -> None:
    (folder / "a.jsonl").write_text("")


def no_file(folder: Path) -> None:
    (folder / "a.jsonl").unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (truncated_gzip, r"b\.tsv\.gz: the gzip file is truncated or broken"),
        (truncated_parquet, r"b\.parquet: the .*file"),
        (other_columns, r"b\.csv: there is no column 'label'; its columns: 'text', 'mark'"),
        (unknown_format, r"b\.docx: the format cannot be told"),
        (one_label, r"all rows of the train split have the label 'good'"),
        (only_labels_that_the_task_does_not_have, r"no row is left for the train split.*dropped: 240 unknown_label"),
        (empty_file, r"no row is left for the train split; rows read: 0"),
        (no_file, r"the corpus 'main': no file matches .*/data/\*"),
    ],
)
def test_a_corpus_that_cannot_be_used_is_one_line_and_publishes_nothing(
    project: MakeProject,
    tmp_path: Path,
    spoil: Callable[[Path], None],
    message: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS})
    spoil(tmp_path / "data")
    loaded = project()
    with pytest.raises(DataError, match=message) as caught:
        build_dataset(loaded, "task")
    assert "\n" not in str(caught.value)
    assert published(loaded) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "stage", ["task: cleaning", "task: gather: 1 of", "task: training a tokenizer", "task: encode: 1 of"]
)
def test_a_disk_that_gets_full_is_one_line_and_publishes_nothing(
    project: MakeProject, tmp_path: Path, small_disk: SmallDisk, capfd: pytest.CaptureFixture[str], stage: str
) -> None:
    numbers = random.Random(11)
    rows = [(f"{numbers.getrandbits(256):x}", label) for _ in range(1_000) for label in ("good", "bad")]
    replace_data(tmp_path, {"a.jsonl": rows})
    loaded = project(artefacts=str(small_disk.folder))
    home = small_disk.folder / "datasets" / "task"
    reached: list[str] = []

    def fill_at_stage(message: str) -> None:
        reached.append(message)
        if message.startswith(stage):
            small_disk.leave(8_192)

    with pytest.raises(StorageFullError) as caught:
        build_dataset(loaded, "task", progress=fill_at_stage)
    assert any(message.startswith(stage) for message in reached)
    assert str(home) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(home.iterdir()) == []
    assert [path for path in home.with_name("shards").iterdir() if path.name.startswith(".")] == []
    assert capfd.readouterr() == ("", "")


def die(_: dict[str, str]) -> dict[str, str]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def die_once(item: dict[str, str]) -> dict[str, str]:
    mark = Path(item["mark"])
    if not mark.exists():
        mark.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_work_whose_worker_died_is_done_again(tmp_path: Path) -> None:
    items = [{"mark": str(tmp_path / "a")}, {"mark": str(tmp_path / "b")}]
    done = stages.run_pass("test", die_once, items, tmp_path)
    assert sorted(done, key=lambda item: item["mark"]) == items


def test_workers_that_keep_dying_are_a_named_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "MAX_ATTEMPTS", 2)
    with pytest.raises(ClusterError, match="Ray's workers died 2 times at the same piece") as caught:
        stages.run_pass("test", die, [{"a": "b"}], tmp_path)
    assert "\n" not in str(caught.value)


def test_without_ray_the_error_says_what_to_do(project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(ClusterError, match=r"call ray\.init\(\) before"):
        build_dataset(project(), "task")
