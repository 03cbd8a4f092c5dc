"""Sentences that answer, and honest doubt where none does."""

import pytest

from polyloop.retrieval.documents import Document
from polyloop.retrieval.index import build_index
from polyloop.retrieval.sentence_reader import DEFAULT_CALIBRATION, ScoredSentence, score_sentences

DOCUMENTS = [
    Document(id="tower", locale="en", source="guide", text="  The tower was built in 1901. Anna designed the stairs."),
    Document(id="bread", locale="en", text="Bakers bake bread early. The shops open at eight."),
    Document(id="tea", locale="zh-Hans", text="茶叶产自南方。绿茶的水温不宜过高。"),
    Document(id="lake", locale="ru", text="Озеро очень глубокое. Зимой оно замерзает полностью."),
]
INDEX = build_index(DOCUMENTS)


def sentences_for(question: str) -> list[ScoredSentence]:
    return score_sentences(INDEX, question, INDEX.search(question, 5))


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("When was the tower built?", "The tower was built in 1901."),
        ("Did Anna design the stairs?", "Anna designed the stairs."),
        ("绿茶的水温高吗？", "绿茶的水温不宜过高。"),
        ("Замерзает ли озеро зимой полностью?", "Зимой оно замерзает полностью."),
    ],
)
def test_the_sentence_that_answers_is_best_and_likely_right(question: str, expected: str) -> None:
    best, *others = sentences_for(question)
    assert best.passage.text[best.start : best.end] == expected
    assert 0.5 <= DEFAULT_CALIBRATION.chance(best.score) <= 1
    assert all(best.score >= other.score for other in others)


@pytest.mark.parametrize(
    "question", ["Which zebra won the election in Bolivia?", "谁赢得了选举?", "", "?", "Ποιος κέρδισε;"]
)
def test_what_the_documents_do_not_say_is_likely_wrong(question: str) -> None:
    assert all(DEFAULT_CALIBRATION.chance(sentence.score) < 0.5 for sentence in sentences_for(question))


def test_only_the_given_hits_are_read() -> None:
    question = "the tower and the bread"
    hits = INDEX.search(question, 5)[:1]
    assert {sentence.passage for sentence in score_sentences(INDEX, question, hits)} == {hits[0].passage}
