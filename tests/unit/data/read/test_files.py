"""Finding and opening files: globs of paths and URLs, an S3 store, and every way in which one cannot be reached."""

from pathlib import Path
from typing import Any

import pytest

from polyloop.data.read.files import list_files, open_bytes
from polyloop.data.read.reader import read_rows
from polyloop.data.read.scan import scan_file
from polyloop.errors import DataError

USER = "reader:s3cret@"


def test_globs_give_each_file_once_in_order(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.csv", "a.csv", "sub/c.csv"):
        (tmp_path / name).write_text("")
    found = list_files("the corpus 'c'", [f"{tmp_path}/**/*.csv", f"{tmp_path}/a.csv"])
    assert [Path(path).relative_to(tmp_path).as_posix() for path in found] == ["a.csv", "b.csv", "sub/c.csv"]


def test_a_glob_without_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=rf"the corpus 'moods': no file matches {tmp_path}/\*\.csv"):
        list_files("the corpus 'moods'", [f"{tmp_path}/*.csv"])


def test_a_file_url_is_a_local_path(tmp_path: Path) -> None:
    (tmp_path / "a b.txt").write_text("hello\n")
    assert list_files("the corpus 'c'", [f"file://{tmp_path}/a%20*.txt"]) == [str(tmp_path / "a b.txt")]
    with open_bytes(f"file://{tmp_path}/a%20b.txt") as stream:
        assert stream.read() == b"hello\n"


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.csv: the file cannot be read: No such file"):
        open_bytes(str(tmp_path / "gone.csv"))


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("data/*.jsonl", ["data/a.jsonl", "data/b c.jsonl"]),
        ("data/**/*.jsonl", ["data/a.jsonl", "data/b c.jsonl", "data/deep/er/d.jsonl"]),
        ("data/[a]*.jsonl", ["data/a.jsonl"]),
        ("*/a.jsonl", ["data/a.jsonl"]),
        ("data/b%20c.jsonl", ["data/b c.jsonl"]),
        ("data/**", ["data/a.jsonl", "data/b c.jsonl", "data/deep/er/d.jsonl", "data/e.txt"]),
    ],
)
def test_globs_of_a_store_find_its_objects(s3_store: Any, pattern: str, names: list[str]) -> None:
    for name in ("data/a.jsonl", "data/b c.jsonl", "data/deep/er/d.jsonl", "data/e.txt", "data/.hidden.jsonl"):
        s3_store.objects[f"corpora/{name}"] = b"x"
    found = list_files("the corpus 'c'", [f"s3://{USER}corpora/{pattern}?{s3_store.query}"])
    assert found == [f"s3://{USER}corpora/{name.replace(' ', '%20')}?{s3_store.query}" for name in names]


def test_rows_are_read_from_a_store(s3_store: Any) -> None:
    s3_store.objects["corpora/a.tsv"] = b"text\tlabel\nhello\tx\n"
    (url,) = list_files("the corpus 'c'", [f"s3://corpora/*.tsv?{s3_store.query}&anonymous=true"])
    scanned = scan_file(url, "tsv", "utf-8")
    (piece,) = scanned.slices
    assert (scanned.size_bytes, piece.header) == (19, ("text", "label"))
    assert [row.values for row in read_rows(piece, ["text"])] == [{"text": "hello"}]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://private/a.tsv", "give credentials that may read it"),
        ("s3://corpora/gone.tsv", "gone.tsv: the file cannot be read"),
    ],
)
def test_what_a_store_refuses_is_an_error_that_names_the_url(s3_store: Any, url: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        open_bytes(f"{url.replace('s3://', f's3://{USER}')}?{s3_store.query}")
    assert url in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_an_object_that_is_not_there_is_an_error_that_names_it(s3_store: Any) -> None:
    with pytest.raises(DataError, match=r"the corpus 'c': no file matches s3://corpora/gone\.tsv$"):
        list_files("the corpus 'c'", [f"s3://{USER}corpora/gone.tsv?{s3_store.query}"])


@pytest.mark.timeout(20)
def test_a_store_that_cannot_be_reached_is_an_error_within_seconds() -> None:
    with pytest.raises(DataError, match=r"s3://corpora/\*\.tsv: .*the store cannot be reached"):
        list_files("the corpus 'c'", ["s3://corpora/*.tsv?endpoint_override=127.0.0.1:9&scheme=http&anonymous=true"])


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://corpora/a.tsv?colour=red", "there is no setting 'colour' for S3; expected one of"),
        ("ftp://host/a.tsv", "no files are read from ftp://; expected s3, gs, hdfs or file"),
    ],
)
def test_a_url_that_is_not_understood_is_an_error_that_says_what_is(url: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list_files("the corpus 'c'", [url])
