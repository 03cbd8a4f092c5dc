"""Reading Hugging Face datasets, with and without the optional package."""

import errno
import sys
import types
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyloop.data.hub import export_hub_dataset
from polyloop.errors import DataError


class FakeHub(types.ModuleType):
    """A stand-in for `datasets` that knows one dataset; the real one is tried in the integration tests."""

    class exceptions:  # noqa: N801  # named as in the real package
        class DatasetsError(Exception):
            pass

    def __init__(self) -> None:
        super().__init__("datasets")

    def disable_progress_bars(self) -> None:
        return

    def load_dataset(self, name: str, split: str) -> "FakeHub":
        if split != "train":
            raise ValueError(f'Unknown split "{split}". Should be one of ["train"].\nmore')
        return self

    def to_parquet(self, path: str) -> None:
        if "full" in path:
            raise OSError(errno.ENOSPC, "No space left on device")
        pq.write_table(pa.table({"text": ["a"]}), path)


def test_without_the_package_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(
        DataError, match=r"'moods' is a Hugging Face dataset \(org/moods\).*pip install 'polyloop\[hub\]'"
    ):
        export_hub_dataset("moods", "org/moods", "train", tmp_path / "a.parquet")


def test_a_split_becomes_a_parquet_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", FakeHub())
    export_hub_dataset("moods", "org/moods", "train", tmp_path / "a.parquet")
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == [{"text": "a"}]


def test_a_dataset_that_cannot_be_loaded_is_a_one_line_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", FakeHub())
    with pytest.raises(DataError, match=r"'moods'.*the split 'test'.*Unknown split") as caught:
        export_hub_dataset("moods", "org/moods", "test", tmp_path / "a.parquet")
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_not_taken_for_a_dataset_that_cannot_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", FakeHub())
    with pytest.raises(OSError, match="No space left"):
        export_hub_dataset("moods", "org/moods", "train", tmp_path / "full.parquet")
