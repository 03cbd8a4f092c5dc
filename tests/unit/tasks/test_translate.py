"""Tests of the translate kind."""

from pathlib import Path

import pytest
from tests.support.small_tasks import small_task, small_tokenizer

from polyloop.errors import ModelError, RequestError
from polyloop.tasks.translate import Translate

TASK = small_task("translate", pairs=["en>de", "en>zh-Hans", "de>en"])
KIND = Translate()


def test_special_tokens_are_the_tags_of_the_target_locales_in_order() -> None:
    assert KIND.special_tokens(TASK) == ["<2de>", "<2zh-Hans>", "<2en>"]


def test_an_input_begins_with_the_tag_and_ends_with_the_end_token(tmp_path: Path) -> None:
    tokenizer = small_tokenizer(tmp_path, TASK)
    first, second = KIND.encode_inputs(tokenizer, ["one", "two"], ["de", "zh-Hans"])
    assert tokenizer.convert_ids_to_tokens([first[0], second[0]]) == ["<2de>", "<2zh-Hans>"]
    assert first[-1] == second[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(first[1:-1]) == "one"


def test_a_target_ends_with_the_end_token_and_decodes_to_itself(tmp_path: Path) -> None:
    tokenizer = small_tokenizer(tmp_path, TASK)
    texts = ["12 Mai", "", "日本"]
    rows = KIND.encode_targets(tokenizer, texts, TASK)
    assert [ids[-1] for ids in rows] == [1, 1, 1]
    assert KIND.decode(tokenizer, rows) == texts


def test_a_locale_whose_tag_the_tokenizer_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no token '<2fr>'"):
        KIND.encode_inputs(small_tokenizer(tmp_path, TASK), ["one"], ["fr"])


@pytest.mark.parametrize(
    ("locale", "asked", "target"), [("en", "zh-Hans", "zh-Hans"), ("de", None, "en"), ("und", "de", "de")]
)
def test_the_target_locale_is_the_asked_or_the_only_one(locale: str, asked: str | None, target: str) -> None:
    assert KIND.resolve_target_locale(TASK, locale, asked) == target


@pytest.mark.parametrize(("locale", "asked"), [("en", None), ("en", "fr"), ("de", "zh-Hans"), ("fr", None)])
def test_a_pair_that_is_not_served_is_refused_with_those_that_are(locale: str, asked: str | None) -> None:
    with pytest.raises(RequestError, match="it serves en>de, en>zh-Hans, de>en") as caught:
        KIND.resolve_target_locale(TASK, locale, asked)
    assert caught.value.code == "unknown_locale"
