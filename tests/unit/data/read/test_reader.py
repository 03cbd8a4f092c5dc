"""Reading files row by row: every format, and every way in which a row or a file can be broken."""

import gzip
import json
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyloop.data.read.lines import MAX_LINE_BYTES
from polyloop.data.read.reader import read_rows
from polyloop.data.read.row import Format, RawRow, file_format, is_text, shown
from polyloop.data.read.scan import scan_file
from polyloop.errors import DataError

COLUMNS = ("text", "label")
GOOD = {"text": "hello", "label": "a"}


def packed(data: bytes, suffix: str) -> bytes:
    """Pack bytes in two members (frames), as tools do that pack in parallel."""
    middle = len(data) // 2
    if suffix == ".gz":
        return gzip.compress(data[:middle]) + gzip.compress(data[middle:])
    if suffix == ".zst":
        return b"".join(bytes(pa.compress(part, "zstd", asbytes=True)) for part in (data[:middle], data[middle:]))
    return data


def write(folder: Path, name: str, content: str | bytes) -> str:
    data = content.encode() if isinstance(content, str) else content
    path = folder / name
    path.write_bytes(packed(data, path.suffix))
    return str(path)


def read(path: str, form: Format, columns: tuple[str, ...] = COLUMNS, encoding: str = "utf-8") -> list[RawRow]:
    return [row for piece in scan_file(path, form, encoding).slices for row in read_rows(piece, columns)]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.jsonl", "jsonl"),
        ("a.JSONL.gz", "jsonl"),
        ("a.b.csv", "csv"),
        ("a.csv.gz", "csv"),
        ("a.tsv", "tsv"),
        ("a.tsv.gz", "tsv"),
        ("a.parquet", "parquet"),
        ("a.arrow", "arrow"),
        ("a.txt.zst", "text"),
        ("a.html", "html"),
        ("a.warc.gz", "warc"),
    ],
)
def test_the_format_is_told_from_the_name(name: str, form: str) -> None:
    assert file_format(f"/data/{name}") == form


@pytest.mark.parametrize("name", ["a.doc", "a", "a.gz", "a.json", "a.parquet.gz", "a.arrow.zst"])
def test_an_unknown_name_is_an_error_that_says_what_to_set(name: str) -> None:
    with pytest.raises(DataError, match=rf"/data/{name}: the format cannot be told.*set `format`"):
        file_format(f"/data/{name}")


def test_a_declared_format_wins_over_the_name() -> None:
    assert file_format("/data/a.txt", "tsv") == "tsv"


def test_the_format_of_a_url_is_told_without_its_query_and_the_url_shown_without_secrets() -> None:
    url = "s3://key:secret@bucket/a.csv.gz?endpoint_override=x.txt"
    assert file_format(url) == "csv"
    assert shown(url) == "s3://bucket/a.csv.gz"


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("jsonl", '{"text": "hello", "label": "a", "more": 1}\n\n{"label": "b", "text": "你好\\n"}\n'),
        ("csv", '\ufefftext,more,label\nhello,1,a\n\n"你好\n",2,b\n'),
    ],
)
def test_text_formats_give_the_same_rows_zipped_or_not(tmp_path: Path, form: Format, content: str, suffix: str) -> None:
    rows = read(write(tmp_path, f"a.{form}{suffix}", content), form)
    values = [row.values for row in rows]
    assert [{name: (row or {})[name] for name in COLUMNS} for row in values] == [GOOD, {"text": "你好\n", "label": "b"}]


