"""Tests of the classify kind."""

from pathlib import Path

import pytest
from tests.support.small_tasks import bert_tokenizer, small_task, small_tokenizer

from polyloop.errors import RequestError
from polyloop.tasks import kind_of

TASK = small_task("classify", locales=["en", "de"])
KIND = kind_of(TASK)


def test_an_input_ends_with_the_end_token(tmp_path: Path) -> None:
    tokenizer = small_tokenizer(tmp_path, TASK)
    ids = KIND.encode_inputs(tokenizer, ["one two"], ["en"])[0]
    assert ids[-1] == tokenizer.eos_token_id == 1
    assert tokenizer.decode(ids[:-1]) == "one two"


def test_a_bert_tokenizer_frames_the_input_itself() -> None:
    tokenizer = bert_tokenizer()
    assert KIND.encode_inputs(tokenizer, ["one two"], ["en"])[0] == tokenizer("one two")["input_ids"]


def test_a_target_is_the_index_of_its_label(tmp_path: Path) -> None:
    tokenizer = small_tokenizer(tmp_path, TASK)
    assert KIND.encode_targets(tokenizer, ["odd", "even"], TASK) == [[1], [0]]
    assert KIND.encode_targets(tokenizer, ["even"], TASK) == [[0]]


def test_a_target_that_is_no_label_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'prime' is not a label of the task; its labels: even, odd"):
        KIND.encode_targets(small_tokenizer(tmp_path, TASK), ["prime"], TASK)


def test_a_set_of_labels_is_the_indices_of_its_members(tmp_path: Path) -> None:
    task = small_task("classify", multi_label=True)
    tokenizer = small_tokenizer(tmp_path, task)
    assert KIND.encode_targets(tokenizer, ['["even", "odd"]', "[]", '["odd"]'], task) == [[0, 1], [], [1]]
    with pytest.raises(ValueError, match="'prime' is not a label"):
        KIND.encode_targets(tokenizer, ['["odd", "prime"]'], task)


def test_the_output_is_in_the_locale_of_the_input() -> None:
    assert KIND.resolve_target_locale(TASK, "de", None) == "de"
    assert KIND.resolve_target_locale(TASK, "und", None) == "und"


@pytest.mark.parametrize(("locale", "target"), [("fr", None), ("en", "de")])
def test_a_locale_that_is_not_served_is_refused(locale: str, target: str | None) -> None:
    with pytest.raises(RequestError) as caught:
        KIND.resolve_target_locale(TASK, locale, target)
    assert (caught.value.status, caught.value.code) == (422, "unknown_locale")
