"""Scanning files: slices cover each row once with its number, and lines that are added leave earlier slices alone."""

import gzip
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyloop.data.read import scan
from polyloop.data.read.reader import read_rows
from polyloop.data.read.row import Format
from polyloop.data.read.scan import scan_file
from polyloop.data.read.slices import ScannedFile
from polyloop.errors import DataError

CONTENTS: list[tuple[Format, str]] = [
    ("jsonl", "".join(json.dumps({"text": f"你 {number}"}) + "\n" for number in range(2, 102))),
    ("csv", "text,more\n" + "".join(f"你 {number},x\n" for number in range(2, 102))),
    ("tsv", "text\tmore\n" + "".join(f"你 {number}\tx\r\n" for number in range(2, 102))),
    ("text", "".join(f"你 {number}\n" for number in range(2, 102))),
]


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "SLICE_BYTES", 200)
    monkeypatch.setattr(scan, "BLOCK_BYTES", 77)


def scanned(path: Path, form: Format, content: str | bytes, encoding: str = "utf-8") -> ScannedFile:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return scan_file(str(path), form, encoding)


def rows(file: ScannedFile) -> list[tuple[int, object]]:
    return [(row.number, (row.values or {})["text"]) for piece in file.slices for row in read_rows(piece, ["text"])]


@pytest.mark.parametrize(("form", "content"), CONTENTS)
def test_slices_hold_each_row_once_with_the_number_of_its_line(tmp_path: Path, form: Format, content: str) -> None:
    file = scanned(tmp_path / "a", form, content)
    assert len(file.slices) > 3
    first = 1 if form in {"jsonl", "text"} else 2
    assert rows(file) == [(first + place, f"你 {2 + place}") for place in range(100)]


@pytest.mark.parametrize(("form", "content"), CONTENTS)
def test_a_scan_gives_digest_and_size_of_the_file(tmp_path: Path, form: Format, content: str) -> None:
    file = scanned(tmp_path / "a", form, content)
    assert (file.sha256, file.size_bytes) == (hashlib.sha256(content.encode()).hexdigest(), len(content.encode()))


@pytest.mark.parametrize("cut", [0, 1, 5])
@pytest.mark.parametrize(("form", "content"), CONTENTS)
def test_lines_that_are_added_leave_earlier_slices_as_they_are(
    tmp_path: Path, form: Format, content: str, cut: int
) -> None:
    before = scanned(tmp_path / "a", form, content[: len(content) // 2 - cut])
    after = scanned(tmp_path / "a", form, content)
    assert before.slices[:-1] == after.slices[: len(before.slices) - 1]
    assert len(after.slices) > len(before.slices) > 1


def test_the_digest_of_a_slice_goes_by_header_format_and_encoding_but_not_by_name(tmp_path: Path) -> None:
    lines = "".join(f"{number}\tx\n" for number in range(100))
    first = scanned(tmp_path / "a", "tsv", f"text\tmore\n{lines}")
    renamed = scanned(tmp_path / "b", "tsv", f"text\tmore\n{lines}")
    other_header = scanned(tmp_path / "c", "tsv", f"more\ttext\n{lines}")
    other_encoding = scanned(tmp_path / "d", "tsv", f"text\tmore\n{lines}", "latin-1")
    assert [piece.sha256 for piece in first.slices] == [piece.sha256 for piece in renamed.slices]
    assert not {piece.sha256 for piece in first.slices} & {piece.sha256 for piece in other_header.slices}
    assert not {piece.sha256 for piece in first.slices} & {piece.sha256 for piece in other_encoding.slices}


@pytest.mark.parametrize(
    ("name", "form", "content", "encoding"),
    [
        ("a.csv", "csv", 'text\n"a\nb"\n' + "c\n" * 500, "utf-8"),
        ("a.csv", "csv", "text\ra\rb\r" + "c\r" * 500, "utf-8"),
        ("a.txt", "text", "Ċ\n" * 500, "utf-16-le"),
        ("a.txt", "document", "a\n" * 500, "utf-8"),
    ],
    ids=["quoted", "carriage returns", "utf-16", "document"],
)
def test_what_cannot_be_cut_at_line_feeds_is_one_slice(
    tmp_path: Path, name: str, form: Format, content: str, encoding: str
) -> None:
    file = scanned(tmp_path / name, form, content, encoding)
    assert len(file.slices) == 1
    texts = [text for _, text in rows(file)]
    assert texts == ([content] if form == "document" else {"csv": texts, "text": ["Ċ"] * 500}[form])
    assert len(texts) in {1, 500, 501, 502}


def test_a_packed_file_is_one_slice_with_its_header(tmp_path: Path) -> None:
    content = gzip.compress(b"text\tmore\n" + b"a\tb\n" * 500)
    file = scanned(tmp_path / "a.tsv.gz", "tsv", content)
    (piece,) = file.slices
    assert (piece.header, len(rows(file)), file.size_bytes) == (("text", "more"), 500, len(content))


def test_parquet_is_cut_by_row_groups_and_numbers_go_on(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [str(number) for number in range(1, 1_001)]}), path, row_group_size=100)
    file = scan_file(str(path), "parquet", "utf-8")
    assert len(file.slices) > 3
    assert len({piece.sha256 for piece in file.slices}) == len(file.slices)
    assert rows(file) == [(number, str(number)) for number in range(1, 1_001)]


def test_a_parquet_file_without_rows_has_none(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "a.parquet")
    assert rows(scan_file(str(tmp_path / "a.parquet"), "parquet", "utf-8")) == []


def test_a_column_that_a_later_slice_lacks_costs_its_rows_and_not_the_file(tmp_path: Path) -> None:
    content = '{"text": "a"}\n' * 20 + '{"body": "a"}\n' * 60
    file = scanned(tmp_path / "a", "jsonl", content)
    reasons = [row.reason for piece in file.slices for row in read_rows(piece, ["text"])]
    assert reasons == [""] * 20 + ["missing_column"] * 60


def test_an_empty_file_has_one_empty_slice(tmp_path: Path) -> None:
    for form, _ in CONTENTS:
        file = scanned(tmp_path / "a", form, "")
        assert ([piece.header for piece in file.slices], rows(file)) == ([("text",) if form == "text" else ()], [])


@pytest.mark.parametrize("encoding", ["nonsense", "rot13", "hex"])
def test_an_unknown_encoding_is_an_error_that_names_it(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(DataError, match=rf"there is no text encoding '{encoding}'"):
        scan_file(str(tmp_path / "a"), "text", encoding)


def test_a_first_line_that_is_no_header_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"a\.csv: the first line, which has to name the columns, is malformed: bad_csv"
    ):
        scanned(tmp_path / "a.csv", "csv", '"never closed' + "x" * 1_100_000)
