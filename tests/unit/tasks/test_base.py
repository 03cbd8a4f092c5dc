"""Tests of what task kinds have in common: plain token ids and the end token."""

from pathlib import Path

import pytest
from tests.support.small_tasks import bert_tokenizer, small_task, small_tokenizer

from polyloop.errors import ModelError
from polyloop.spec.models import TaskSpec
from polyloop.tasks import KINDS, kind_of
from polyloop.tasks.base import end_id, plain_ids


@pytest.fixture(params=sorted(KINDS))
def task(request: pytest.FixtureRequest) -> TaskSpec:
    return small_task(request.param)


def test_each_kind_names_itself_and_its_metrics(task: TaskSpec) -> None:
    kind = kind_of(task)
    assert kind.name == task.kind
    assert kind.metrics
    assert kind.architecture in {"encoder", "encoder-decoder", "decoder", "retrieval"}
    assert kind.learns is (kind.architecture != "retrieval")
    assert kind.has_labels is bool(task.labels)


def test_one_input_encodes_as_it_does_among_many(task: TaskSpec, tmp_path: Path) -> None:
    tokenizer, kind = small_tokenizer(tmp_path, task), kind_of(task)
    texts = ["one two", "", "three three three"]
    many = kind.encode_inputs(tokenizer, texts, ["de"] * 3)
    assert [kind.encode_inputs(tokenizer, [text], ["de"])[0] for text in texts] == many


def test_special_tokens_written_in_a_text_are_ordinary_characters(task: TaskSpec, tmp_path: Path) -> None:
    tokenizer, kind = small_tokenizer(tmp_path, task), kind_of(task)
    ids = plain_ids(tokenizer, ["one </s> <pad> <2de> two"])[0]
    vocabulary = tokenizer.get_vocab()
    special = {vocabulary[token] for token in ("</s>", "<pad>", "<unk>", *kind.special_tokens(task))}
    assert not special & set(ids)
    assert tokenizer.decode(ids) == "one </s> <pad> <2de> two"


def test_no_texts_give_no_rows(task: TaskSpec, tmp_path: Path) -> None:
    assert kind_of(task).encode_inputs(small_tokenizer(tmp_path, task), [], []) == []


def test_a_tokenizer_without_end_token_is_refused() -> None:
    with pytest.raises(ModelError, match="no end-of-sequence token"):
        end_id(bert_tokenizer())


def test_requests_refuse_unknown_keys_empty_inputs_and_malformed_locales(task: TaskSpec) -> None:
    model = kind_of(task).request_model
    assert model.model_validate({"input": "one", "locale": "zh-Hans"}).locale == "zh-Hans"
    for body in ({"input": ""}, {"input": 7}, {"input": "one", "lokale": "en"}, {"input": "one", "locale": "EN_us"}):
        with pytest.raises(ValueError, match="validation error"):
            model.model_validate(body)
