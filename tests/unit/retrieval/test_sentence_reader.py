"""Answers in sentences, with citations, and honest silence."""

from dataclasses import replace

import pytest

from polyloop.errors import EvaluationError
from polyloop.retrieval.answers import Answer
from polyloop.retrieval.documents import Document
from polyloop.retrieval.index import build_index
from polyloop.retrieval.sentence_reader import (
    DEFAULT_SETTINGS,
    SentenceSettings,
    read_sentences,
    score_sentences,
    tune_sentence_reader,
)

DOCUMENTS = [
    Document(id="tower", locale="en", source="guide", text="  The tower was built in 1901. Anna designed the stairs."),
    Document(id="bread", locale="en", text="Bakers bake bread early. The shops open at eight."),
    Document(id="tea", locale="zh-Hans", text="茶叶产自南方。绿茶的水温不宜过高。"),
    Document(id="lake", locale="ru", text="Озеро очень глубокое. Зимой оно замерзает полностью."),
]
INDEX = build_index(DOCUMENTS)


def read(question: str, settings: SentenceSettings = DEFAULT_SETTINGS) -> Answer:
    return read_sentences(INDEX, question, INDEX.search(question, 5), settings)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("When was the tower built?", "The tower was built in 1901."),
        ("Did Anna design the stairs?", "Anna designed the stairs."),
        ("绿茶的水温高吗？", "绿茶的水温不宜过高。"),
        ("Замерзает ли озеро зимой полностью?", "Зимой оно замерзает полностью."),
    ],
)
def test_the_sentence_that_answers_is_given(question: str, expected: str) -> None:
    assert read(question).text == expected


def test_citations_point_into_the_document() -> None:
    answer = read("When was the tower built?")
    best = answer.citations[0]
    document = DOCUMENTS[0]
    assert (best.document_id, best.source, best.locale) == ("tower", "guide", "en")
    assert document.text[best.start : best.end] == answer.text
    assert (best.passage_start, best.passage_end) == (2, len(document.text))
    assert 0.5 <= best.score == answer.score <= 1


@pytest.mark.parametrize(
    "question", ["Which zebra won the election in Bolivia?", "谁赢得了选举?", "", "?", "Ποιος κέρδισε;"]
)
def test_what_the_documents_do_not_say_is_not_answered(question: str) -> None:
    answer = read(question)
    assert (answer.text, answer.citations) == (None, ())
    assert 0 <= answer.score < 0.5


def test_the_threshold_decides() -> None:
    question = "When was the tower built?"
    chance = read(question).score
    assert read(question, replace(DEFAULT_SETTINGS, threshold=chance)).text
    assert read(question, replace(DEFAULT_SETTINGS, threshold=chance + 1e-6)).text is None


def test_citations_are_at_most_as_many_as_asked_for_and_fall() -> None:
    answer = read(
        "When was the tower built by Anna with stairs?", replace(DEFAULT_SETTINGS, num_citations=2, threshold=0)
    )
    scores = [citation.score for citation in answer.citations]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)


def test_only_the_best_hits_are_read() -> None:
    hits = INDEX.search("the tower and the bread", 5)
    assert len({s.passage.document.id for s in score_sentences(INDEX, "the tower and the bread", hits, 1)}) == 1


def test_settings_are_tuned_on_dev_questions() -> None:
    scores = [0.1, 0.2, 0.3, 0.35, 0.6, 0.7, 0.8, 0.9] * 5
    right = [False, False, False, True, False, True, True, True] * 5
    lenient, _ = tune_sentence_reader(scores, right, objective="cost", false_answer_cost=0.2)
    settings, choice = tune_sentence_reader(scores, right, objective="cost", false_answer_cost=5)
    assert settings.threshold == choice.threshold > lenient.threshold
    assert settings.calibration.chance(0.9) > 0.7 > 0.3 > settings.calibration.chance(0.1)
    assert choice.answered_right == 1.0


def test_dev_questions_of_one_kind_are_not_enough() -> None:
    with pytest.raises(EvaluationError, match="needs both kinds"):
        tune_sentence_reader([0.5, 0.6], [True, True])
