"""The Parquet file of curated examples."""

import errno
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyloop.errors import ArtefactError, StorageFullError
from polyloop.feedback.decisions import CuratedExample
from polyloop.feedback.snapshot import snapshot_digest, write_snapshot


def example(name: str, target: str = "ja") -> CuratedExample:
    return CuratedExample(
        id=name, task="t", locale="en", target_locale="de", input=f"in {name}", target=target, weight=1.5
    )


def test_the_file_has_the_example_columns_sorted_by_id(tmp_path: Path) -> None:
    path = write_snapshot([example("b"), example("a")], tmp_path / "new")
    table = pq.read_table(path)
    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("id", "string"),
        ("task", "string"),
        ("locale", "string"),
        ("target_locale", "string"),
        ("input", "string"),
        ("target", "string"),
        ("weight", "float"),
        ("corpus", "string"),
        ("split", "string"),
    ]
    assert table.column("id").to_pylist() == ["a", "b"]
    assert set(table.column("corpus").to_pylist()) == {"feedback"}
    assert set(table.column("split").to_pylist()) == {"train"}
    assert table.column("weight").to_pylist() == [1.5, 1.5]


def test_the_same_examples_give_the_same_file(tmp_path: Path) -> None:
    first = write_snapshot([example("a"), example("b")], tmp_path / "one")
    second = write_snapshot([example("b"), example("a")], tmp_path / "two")
    assert first.name == second.name == f"{snapshot_digest([example('a'), example('b')])}.parquet"
    assert first.read_bytes() == second.read_bytes()
    assert write_snapshot([example("a")], tmp_path / "one").name != first.name
    assert write_snapshot([example("a", target="nein"), example("b")], tmp_path / "one").name != first.name


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = write_snapshot([example("a")], tmp_path)
    changed_at = path.stat().st_mtime_ns
    assert write_snapshot([example("a")], tmp_path) == path
    assert path.stat().st_mtime_ns == changed_at
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(("code", "kind"), [(errno.ENOSPC, StorageFullError), (errno.EIO, ArtefactError)])
def test_a_failed_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[Exception]
) -> None:
    def fail(table: pa.Table, file: object) -> NoReturn:
        raise OSError(code, "the disk says no")

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(kind):
        write_snapshot([example("a")], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtefactError, match="cannot be written"):
        write_snapshot([example("a")], tmp_path / "file" / "sub")