def test_tsv_has_no_quoting_and_may_end_lines_with_carriage_returns(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", 'text\tlabel\r\nsay "hi"\ta\r\n"open\tb\u2028c')
    assert [row.values for row in read(path, "tsv")] == [
        {"text": 'say "hi"', "label": "a"},
        {"text": '"open', "label": "b\u2028c"},
    ]


def test_parquet_gives_text_lists_and_dictionary_columns(tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": pa.array(["a", "b"]).dictionary_encode(),
            "label": pa.array([["x", "y"], None]),
            "large": pa.array(["c", "d"], pa.large_string()),
            "number": [1, 2],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    rows = read(str(tmp_path / "a.parquet"), "parquet", ("text", "label", "large", "number"))
    assert [row.values for row in rows] == [
        {"text": "a", "label": ["x", "y"], "large": "c", "number": 1},
        {"text": "b", "label": None, "large": "d", "number": 2},
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": "a"', "bad_json"),
        ('["a", "b"]', "bad_json"),
        ("[" * 100_000, "bad_json"),
        ('{"text": 1' + "0" * 5_000 + ', "label": "a"}', "bad_json"),
        ('{"text": "a"}', "missing_column"),
        (b'{"text": "\xff', "invalid_utf8"),
    ],
    ids=["truncated", "a list", "too deep", "too long a number", "no label", "not utf-8"],
)
def test_a_malformed_json_line_is_handed_on_with_its_reason(tmp_path: Path, line: str | bytes, reason: str) -> None:
    raw = line.encode() if isinstance(line, str) else line
    rows = read(write(tmp_path, "a.jsonl", json.dumps(GOOD).encode() + b"\n" + raw + b"\n"), "jsonl")
    assert [(row.number, row.values, row.reason) for row in rows] == [(1, GOOD, ""), (2, None, reason)]
    assert rows[1].sample


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_file_without_the_mark_that_its_encoding_begins_with_is_named(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, "a.csv", "text,label\nhello,a\n")
    with pytest.raises(DataError, match=rf"a\.csv: the file is not in the encoding '{encoding}'.*correct `encoding`"):
        read(path, "csv", encoding=encoding)


@pytest.mark.parametrize(("form", "mark"), [("csv", ","), ("tsv", "\t")])
def test_a_row_of_too_few_or_many_columns_is_handed_on(tmp_path: Path, form: Format, mark: str) -> None:
    lines = [mark.join(cells) for cells in (["text", "label"], ["a"], ["hello", "a"], ["a", "b", "c"])]
    rows = read(write(tmp_path, f"a.{form}", "\n".join(lines)), form)
    assert [(row.values, row.reason) for row in rows] == [(None, "wrong_columns"), (GOOD, ""), (None, "wrong_columns")]


def test_a_csv_field_that_is_never_closed_costs_its_row_and_reading_goes_on(tmp_path: Path) -> None:
    content = 'text,label\nhello,a\n"' + "never closed\n" * 100_000 + 'hello,a\n"'
    rows = read(write(tmp_path, "a.csv", content), "csv")
    assert rows[0].values == GOOD
    assert [row.reason for row in rows[1:]].count("bad_csv") == 1
    assert GOOD in [row.values for row in rows[1:]]


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("jsonl", b'{"text": "a\xffb", "label": "a"}\n'),
        ("csv", b"text,label\na\xffb,a\n"),
        ("tsv", b"text\tlabel\na\xffb\ta\n"),
    ],
)
def test_bytes_that_are_no_utf8_can_be_told_by_the_caller(tmp_path: Path, form: Format, content: bytes) -> None:
    (row,) = read(write(tmp_path, f"a.{form}", content), form)
    assert row.values is not None
    assert not is_text(str(row.values["text"]))
    assert is_text(str(row.values["label"]))


def test_parquet_text_that_is_no_utf8_can_be_told_by_the_caller(tmp_path: Path) -> None:
    offsets, data = pa.py_buffer(b"\x00\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00"), pa.py_buffer(b"a\xff\xfe")
    column = pa.StringArray.from_buffers(2, offsets, data)
    pq.write_table(pa.table({"text": column, "label": ["x", "y"]}), tmp_path / "a.parquet")
    rows = read(str(tmp_path / "a.parquet"), "parquet")
    assert [is_text(str((row.values or {})["text"])) for row in rows] == [True, False]


@pytest.mark.parametrize(
    ("form", "content"), [("jsonl", '{"text": "a", "mark": "b"}'), ("csv", "text,mark"), ("tsv", "text\tmark\na\tb\n")]
)
def test_a_column_that_the_whole_file_lacks_is_an_error_that_names_the_others(
    tmp_path: Path, form: Format, content: str
) -> None:
    path = write(tmp_path, f"a.{form}", content)
    with pytest.raises(DataError) as caught:
        read(path, form)
    assert f"{path}: there is no column 'label'; its columns: 'text', 'mark'" in str(caught.value)


