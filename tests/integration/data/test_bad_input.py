"""Bad input through whole builds: what can be is counted row by row, and the rest is a named error of one line."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.dataset_projects import (
    CLASSIFY,
    ROWS,
    MakeProject,
    Pair,
    published,
    replace_data,
    rows_of,
    write_rows,
)
from tests.support.failing_finder import MARK

from polyloop.data.build import build_dataset
from polyloop.data.dataset import Dataset
from polyloop.errors import DataError

pytestmark = pytest.mark.usefixtures("ray_cluster")

LONG_LINE_BYTES = 200 * 2**20
MARKED: list[Pair] = [(f"an {MARK} thing, number {number}", "bad") for number in range(6)]
RAISES = {"cleaning": {"pii": {"action": "report", "entities": "tests.support.failing_finder:find"}}}


def drops_of(dataset: Dataset) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (dataset.path / "drops.jsonl").read_text().splitlines()]


def test_a_line_of_200_mib_costs_itself_alone(project: MakeProject, tmp_path: Path) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS[:100], "b.jsonl": ROWS[100:]})
    long = tmp_path / "data" / "a.jsonl"
    with long.open("r+b") as stream:
        stream.seek(LONG_LINE_BYTES, 2)  # a hole: bytes that are 0 and take no room on the disk
        stream.write(b"\n" + (tmp_path / "data" / "b.jsonl").read_bytes())
    (tmp_path / "data" / "b.jsonl").unlink()
    dataset = build_dataset(project(), "task")
    assert dataset.manifest.dropped == {"line_too_long": 1}
    assert [drop["where"] for drop in drops_of(dataset)] == ["a.jsonl:101"]
    assert sorted((row["input"], row["target"]) for row in rows_of(dataset)) == sorted(ROWS)


def test_nuls_and_other_encodings_are_counted_or_read_as_the_spec_says(project: MakeProject, tmp_path: Path) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS})
    folder = tmp_path / "data"
    with (folder / "a.jsonl").open("ab") as stream:
        stream.write(b'{"text": "escaped \\u0000 nul", "label": "good"}\n')
        stream.write(b'{"text": "raw \x00 nul", "label": "good"}\n')
        stream.write(b"\x00\x00\x00\n")
        stream.write(json.dumps({"text": "schön", "label": "good"}, ensure_ascii=False).encode("latin-1") + b"\n")
        stream.write(b'{"text": "half of one \\ud83d", "label": "good"}\n')
    (folder / "latin.tsv").write_bytes("text\tlabel\ndie Straße ist schön\tgood\n".encode("latin-1"))
    (folder / "wide.csv").write_bytes("text,label\n“wide” 好 bad,bad\n".encode("utf-16"))
    (folder / "chinese.tsv").write_bytes("text\tlabel\n这是一个很好的地方\tgood\n".encode("gb18030"))
    corpora = {
        "main": {"paths": ["data/a.jsonl"]},
        "latin": {"paths": ["data/latin.tsv"], "encoding": "latin-1"},
        "wide": {"paths": ["data/wide.csv"], "encoding": "utf-16", "locale": "de"},
        "chinese": {"paths": ["data/chinese.tsv"], "encoding": "gb18030"},
        "wrong": {"paths": ["data/latin.tsv"], "encoding": "utf-8"},
    }
    dataset = build_dataset(project(corpora=corpora), "task")
    texts = {row["input"] for row in rows_of(dataset)}
    assert {"die Straße ist schön", "“wide” 好 bad", "这是一个很好的地方"} <= texts
    assert not any("\0" in text for text in texts)
    assert dataset.manifest.corpora["main"].dropped == {"bad_json": 1, "invalid_utf8": 2}
    assert dataset.manifest.corpora["wrong"].dropped == {"invalid_utf8": 1}
    assert len(texts) == len(ROWS) + 2 + 3


def test_rows_of_one_source_id_share_a_split_and_stay(project: MakeProject, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    lines = [{"text": text, "label": of, "talk": number // 8} for number, (text, of) in enumerate(ROWS)]
    (folder / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    columns = {"input": "text", "target": "label", "id": "talk"}
    rows = rows_of(build_dataset(project(corpora={"main": {"columns": columns}}), "task"))
    split_of = {row["input"]: row["split"] for row in rows}
    splits = [{split_of[line["text"]] for line in lines if line["talk"] == talk} for talk in range(len(ROWS) // 8)]
    assert len(rows) == len(ROWS)
    assert all(len(found) == 1 for found in splits)
    assert len({split for found in splits for split in found}) > 1


def test_a_row_at_which_a_step_raises_is_put_aside_with_the_traceback(project: MakeProject, tmp_path: Path) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS, "b.csv": MARKED})
    dataset = build_dataset(project(corpora={"main": RAISES}), "task")
    assert dataset.manifest.dropped == {"step_failed": len(MARKED)}
    assert {row["input"] for row in rows_of(dataset)} == {text for text, _ in ROWS}
    (record,) = (step for step in dataset.manifest.steps if step.name == "pii")
    assert (record.rows_in, record.dropped) == (len(ROWS) + len(MARKED), {"step_failed": len(MARKED)})
    for drop in drops_of(dataset):
        assert drop["where"].startswith("b.csv:")
        assert drop["sample"] in {text for text, _ in MARKED}
        assert drop["detail"].startswith("step pii\nTraceback")
        assert "failing_finder.py" in drop["detail"]
        assert drop["detail"].rstrip().endswith("ValueError: nobody knows what to make of it, in en")


def test_more_failed_rows_than_the_spec_allows_stop_the_build_whatever_files_they_are_in(
    project: MakeProject, tmp_path: Path
) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS, "b.csv": MARKED[:3], "c.tsv": MARKED[3:]})
    cleaning = {**RAISES["cleaning"], "max_failed_rows": len(MARKED) - 1}
    loaded = project(corpora={"main": {"cleaning": cleaning}})
    with pytest.raises(DataError) as caught:
        build_dataset(loaded, "task")
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith("the corpus 'main': cleaning steps failed on 6 rows")
    assert "corpora.main.cleaning.max_failed_rows allows (5)" in said
    assert "ValueError: nobody knows what to make of it, in en (step pii)" in said
    assert published(loaded) == []


def broken_second_gzip_member(folder: Path) -> dict[str, Any]:
    write_rows(folder / "b.tsv.gz", ROWS)
    second = bytearray(gzip.compress(b"more\tgood\n" * 999))
    second[-6] ^= 0xFF  # its checksum
    with (folder / "b.tsv.gz").open("ab") as stream:
        stream.write(second)
    return {}


def half_a_parquet_file(folder: Path) -> dict[str, Any]:
    write_rows(folder / "b.parquet", ROWS)
    whole = (folder / "b.parquet").read_bytes()
    (folder / "b.parquet").write_bytes(whole[: len(whole) // 2])
    return {}


def spoilt_pages_of_a_parquet_file(folder: Path) -> dict[str, Any]:
    write_rows(folder / "b.parquet", ROWS)
    whole = bytearray((folder / "b.parquet").read_bytes())
    whole[4:400] = b"\xff" * 396
    (folder / "b.parquet").write_bytes(whole)
    return {}


def no_such_column_in_one_file(folder: Path) -> dict[str, Any]:
    (folder / "b.jsonl").write_text('{"text": "a", "mood": "good"}\n' * 9)
    return {}


def no_such_column_in_one_table(folder: Path) -> dict[str, Any]:
    write_rows(folder / "b.parquet", ROWS)
    return {"columns": {"input": "text", "target": "= label ~ extra"}}


def a_bucket_that_nobody_answers_for(folder: Path) -> dict[str, Any]:
    endpoint = "endpoint_override=127.0.0.1:1&scheme=http&region=x"
    return {"paths": ["data/*", f"s3://user:secret@bucket/folder/*.jsonl?{endpoint}"]}


def an_encoding_that_does_not_exist(folder: Path) -> dict[str, Any]:
    return {"encoding": "klingon"}


def a_finder_that_does_not_exist(folder: Path) -> dict[str, Any]:
    return {"cleaning": {"pii": {"action": "mask", "entities": "tests.support.failing_finder:lose"}}}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (broken_second_gzip_member, r"b\.tsv\.gz: the gzip file is truncated or broken \(CRC check failed"),
        (half_a_parquet_file, r"b\.parquet: the file is truncated or broken"),
        (spoilt_pages_of_a_parquet_file, r"b\.parquet: the file"),
        (no_such_column_in_one_file, r"b\.jsonl: there is no column 'label'; its columns: 'text', 'mood'"),
        (no_such_column_in_one_table, r"(a\.jsonl|b\.parquet).*'extra'.*its columns: 'text', 'label'"),
        (
            a_bucket_that_nobody_answers_for,
            r"s3://bucket/folder/\*\.jsonl: the file cannot be read: .*endpoint_override",
        ),
        (an_encoding_that_does_not_exist, r"there is no text encoding 'klingon'"),
        (a_finder_that_does_not_exist, r"'tests\.support\.failing_finder:lose' is not there"),
    ],
)
def test_input_that_cannot_be_read_is_one_line_and_publishes_nothing(
    project: MakeProject,
    tmp_path: Path,
    spoil: Callable[[Path], dict[str, Any]],
    message: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS})
    loaded = project(CLASSIFY, {"main": spoil(tmp_path / "data")})
    with pytest.raises(DataError, match=message) as caught:
        build_dataset(loaded, "task")
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert published(loaded) == []
    assert capfd.readouterr() == ("", "")
