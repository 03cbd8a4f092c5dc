"""Tests of where answers stand in windows of question and passage."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.small_tasks import small_task, small_tokenizer
from tests.support.tiny_reader import word_tokenizer

from polyloop.errors import ModelError
from polyloop.retrieval.windows import WindowSize
from polyloop.tasks.question import Question
from polyloop.tasks.spans import (
    IN_NO_WINDOW,
    NOT_IN_CONTEXT,
    QUESTION_TOKEN,
    MarkedWindow,
    mark_answers,
    reading_window,
    separator_id,
    with_pair_frame,
)

WORDS = ["who", "built", "the", "tower", "anna", "in", "town", "long", "ago", "and", "then", "left", "it", "to", "them"]
SIZE = WindowSize(max_tokens=24, overlap_tokens=6, max_question_tokens=8)


def marked_text(window: MarkedWindow | str) -> list[str]:
    assert isinstance(window, MarkedWindow)
    words: Any = word_tokenizer(WORDS).convert_ids_to_tokens(window.input_ids)
    return list(words[window.first : window.last + 1])


def mark(context: str, answer: str, size: WindowSize = SIZE) -> MarkedWindow | str:
    return mark_answers(word_tokenizer(WORDS), Question(question="who built it", context=context), answer, size)


def test_the_marked_tokens_are_those_of_the_answer() -> None:
    assert marked_text(mark("long ago anna built the tower", "anna")) == ["anna"]
    assert marked_text(mark("long ago Anna built the tower", "built the tower")) == ["built", "the", "tower"]


def test_no_answer_is_marked_at_the_first_token() -> None:
    window = mark("long ago", "")
    assert isinstance(window, MarkedWindow)
    assert (window.first, window.last) == (0, 0)
    assert marked_text(window) == ["[CLS]"]


def test_the_window_that_holds_the_answer_is_taken_from_a_long_passage() -> None:
    context = " ".join(["then"] * 40 + ["anna", "left"] + ["ago"] * 40)
    window = mark(context, "anna left")
    assert marked_text(window) == ["anna", "left"]
    assert isinstance(window, MarkedWindow)
    assert len(window.input_ids) <= SIZE.max_tokens


def test_rows_that_cannot_be_learned_say_why() -> None:
    assert mark("long ago", "anna") == NOT_IN_CONTEXT
    assert mark(" ", "anna") == NOT_IN_CONTEXT
    answer = " ".join(["then"] * 30)
    assert mark(f"anna {answer} left", answer) == IN_NO_WINDOW


def test_a_trained_tokenizer_is_given_a_pair_form_once(tmp_path: Path) -> None:
    task = small_task("answer", answer={"reader": "extractive"}, model={"max_input_tokens": 32})
    tokenizer = with_pair_frame(with_pair_frame(small_tokenizer(tmp_path, task)))
    ids = tokenizer("one", "two")["input_ids"]
    first, *_ = tokenizer.convert_ids_to_tokens(ids)
    assert first == QUESTION_TOKEN
    assert tokenizer.convert_ids_to_tokens(ids).count("</s>") == 2
    assert tokenizer.decode(ids, skip_special_tokens=True).replace(" ", "") == "onetwo"
    assert separator_id(tokenizer) is None


def test_a_tokenizer_with_neither_form_nor_token_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no token"):
        with_pair_frame(small_tokenizer(tmp_path, small_task("classify")))


def test_models_with_two_sides_are_told_where_the_passage_begins() -> None:
    tokenizer = word_tokenizer(WORDS)
    assert separator_id(tokenizer) == tokenizer.sep_token_id


def test_a_window_leaves_most_of_its_length_to_the_passage() -> None:
    for max_tokens in (16, 64, 384, 4_096):
        size = reading_window(max_tokens)
        assert size.max_question_tokens <= max_tokens // 3
        assert size.overlap_tokens <= max_tokens // 3
