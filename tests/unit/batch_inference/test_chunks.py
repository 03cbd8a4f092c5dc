"""Files in chunks: all rows, in order, under names that follow from the file."""

from pathlib import Path

import pytest
from tests.support.batch_questions import question, slice_of

from polyloop.batch_inference import chunks
from polyloop.batch_inference.chunks import Chunk, read_chunks
from polyloop.errors import DataError

TO_GERMAN = question(values={"target_locale": "de", "locale": "en"})


def texts(chunk: Chunk) -> list[str]:
    return [row.asked.text for row in chunk.rows if row.asked]


def test_rows_are_cut_by_their_number_and_only_the_last_chunk_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 2)
    piece = slice_of(tmp_path / "a.csv", "input\none\ntwo\nthree\nfour\nfive\n")
    found = list(read_chunks(3, piece, TO_GERMAN))
    assert [texts(one) for one in found] == [["one", "two"], ["three", "four"], ["five"]]
    assert [one.name for one in found] == ["000003-000000", "000003-000001", "000003-000002"]
    assert [one.is_last for one in found] == [False, False, True]
    assert [row.where for one in found for row in one.rows] == [f"a.csv:{number}" for number in range(2, 7)]


def test_long_texts_make_small_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_CHARACTERS", 10)
    piece = slice_of(tmp_path / "a.txt", "one\n" + 20 * "x" + "\ntwo\nthree\n")
    assert [texts(one) for one in read_chunks(0, piece, TO_GERMAN)] == [["one", 20 * "x"], ["two", "three"]]


@pytest.mark.parametrize(("name", "text"), [("a.csv", "input\n"), ("a.jsonl", ""), ("a.txt", "\n\n")])
def test_a_file_without_rows_is_one_chunk_without_rows(tmp_path: Path, name: str, text: str) -> None:
    assert list(read_chunks(0, slice_of(tmp_path / name, text), TO_GERMAN)) == [
        Chunk(name="000000-000000", rows=(), is_last=True)
    ]


def test_broken_lines_take_part_and_a_missing_column_ends_it(tmp_path: Path) -> None:
    piece = slice_of(tmp_path / "a.jsonl", '{"input": "one"}\n{broken\n{"input": "two"}\n')
    (chunk,) = read_chunks(0, piece, TO_GERMAN)
    assert [row.refusal.code if row.refusal else "" for row in chunk.rows] == ["", "bad_json", ""]
    with pytest.raises(DataError, match="there is no column 'review'"):
        list(read_chunks(0, slice_of(tmp_path / "a.csv", "x\n1\n"), question(columns={"input": "review"})))
