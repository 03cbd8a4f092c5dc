"""Tests of the summarize kind."""

from pathlib import Path

import pytest
from tests.support.small_tasks import small_task, small_tokenizer

from polyloop.errors import RequestError
from polyloop.tasks.summarize import Summarize

TASK = small_task("summarize")
KIND = Summarize()


def test_an_input_begins_with_the_tag_of_its_own_locale(tmp_path: Path) -> None:
    tokenizer = small_tokenizer(tmp_path, TASK)
    ids = KIND.encode_inputs(tokenizer, ["one two"], ["de"])[0]
    assert tokenizer.convert_ids_to_tokens([ids[0], ids[-1]]) == ["<2de>", "</s>"]


def test_the_summary_is_in_the_inputs_locale() -> None:
    assert KIND.resolve_target_locale(TASK, "de", None) == "de"
    for locale, asked in (("fr", None), ("de", "en")):
        with pytest.raises(RequestError) as caught:
            KIND.resolve_target_locale(TASK, locale, asked)
        assert caught.value.code == "unknown_locale"


def test_a_summary_of_a_short_text_may_not_go_on_for_ever() -> None:
    assert KIND.output_limit(5, 1000) < 100
    assert KIND.output_limit(500, 100) == 100
