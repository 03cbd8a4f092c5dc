"""What the spec may say of answer tasks."""

from typing import Any

import pytest
from pydantic import ValidationError

from polyloop.spec.answering import AnswerSpec
from polyloop.spec.models import Spec, TaskSpec

DOCUMENTS = [{"paths": ["*.txt"], "licence": "CC0-1.0"}]


def task(**changes: Any) -> TaskSpec:
    return TaskSpec.model_validate({"kind": "answer", "corpora": ["q"], "documents": DOCUMENTS, **changes})


def test_a_task_that_trains_nothing_needs_no_model() -> None:
    assert task().answer.reader == "sentences"
    assert TaskSpec.model_validate(task().model_dump(mode="json")) == task()


@pytest.mark.parametrize("reader", ["extractive", "generative"])
def test_a_task_that_trains_a_reader_needs_a_model(reader: str) -> None:
    with pytest.raises(ValidationError, match="model"):
        task(answer={"reader": reader})
    assert task(answer={"reader": reader}, model={"recipe": "nano"}).model.recipe == "nano"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"documents": []}, "needs `documents`"),
        ({"documents": [{"paths": [], "licence": "CC0-1.0"}]}, "at least 1 item"),
        ({"answer": {"passage_letters": 200, "overlap_letters": 200}}, "`overlap_letters` is 200"),
        ({"answer": {"threshold": 1.5}}, "less than or equal to 1"),
        ({"labels": ["a", "b"]}, "`labels` belongs to classify"),
        (
            {"answer": {"reader": "extractive"}, "model": {"recipe": "nano"}, "training": {"label_smoothing": 0.2}},
            "`training.label_smoothing` has no meaning",
        ),
        ({"gate": {"metric": "bleu"}}, "has no meaning for answer"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        task(**changes)


@pytest.mark.parametrize("key", ["documents", "answer"])
def test_other_kinds_know_no_documents(key: str) -> None:
    value = {"documents": DOCUMENTS, "answer": {"num_passages": 3}}[key]
    data = {"kind": "summarize", "corpora": ["q"], "locales": ["en"], "model": {"recipe": "nano"}, key: value}
    with pytest.raises(ValidationError, match=f"`{key}` belongs to answer tasks"):
        TaskSpec.model_validate(data)


def test_columns_of_answer_tasks_are_refused_for_others() -> None:
    columns = {"input": "q", "target": "a", "document": "d"}
    data: dict[str, Any] = {
        "project": "p",
        "locales": ["en"],
        "corpora": {"q": {"paths": ["q.jsonl"], "columns": columns, "locale": "en", "licence": "CC0-1.0"}},
        "tasks": {"help": {"kind": "answer", "corpora": ["q"], "documents": DOCUMENTS}},
    }
    assert Spec.model_validate(data).tasks["help"].kind == "answer"
    data["tasks"]["mood"] = {"kind": "classify", "corpora": ["q"], "labels": ["a", "b"], "model": {"recipe": "nano"}}
    with pytest.raises(ValidationError, match=r"`columns\.document`, which belongs to answer tasks"):
        Spec.model_validate(data)


def test_passages_repeat_less_than_their_length_by_default() -> None:
    assert AnswerSpec().overlap_letters < AnswerSpec().passage_letters