def test_a_parquet_file_that_lacks_a_column_is_an_error_that_names_the_others(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet: there is no column 'label'; its columns: 'text'"):
        read(str(tmp_path / "a.parquet"), "parquet")


@pytest.mark.parametrize("form", ["jsonl", "csv", "tsv"])
def test_an_empty_file_has_no_rows(tmp_path: Path, form: Format) -> None:
    assert read(write(tmp_path, f"a.{form}", ""), form) == []


@pytest.mark.parametrize("keep", [20, 200])
def test_a_truncated_gzip_file_is_an_error_that_names_it(tmp_path: Path, keep: int) -> None:
    lines = "".join(f"{json.dumps(GOOD | {'n': number})}\n" for number in range(1_000))
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(lines.encode())[:keep])
    with pytest.raises(DataError, match=r"a\.jsonl\.gz: the gzip file is truncated or broken"):
        read(str(path), "jsonl")


def test_a_file_that_only_pretends_to_be_zipped_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv.gz"
    path.write_bytes(b"text\tlabel\n")
    with pytest.raises(DataError, match=r"a\.tsv\.gz: the gzip file is truncated or broken"):
        read(str(path), "tsv")


def test_a_truncated_parquet_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a"] * 1_000, "label": ["b"] * 1_000}), path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(DataError, match=r"a\.parquet: the file (is|cannot)"):
        read(str(path), "parquet")


