"""Tests of the answer kind and its readers."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.small_tasks import number_question, small_task, small_tokenizer

from polyloop.errors import ModelError
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of
from polyloop.tasks.answer import NO_CONTEXT, QuestionRequest
from polyloop.tasks.question import Question, write_question
from polyloop.tasks.spans import NOT_IN_CONTEXT


def task_of(reader: str, **changes: Any) -> TaskSpec:
    return small_task("answer", answer={"reader": reader}, model={"max_input_tokens": 48}, **changes)


@pytest.mark.parametrize(
    ("reader", "architecture"),
    [("sentences", "retrieval"), ("extractive", "span-encoder"), ("generative", "encoder-decoder")],
)
def test_the_reader_decides_what_is_trained(reader: str, architecture: str) -> None:
    kind = kind_of(task_of(reader))
    assert (kind.name, kind.architecture, kind.learns) == ("answer", architecture, reader != "sentences")


def test_a_request_is_its_question_and_names_no_document() -> None:
    kind = kind_of(task_of("sentences"))
    assert kind.input_text(QuestionRequest(input="who?"), task_of("sentences"), "en") == "who?"
    assert kind.relevant_document("who?") == ""
    assert kind.relevant_document(write_question(Question(question="who?", document="d-1"))) == "d-1"


def test_extractive_rows_are_windows_with_the_places_of_the_answer(tmp_path: Path) -> None:
    task = task_of("extractive")
    tokenizer: Any = small_tokenizer(tmp_path, task)
    unanswerable = write_question(Question(question="two", context="nothing"))
    texts = [number_question(42), unanswerable, number_question(7), "two"]
    rows = kind_of(task).encode_rows(tokenizer, texts, ["42", "", "8", "2"], ["en"] * 4, task)
    first, last = rows.target_ids[0]
    assert tokenizer.decode(rows.input_ids[0][first : last + 1]).strip() == "42"
    assert rows.target_ids[1] == [0, 0]
    assert rows.refusals == [None, None, NOT_IN_CONTEXT, NO_CONTEXT]
    with pytest.raises(ModelError, match="encode_rows"):
        kind_of(task).encode_targets(tokenizer, ["2"], task)


def test_generative_rows_are_a_prompt_and_the_answer(tmp_path: Path) -> None:
    task = task_of("generative")
    tokenizer = small_tokenizer(tmp_path, task)
    rows = kind_of(task).encode_rows(tokenizer, [number_question(4), "two"], ["4", ""], ["en"] * 2, task)
    prompt = tokenizer.decode(rows.input_ids[0], skip_special_tokens=True)
    assert prompt == "question: four\n[1] four 4 four"
    assert tokenizer.decode(rows.target_ids[0], skip_special_tokens=True) == "4"
    assert rows.target_ids[1] == [tokenizer.eos_token_id]
    assert rows.refusals == [None, NO_CONTEXT]


def test_nothing_is_encoded_for_a_reader_that_learns_nothing(tmp_path: Path) -> None:
    task = task_of("sentences")
    rows = kind_of(task).encode_rows(small_tokenizer(tmp_path, task), ["who?"], ["me"], ["en"], task)
    assert rows == ([[]], [[]], [None])
