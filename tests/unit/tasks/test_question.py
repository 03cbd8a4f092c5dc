"""Tests of how questions are held as text."""

import pytest

from polyloop.tasks.question import Question, question_of, read_question, write_question


@pytest.mark.parametrize(
    "question",
    [
        Question(question="when?"),
        Question(question='who "is" 她?', context="line {one}\nline two"),
        Question(question="when?", document="en/0-1"),
        Question(question="when?", context="then", document="d"),
    ],
)
def test_what_is_written_can_be_read_again(question: Question) -> None:
    assert read_question(write_question(question)) == question


def test_a_question_alone_is_its_own_text() -> None:
    assert write_question(Question(question="when?")) == "when?"


@pytest.mark.parametrize(
    "text",
    [
        *("", "plain", '{"question": ', '{"question": 1}', '{"question": "a", "more": "b"}', '{"context": "a"}'),
        '{"question": ' * 10_000,
    ],
    ids=lambda text: text[:30],
)
def test_a_text_of_another_form_is_a_question(text: str) -> None:
    assert read_question(text) == Question(question=text)


def test_the_question_alone_identifies_an_input() -> None:
    texts = ["when?", write_question(Question(question="when?", context="then", document="d"))]
    assert [question_of(text) for text in texts] == ["when?", "when?"]
