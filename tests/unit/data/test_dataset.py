"""Reading a published dataset back, and refusing a damaged one."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from polyloop.data.dataset import open_dataset
from polyloop.data.manifest import FORMAT_VERSION, Manifest, PartFile, StepRecord, TokenizerRecord
from polyloop.data.rows import ENCODED_SCHEMA
from polyloop.data.storage import file_sha256, write_parquet
from polyloop.errors import ArtefactError
from polyloop.models.storage import write_bytes

ROW = {
    "task": "t",
    "locale": "en",
    "target_locale": "de",
    "input": "a",
    "target": "b",
    "weight": 1.0,
    "corpus": "c",
    "licence": "CC0-1.0",
    "source": "",
    "split": "train",
    "input_ids": [3, 5, 1],
    "target_ids": [6, 1],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = []
    for number in (1, 0):
        name = f"train/part-0000{number}.parquet"
        (tmp_path / "train").mkdir(exist_ok=True)
        write_parquet(tmp_path / name, pa.Table.from_pylist([{**ROW, "id": str(number)}], schema=ENCODED_SCHEMA))
        path = tmp_path / name
        files.append(PartFile(name=name, sha256=file_sha256(path), size_bytes=path.stat().st_size))
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        task="t",
        digest="d",
        build_key="k",
        holdout_digest="h",
        spec_digest="s",
        code_version="0",
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        corpora={},
        rows={"train": {"de": 2}, "dev": {}, "holdout": {}},
        label_counts={},
        dropped={},
        steps=(StepRecord(name="read", rows_in=3, rows_out=2, rows_changed=0, dropped={"bad_json": 1}),),
        tokenizer=TokenizerRecord(kind="trained", vocab_size=300, sha256="t"),
        feedback_digest=None,
        warnings=(),
        duration_s=1.0,
        rows_per_s=2.0,
        files=tuple(files),
    )
    write_bytes(tmp_path / "manifest.json", manifest.to_json())
    return tmp_path


def test_splits_are_tables_in_the_order_of_ids(folder: Path) -> None:
    dataset = open_dataset(folder)
    train = dataset.table("train")
    assert train.schema == ENCODED_SCHEMA
    assert train["id"].to_pylist() == ["0", "1"]
    assert train["input_ids"].to_pylist() == [[3, 5, 1]] * 2
    assert (dataset.digest, dataset.holdout_digest, dataset.tokenizer_dir) == ("d", "h", folder / "tokenizer")


def test_a_split_without_rows_is_an_empty_table(folder: Path) -> None:
    dev = open_dataset(folder).table("dev")
    assert (dev.num_rows, dev.schema) == (0, ENCODED_SCHEMA)


def test_rows_are_counted_by_split(folder: Path) -> None:
    manifest = open_dataset(folder).manifest
    assert (manifest.num_rows("train"), manifest.num_rows("holdout")) == (2, 0)


def test_a_changed_file_is_refused(folder: Path) -> None:
    path = folder / "train" / "part-00000.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ArtefactError, match=r"train/part-00000\.parquet is missing or not what was published"):
        open_dataset(folder)


@pytest.mark.parametrize("verify", [True, False])
def test_a_missing_or_shorter_file_is_refused_even_without_verifying(folder: Path, verify: bool) -> None:
    path = folder / "train" / "part-00001.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtefactError, match=r"part-00001\.parquet is missing"):
        open_dataset(folder, verify=verify)
    path.unlink()
    with pytest.raises(ArtefactError, match=r"part-00001\.parquet is missing"):
        open_dataset(folder, verify=verify)


def test_a_folder_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"this is no dataset: it has no manifest\.json"):
        open_dataset(tmp_path / "gone")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"format_version": FORMAT_VERSION + 1},
            f"the dataset has format version {FORMAT_VERSION + 1}, this code reads {FORMAT_VERSION}",
        ),
        ({"digest": 5}, r"manifest\.json: digest: "),
        ({"surprise": 1}, r"manifest\.json: surprise: "),
    ],
)
def test_another_or_malformed_manifest_is_refused(folder: Path, change: dict[str, object], message: str) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ArtefactError, match=message):
        open_dataset(folder)


def test_a_manifest_that_is_no_json_is_refused(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")
    with pytest.raises(ArtefactError, match=r"manifest\.json: the file: .*JSON"):
        open_dataset(folder)
