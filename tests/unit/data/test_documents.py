"""Documents of answer tasks: read from files, checked, and kept as one file."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from polyloop.data.documents import DOCUMENTS_NAME, read_documents, scan_documents, write_documents
from polyloop.data.rows import Drop
from polyloop.errors import DataError
from polyloop.retrieval import document_lines
from polyloop.retrieval.documents import Document
from polyloop.spec.loader import LoadedSpec, load_spec


def project(folder: Path, *sources: dict[str, Any]) -> LoadedSpec:
    corpus = {"paths": ["q.jsonl"], "columns": {"input": "q", "target": "a"}, "locale": "en", "licence": "CC0-1.0"}
    task = {"kind": "answer", "corpora": ["q"], "documents": [{"licence": "CC0-1.0", **one} for one in sources]}
    data = {"project": "p", "locales": ["en", "de"], "corpora": {"q": corpus}, "tasks": {"help": task}}
    (folder / "polyloop.yaml").write_text(yaml.safe_dump(data))
    return load_spec(folder / "polyloop.yaml")


def write_jsonl(path: Path, *rows: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_columns_may_be_expressions_and_locales_a_column(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", {"n": 1, "body": "Hallo.", "head": "Gruß", "lang": "ger"})
    columns = {"text": "= head ~ '\n' ~ body", "id": "= 'd/' ~ n", "title": "head"}
    loaded = project(
        tmp_path, {"paths": ["d.jsonl"], "columns": columns, "locale": {"column": "lang", "values": {"ger": "de"}}}
    )
    (document,) = read_documents(scan_documents(loaded, "help"), ("en", "de"))
    assert document == Document(id="d/1", text="Gruß\nHallo.", locale="de", source="Gruß")


def test_whole_files_are_named_and_their_locale_is_detected(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Der Turm wurde im Jahr 1901 gebaut und steht noch heute in der Stadt.\n")
    (tmp_path / "b.txt").write_text("The shops in this street open at eight o'clock in the morning.\n")
    loaded = project(tmp_path, {"paths": ["*.txt"], "format": "document", "source": "guide"})
    found = list(read_documents(scan_documents(loaded, "help"), ("en", "de")))
    assert [(one.id, one.locale, one.source) for one in found if isinstance(one, Document)] == [
        ("a.txt:1", "de", "guide"),
        ("b.txt:1", "en", "guide"),
    ]


def test_what_is_left_out_has_its_reason(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "a", "text": "one", "lang": "en"},
        {"id": "a", "text": "two", "lang": "en"},
        {"id": "b", "text": "  ", "lang": "en"},
        {"id": "", "text": "three", "lang": "en"},
        {"id": "c", "text": ["four"], "lang": "en"},
        {"id": "d", "text": "five", "lang": "English"},
        {"id": "e", "text": "\ud800", "lang": "en"},
    ]
    write_jsonl(tmp_path / "d.jsonl", *rows)
    loaded = project(tmp_path, {"paths": ["d.jsonl"], "columns": {"id": "id"}, "locale": {"column": "lang"}})
    found = list(read_documents(scan_documents(loaded, "help"), ("en",)))
    assert [one.id if isinstance(one, Document) else one.reason for one in found] == [
        "a",
        "repeated_id",
        "no_text",
        "no_id",
        "not_text",
        "bad_locale",
        "invalid_utf8",
    ]
    assert [one.where for one in found if isinstance(one, Drop)] == [f"d.jsonl:{line}" for line in range(2, 8)]


def test_what_is_kept_can_be_read_again(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", {"text": " spaces stay \n"}, {"text": ""}, {"text": "雪"})
    loaded = project(tmp_path, {"paths": ["d.jsonl"], "locale": "en"})
    num_documents, tally = write_documents(scan_documents(loaded, "help"), ("en",), tmp_path)
    kept = document_lines.read_documents((tmp_path / DOCUMENTS_NAME).read_bytes())
    assert [(one.id, one.text) for one in kept] == [("d.jsonl:1", " spaces stay \n"), ("d.jsonl:3", "雪")]
    assert (num_documents, tally.by_reason()) == (2, {"no_text": 1})


def test_documents_of_which_none_is_left_are_refused(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", {"text": ""})
    loaded = project(tmp_path, {"paths": ["d.jsonl"], "locale": "en"})
    with pytest.raises(DataError, match=r"tasks\.help\.documents\[0\].*no document.*1 no_text"):
        write_documents(scan_documents(loaded, "help"), ("en",), tmp_path)


def test_the_identity_goes_by_names_and_contents_not_by_folders(tmp_path: Path) -> None:
    identities = []
    for name, text in (("one", "x"), ("two", "x"), ("three", "y")):
        (tmp_path / name).mkdir()
        write_jsonl(tmp_path / name / "d.jsonl", {"text": text})
        (source,) = scan_documents(project(tmp_path / name, {"paths": ["d.jsonl"], "locale": "en"}), "help")
        identities.append(source.identity)
    assert identities[0] == identities[1] != identities[2]
