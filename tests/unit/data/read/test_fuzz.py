"""Whatever a file holds, it is read row by row, dropped with reasons, or refused by its name: in every format."""

import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.outside_bytes import ODD_TEXTS, damaged

from polyloop.data.read.reader import read_rows
from polyloop.data.read.row import Format, RawRow
from polyloop.data.read.scan import scan_file
from polyloop.errors import DataError

TEXTS = ["hello", "你好\n", "", "a\tb", 'say "hi"', "é" * 40]
TABLE = pa.table({"text": TEXTS, "label": pa.array([["a"], [], None, ["b", "c"], ["d"], ["e"]])})
PAGE = "<html lang='de'><title>T</title><body><article><p>" + "Ein Satz steht hier. " * 20 + "</p></article></html>"
RESPONSE = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{PAGE}"
RECORD = (
    "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://x/\r\nContent-Type: application/http; msgtype=response"
    f"\r\nContent-Length: {len(RESPONSE.encode())}\r\n\r\n{RESPONSE}\r\n\r\n"
)


def written(form: str) -> bytes:
    """Return a small table as Arrow's libraries write it."""
    out = io.BytesIO()
    if form == "parquet":
        pq.write_table(TABLE, out)
    else:
        with (pa.ipc.new_stream if form == "stream" else pa.ipc.new_file)(out, TABLE.schema) as writer:
            writer.write_table(TABLE)
    return out.getvalue()


LINES = "".join(json.dumps({"text": text, "label": "a"}, ensure_ascii=False) + "\n" for text in TEXTS)
WHOLE: Mapping[str, tuple[Format, bytes]] = {
    "a.jsonl": ("jsonl", LINES.encode()),
    "a.csv": ("csv", b'text,label\nhello,a\n"two\nlines",b\n"quoted ""x""",c\n'),
    "a.tsv": ("tsv", "text\tlabel\nhello\ta\n你好\tb\r\n".encode()),
    "a.txt": ("text", "eins\nzwei\n\n三\n".encode()),
    "b.txt": ("document", b"eins\nzwei\n"),
    "a.jsonl.gz": ("jsonl", gzip.compress(LINES.encode())),
    "a.jsonl.zst": ("jsonl", pa.compress(LINES.encode(), "zstd", asbytes=True)),
    "a.parquet": ("parquet", written("parquet")),
    "a.arrow": ("arrow", written("file")),
    "b.arrow": ("arrow", written("stream")),
    "a.warc": ("warc", (RECORD * 2).encode()),
    "a.html": ("html", PAGE.encode()),
}
ROW = ("text", "label")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "text": ("text",),
    "document": ("text",),
    "html": ("text", "title"),
    "warc": ("text",),
}
ENCODINGS = ["utf-8", "utf-8", "utf-8", "utf-16", "gb18030", "latin-1", "utf-7"]


def read(path: Path, form: Format, encoding: str) -> list[RawRow] | DataError:
    columns = COLUMNS.get(form, ROW)
    try:
        return [row for piece in scan_file(str(path), form, encoding).slices for row in read_rows(piece, columns)]
    except DataError as error:
        return error


@pytest.mark.parametrize("name", sorted(WHOLE))
@settings(max_examples=25)
@given(data=st.data())
def test_every_file_is_read_or_refused_by_its_name(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    form, whole = WHOLE[name]
    path = tmp_path_factory.getbasetemp() / name
    odd = [text.encode("utf-8", "surrogatepass") for text in ODD_TEXTS]
    path.write_bytes(data.draw(damaged(damaged(st.just(whole))) | damaged(st.sampled_from([*odd, whole]))))
    found = read(path, form, data.draw(st.sampled_from(ENCODINGS)))
    if isinstance(found, DataError):
        assert name in str(found)
        assert "\n" not in str(found)
        return
    for row in found:
        assert (row.values is None) == bool(row.reason)
        if row.values is not None:
            assert set(COLUMNS.get(form, ROW)) <= row.values.keys()


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_the_files_that_are_damaged_can_be_read_before(tmp_path: Path, name: str) -> None:
    form, whole = WHOLE[name]
    (tmp_path / name).write_bytes(whole)
    found = read(tmp_path / name, form, "utf-8")
    assert isinstance(found, list)
    assert found
    assert all(row.values is not None for row in found), found


@settings(max_examples=40)
@given(texts=st.lists(st.text(max_size=9), min_size=1, max_size=5))
def test_rows_that_were_written_come_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "r.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    pq.write_table(pa.table({"text": texts}), folder / "r.parquet")
    for name, form in (("r.jsonl", "jsonl"), ("r.parquet", "parquet")):
        pieces = scan_file(str(folder / name), form, "utf-8").slices  # type: ignore[arg-type]
        assert [row.values for piece in pieces for row in read_rows(piece, ("text",))] == [{"text": t} for t in texts]
