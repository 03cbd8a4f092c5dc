"""Web pages and archives: what is taken from a page, and every way in which a page or record gives no row."""

import gzip
from pathlib import Path

import pytest

from polyloop.data.read.lines import MAX_LINE_BYTES
from polyloop.data.read.pages import PAGE_COLUMNS
from polyloop.data.read.reader import read_rows
from polyloop.data.read.row import Format, RawRow
from polyloop.data.read.scan import scan_file
from polyloop.errors import DataError

SENTENCES = "Der Fluss trat in der Nacht über die Ufer und überschwemmte mehrere Straßen der Altstadt. " * 4
PAGE = f"""<!DOCTYPE html><html lang="de"><head><title>Hochwasser</title>
<meta property="article:published_time" content="2024-05-06T07:08:09Z"><link rel="canonical" href="https://a.example/flut">
</head><body><nav><a href="/">Start</a> <a href="/sport">Sport</a></nav>
<article><h1>Hochwasser</h1><p>{SENTENCES}</p><p>{SENTENCES[::-1]}</p></article>
<footer>Impressum | Datenschutz</footer></body></html>"""


def read(path: Path, form: Format, columns: tuple[str, ...] = PAGE_COLUMNS, encoding: str = "utf-8") -> list[RawRow]:
    return [row for piece in scan_file(str(path), form, encoding).slices for row in read_rows(piece, columns)]


def record(
    body: bytes,
    *,
    status: str = "200 OK",
    kind: str = "text/html",
    record_type: str = "response",
    url: str = "https://w.example/",
) -> bytes:
    """Return one WARC record, unpacked."""
    http = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n\r\n".encode() + body
    lines = ["WARC/1.0", f"WARC-Type: {record_type}", f"WARC-Target-URI: {url}"]
    lines += ["Content-Type: application/http; msgtype=response", f"Content-Length: {len(http)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + http + b"\r\n\r\n"


GOOD = record(PAGE.encode())


def test_a_page_gives_its_text_without_boilerplate_and_what_it_says_of_itself(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(PAGE)
    (row,) = read(tmp_path / "a.html", "html")
    values = row.values or {}
    assert {name: values[name] for name in PAGE_COLUMNS[1:]} == {
        "title": "Hochwasser",
        "url": "https://a.example/flut",
        "date": "2024-05-06",
        "language": "de",
    }
    text = str(values["text"])
    assert SENTENCES.strip() in text
    assert not any(word in text for word in ("Sport", "Impressum"))


def test_the_language_of_xhtml_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(PAGE.replace("lang=", "xml:lang="))
    assert [(row.values or {})["language"] for row in read(tmp_path / "a.html", "html")] == ["de"]


@pytest.mark.parametrize(("encoding", "name"), [("latin-1", "a.html"), ("utf-16", "a.html.gz")])
def test_a_page_in_another_encoding_is_read(tmp_path: Path, encoding: str, name: str) -> None:
    raw = PAGE.encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    (row,) = read(tmp_path / name, "html", encoding=encoding)
    assert SENTENCES.strip() in str((row.values or {})["text"])


@pytest.mark.parametrize(
    ("content", "encoding", "reason"),
    [
        (b"<html><body><script>start()</script></body></html>", "utf-8", "no_main_text"),
        (b"", "utf-8", "no_main_text"),
        (b"\0\0\0", "utf-8", "no_main_text"),
        (b"\xff\xff", "gb18030", "invalid_encoding"),
        (b"x" * (MAX_LINE_BYTES + 1), "utf-8", "page_too_long"),
    ],
    ids=["only a script", "empty", "nuls", "encoding", "long"],
)
def test_a_page_without_a_row_has_a_reason(tmp_path: Path, content: bytes, encoding: str, reason: str) -> None:
    (tmp_path / "a.html").write_bytes(content)
    assert [row.reason for row in read(tmp_path / "a.html", "html", encoding=encoding)] == [reason]


def test_a_column_that_pages_do_not_have_is_an_error_that_names_theirs(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(PAGE)
    with pytest.raises(DataError, match="no column 'label'; its columns: 'text', 'title', 'url', 'date', 'language'"):
        read(tmp_path / "a.html", "html", ("text", "label"))


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_an_archive_gives_its_html_responses(tmp_path: Path, suffix: str) -> None:
    records = [
        record(b"GET / HTTP/1.1\r\n\r\n", record_type="metadata"),
        GOOD,
        record(b"\x89PNG", kind="image/png"),
        record(PAGE.encode(), status="404 Not Found"),
        record(PAGE.encode("latin-1"), kind="text/html; charset=latin-1", url="https://w.example/2"),
        record(PAGE.encode(), kind="application/xhtml+xml; charset=nonsense"),
    ]
    path = tmp_path / f"a.warc{suffix}"
    path.write_bytes(b"".join(gzip.compress(part) if suffix else part for part in records))
    rows = read(path, "warc", ("text", "url"))
    assert [(row.number, row.reason) for row in rows] == [
        (2, ""),
        (3, "not_html"),
        (4, "http_status"),
        (5, ""),
        (6, ""),
    ]
    pages = [row.values for row in rows if row.values]
    assert [page["url"] for page in pages] == ["https://w.example/", "https://w.example/2", "https://w.example/"]
    assert all(SENTENCES.strip() in str(page["text"]) for page in pages)


@pytest.mark.parametrize(
    ("broken", "reasons"),
    [
        (b"no record at all\r\n\r\n", ["bad_record"]),
        (GOOD.replace(b"\r\nContent-Length: ", b"\r\nContent-Length: -"), ["bad_record"]),
        (GOOD.replace(b"HTTP/1.1 200 OK", b"nonsense"), ["bad_record"]),
        (GOOD[:400], ["bad_record"]),
    ],
    ids=["stray text", "length below zero", "no status line", "cut off"],
)
def test_a_broken_record_costs_no_more_than_its_neighbour(tmp_path: Path, broken: bytes, reasons: list[str]) -> None:
    path = tmp_path / "a.warc"
    path.write_bytes(GOOD + broken + GOOD + GOOD)
    rows = read(path, "warc")
    assert {row.reason for row in rows if row.reason} <= set(reasons) | {"no_main_text"}
    assert any(row.reason for row in rows)
    assert rows[0].values is not None
    assert rows[-1].values is not None


def test_an_archive_that_ends_in_a_record_is_read_up_to_it(tmp_path: Path) -> None:
    path = tmp_path / "a.warc"
    path.write_bytes(GOOD + GOOD[:-300])
    assert [row.reason for row in read(path, "warc")] == ["", "bad_record"]


def test_a_truncated_gzip_archive_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(gzip.compress(GOOD) + gzip.compress(GOOD)[:-40])
    with pytest.raises(DataError, match=r"a\.warc\.gz: the gzip file is truncated or broken"):
        read(path, "warc")
