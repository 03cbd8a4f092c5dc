"""Saved indexes: the same answers, plain files, damage named."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.support.tiny_reader import tiny_encoder, word_tokenizer

from polyloop.errors import RetrievalError
from polyloop.retrieval.dense import DenseEncoder
from polyloop.retrieval.documents import Document
from polyloop.retrieval.index import build_index
from polyloop.retrieval.index_files import load_index, save_index

DOCUMENTS = [
    Document(id="a", locale="en", text="The old tower\u2028by the river.", source="guide"),
    Document(id="b", locale="zh-Hans", text="绿茶的水温\n不宜过高。"),
    Document(id="broken", text="a lone \ud800 surrogate"),
]
INDEX = build_index(DOCUMENTS)
QUESTIONS = ["the river", "水温", "surrogate", "nothing known"]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_index(INDEX, tmp_path / "index")
    return tmp_path / "index"


def test_a_saved_index_answers_the_same(saved: Path) -> None:
    loaded = load_index(saved)
    assert loaded.documents == INDEX.documents
    assert loaded.passages == INDEX.passages
    assert [loaded.search(question, 5) for question in QUESTIONS] == [
        INDEX.search(question, 5) for question in QUESTIONS
    ]


def test_equal_indexes_have_equal_files(saved: Path, tmp_path: Path) -> None:
    save_index(build_index(DOCUMENTS), tmp_path / "again")
    for path in saved.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_files_are_plain_and_nothing_else_is_left(saved: Path, tmp_path: Path) -> None:
    assert {path.suffix for path in saved.iterdir()} == {".json", ".jsonl", ".npy"}
    for path in saved.glob("*.npy"):
        np.load(path, allow_pickle=False)
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_vectors_are_kept(tmp_path: Path) -> None:
    tokenizer = word_tokenizer(["the", "old", "tower", "river"])
    encoder = DenseEncoder(tiny_encoder(tokenizer), tokenizer)
    index = build_index(DOCUMENTS, encoder=encoder)
    save_index(index, tmp_path / "index")
    assert load_index(tmp_path / "index").search("tower", 3, encoder=encoder) == index.search(
        "tower", 3, encoder=encoder
    )


def test_a_folder_that_exists_is_never_overwritten(saved: Path) -> None:
    with pytest.raises(RetrievalError, match="exists already"):
        save_index(INDEX, saved)


@pytest.mark.parametrize("name", ["documents.jsonl", "passages.npy", "words.values.npy", "parts.terms.json"])
def test_a_damaged_file_is_named(saved: Path, name: str) -> None:
    content = bytearray((saved / name).read_bytes())
    content[len(content) // 2] ^= 1
    (saved / name).write_bytes(content)
    with pytest.raises(RetrievalError, match=f"{name} is not the file that was saved"):
        load_index(saved)


def test_a_cut_file_is_named(saved: Path) -> None:
    (saved / "pairs.starts.npy").write_bytes(b"")
    with pytest.raises(RetrievalError, match=r"pairs\.starts\.npy is not the file"):
        load_index(saved)


def test_a_missing_file_is_named(saved: Path) -> None:
    (saved / "words.terms.json").unlink()
    with pytest.raises(RetrievalError, match=r"words\.terms\.json cannot be read"):
        load_index(saved)


@pytest.mark.parametrize("content", ["", "{", '{"format_version": 1}', "[]"])
def test_a_malformed_index_file_is_named(saved: Path, content: str) -> None:
    (saved / "index.json").write_text(content)
    with pytest.raises(RetrievalError, match=r"index\.json is malformed"):
        load_index(saved)


def test_a_folder_without_an_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(RetrievalError, match="is not an index"):
        load_index(tmp_path)


def changed_facts(folder: Path, **changes: object) -> None:
    facts = json.loads((folder / "index.json").read_text()) | changes
    (folder / "index.json").write_text(json.dumps(facts))


@pytest.mark.parametrize("field", ["format_version", "analysis_version"])
def test_another_version_asks_for_a_new_build(saved: Path, field: str) -> None:
    changed_facts(saved, **{field: 99})
    with pytest.raises(RetrievalError, match="version 99, not 1; build the index again"):
        load_index(saved)


def test_an_index_that_names_files_elsewhere_is_refused(saved: Path) -> None:
    changed_facts(saved, sha256={"../secret": "0" * 64})
    with pytest.raises(RetrievalError, match="not a plain file name"):
        load_index(saved)


def test_files_that_do_not_fit_together_are_refused(saved: Path) -> None:
    changed_facts(saved, num_documents=2)
    with pytest.raises(RetrievalError, match="does not hold together"):
        load_index(saved)