@pytest.mark.parametrize("content", [b"plain text", None])
def test_a_broken_zstandard_file_is_an_error_that_names_it(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.jsonl.zst"
    lines = "".join(f"{json.dumps(GOOD | {'n': number})}\n" for number in range(1_000)).encode()
    path.write_bytes(content or packed(lines, ".zst")[:-20])
    with pytest.raises(DataError, match=r"a\.jsonl\.zst: the Zstandard file is truncated or broken"):
        read(str(path), "jsonl")


def test_a_gzip_file_with_a_broken_member_is_an_error_that_names_it(tmp_path: Path) -> None:
    whole = packed(f"{json.dumps(GOOD)}\n".encode() * 2_000, ".gz")
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(whole[: len(whole) // 2] + b"\0" * 20 + whole[len(whole) // 2 + 20 :])
    with pytest.raises(DataError, match=r"a\.jsonl\.gz: the gzip file is truncated or broken"):
        read(str(path), "jsonl")


def test_an_arrow_file_and_stream_give_the_same_rows(tmp_path: Path) -> None:
    table = pa.table({"text": ["a", "b"], "label": ["x", None], "meta": [{"k": "v"}, {"k": "w"}]})
    for name, writer in (("file", pa.ipc.new_file), ("stream", pa.ipc.new_stream)):
        with writer(tmp_path / f"{name}.arrow", table.schema) as sink:
            sink.write_table(table)
        rows = read(str(tmp_path / f"{name}.arrow"), "arrow", ("meta", "text"))
        assert [row.values for row in rows] == [{"meta": {"k": "v"}, "text": "a"}, {"meta": {"k": "w"}, "text": "b"}]
        with pytest.raises(DataError, match="there is no column 'mark'; its columns: 'text', 'label', 'meta'"):
            read(str(tmp_path / f"{name}.arrow"), "arrow", ("mark",))


def test_a_broken_arrow_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.arrow: the file (is truncated|cannot)"):
        read(write(tmp_path, "a.arrow", b"ARROW1 and no more"), "arrow")


def test_text_gives_a_row_of_each_line_that_is_not_blank(tmp_path: Path) -> None:
    rows = read(write(tmp_path, "a.txt", "\ufeffone\r\n\n  \ntwo\u2028more"), "text", ("text",))
    assert rows == [RawRow(1, {"text": "one"}), RawRow(4, {"text": "two\u2028more"})]


def test_a_document_is_one_row_and_a_blank_one_none(tmp_path: Path) -> None:
    assert read(write(tmp_path, "a.txt.gz", "one\n\ntwo\n"), "document", ("text",)) == [
        RawRow(1, {"text": "one\n\ntwo\n"})
    ]
    assert read(write(tmp_path, "b.txt", " \n"), "document", ("text",)) == []
    with pytest.raises(DataError, match="there is no column 'label'; its columns: 'text'"):
        read(write(tmp_path, "b.txt", "a"), "document")


@pytest.mark.parametrize(
    "encoding", ["gb18030", "utf-16", "utf-32-be", "iso2022_jp", "shift_jis", "utf-8-sig", "cp037"]
)
@pytest.mark.parametrize("form", ["jsonl", "csv", "tsv", "text", "document"])
def test_other_encodings_are_read(tmp_path: Path, encoding: str, form: Format) -> None:
    word = "abc" if encoding == "cp037" else "日本語"
    content = {"jsonl": f'{{"text": "{word}"}}\n', "csv": f"text\n{word}\n", "tsv": f"text\n{word}\n"}.get(form, word)
    path = tmp_path / "a"
    path.write_bytes(content.encode(encoding))
    assert [row.values for row in read(str(path), form, ("text",), encoding)] == [{"text": word}]


@pytest.mark.parametrize(
    ("encoding", "bad"), [("gb18030", b"\xff\xff"), ("ascii", b"\xff"), ("utf-16-le", b"\x00\xd8a\x00")]
)
@pytest.mark.parametrize("form", ["text", "tsv", "csv", "jsonl"])
def test_a_line_that_is_not_in_the_declared_encoding_is_handed_on(
    tmp_path: Path, encoding: str, bad: bytes, form: Format
) -> None:
    lines = ['{"text": "a"}'] * 2 if form == "jsonl" else ["text", "a"]
    first, last = (f"{line}\n".encode(encoding) for line in lines)
    path = tmp_path / "a"
    path.write_bytes(first + bad + "\n".encode(encoding) + last)
    rows = read(str(path), form, ("text",), encoding)
    assert [(row.number, row.reason) for row in rows if row.values is None] == [(2, "invalid_encoding")]
    assert rows[-1] == RawRow(3, {"text": "a"})


@pytest.mark.parametrize("form", ["jsonl", "csv", "tsv", "text"])
def test_nuls_are_kept(tmp_path: Path, form: Format) -> None:
    content = {"jsonl": '{"text": "a\0b"}\n', "text": "a\0b\n"}.get(form, "text\na\0b\n")
    assert [row.values for row in read(write(tmp_path, "a", content), form, ("text",))] == [{"text": "a\0b"}]


@pytest.mark.parametrize("form", ["jsonl", "csv", "tsv", "text"])
def test_a_line_that_is_too_long_is_skipped_and_never_held(tmp_path: Path, form: Format) -> None:
    good = b'{"text": "a"}\n' if form == "jsonl" else b"text\n" if form in {"csv", "tsv"} else b"a\n"
    path = tmp_path / "a"
    with path.open("wb") as stream:
        stream.write(good)
        for _ in range(60):
            stream.write(b"x" * 2**20)
        stream.write(b"\n" + good)
    tracemalloc.start()
    rows = read(str(path), form, ("text",))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    (long,) = [row for row in rows if row.values is None]
    assert (long.number, long.reason, long.sample[:3]) == (2, "line_too_long", "xxx")
    assert rows[-1].number == 3
    assert peak_bytes < 3 * MAX_LINE_BYTES


def test_a_document_that_is_too_long_is_handed_on(tmp_path: Path) -> None:
    rows = read(write(tmp_path, "a", b"x" * (MAX_LINE_BYTES + 1)), "document", ("text",))
    assert [(row.reason, row.sample[:3]) for row in rows] == [("document_too_long", "xxx")]


def test_the_number_of_a_csv_row_is_that_of_its_first_line(tmp_path: Path) -> None:
    rows = read(write(tmp_path, "a.csv", 'text,label\n\n"a\nb",x\r\nc,y\n"d\re",z'), "csv")
    assert [(row.number, (row.values or {})["text"]) for row in rows] == [(3, "a\nb"), (5, "c"), (6, "d\re")]


def test_a_column_that_only_some_rows_lack_costs_those_rows(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"text": "a", "label": "b"}\n{"text": "a"}\n')
    assert [row.reason for row in read(path, "jsonl")] == ["", "missing_column"]


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.csv: the file cannot be read: No such file"):
        read(str(tmp_path / "gone.csv"), "csv")
