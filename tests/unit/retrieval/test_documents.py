"""Passages: every character in one, none too long."""

import pytest

from polyloop.retrieval.documents import Document, PassageSize, num_letters, split_passages

SMALL = PassageSize(max_letters=60, overlap_letters=20)


def texts(text: str, size: PassageSize = SMALL) -> list[str]:
    return [passage.text for passage in split_passages(Document(id="d", text=text), size)]


def test_a_short_document_is_one_passage_without_outer_white_space() -> None:
    document = Document(id="d", text="  One line.\nAnother.  \n")
    (passage,) = split_passages(document)
    assert (passage.start, passage.end, passage.text) == (2, 20, "One line.\nAnother.")
    assert passage.document is document


def test_a_long_document_is_cut_at_its_lines() -> None:
    lines = [f"line {number} has somewhat more than thirty letters" for number in range(4)]
    assert texts("\n".join(lines)) == lines


def test_short_lines_at_a_border_stand_in_both_passages() -> None:
    assert texts("first line of thirty letters.\nshort line\nsecond line of thirty letters\nend") == [
        "first line of thirty letters.\nshort line",
        "short line\nsecond line of thirty letters\nend",
    ]


def test_a_long_line_is_cut_at_sentences() -> None:
    found = texts("The first sentence has some words. The second one has a few more words. And a third.")
    assert found == [
        "The first sentence has some words.",
        "The second one has a few more words. And a third.",
    ]


def test_text_without_sentences_or_spaces_is_cut_all_the_same() -> None:
    assert "".join(texts("x" * 200)) == "x" * 200
    assert all(num_letters(piece) <= 60 for piece in texts("字" * 100 + "x" * 100))


def test_every_character_but_white_space_is_in_a_passage() -> None:
    text = "\n".join(f"Sentence {n} of a paragraph. " * (n % 7) + "短" * (n % 40) for n in range(60))
    document = Document(id="d", text=text)
    passages = split_passages(document, SMALL)
    covered = {place for passage in passages for place in range(passage.start, passage.end)}
    assert all(text[place].isspace() for place in range(len(text)) if place not in covered)
    assert all(num_letters(passage.text) <= SMALL.max_letters + 60 for passage in passages)
    assert [passage.start for passage in passages] == sorted({passage.start for passage in passages})


def test_chinese_characters_count_as_three_letters() -> None:
    assert num_letters("abc") == 3
    assert num_letters("中文 a") == 8
    assert len(texts("中" * 20)) == 1
    assert len(texts("中" * 21)) == 2


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_a_document_without_text_has_no_passages(text: str) -> None:
    assert texts(text) == []


def test_a_huge_document_is_split_in_linear_time() -> None:
    passages = split_passages(Document(id="d", text="A sentence of a book that never ends. " * 100_000))
    assert len(passages) == pytest.approx(1_810, abs=150)


def test_an_overlap_that_leaves_nothing_new_is_refused() -> None:
    with pytest.raises(ValueError, match="overlap_letters must be in"):
        PassageSize(max_letters=10, overlap_letters=10)
