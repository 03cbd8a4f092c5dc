"""Tests of the generate kind."""

from pathlib import Path

import pytest
from tests.support.small_tasks import small_task, small_tokenizer

from polyloop.errors import ModelError, RequestError
from polyloop.tasks.generate import Generate, GenerateRequest, read_prompt, styled_prompt

TASK = small_task("generate", styles=["poem", "ad"])
KIND = Generate()


def test_an_input_is_style_locale_prompt_and_the_place_where_the_text_begins(tmp_path: Path) -> None:
    tokenizer = small_tokenizer(tmp_path, TASK)
    styled, plain = KIND.encode_inputs(tokenizer, [styled_prompt("ad", "two"), "one"], ["de", "en"])
    assert tokenizer.convert_ids_to_tokens(styled)[:2] == ["<style:ad>", "<2de>"]
    assert tokenizer.convert_ids_to_tokens(plain)[0] == "<2en>"
    assert tokenizer.convert_ids_to_tokens([styled[-1], plain[-1]]) == ["<|begin|>"] * 2
    assert tokenizer.decode(styled[2:-1]) == "two"


def test_a_request_with_a_style_is_one_text_that_can_be_read_again() -> None:
    text = KIND.input_text(GenerateRequest(input='say "雪"', style="poem"), TASK, "en")
    assert read_prompt(text) == ("poem", 'say "雪"')
    assert KIND.input_text(GenerateRequest(input="snow"), TASK, "en") == "snow"


@pytest.mark.parametrize(
    "text",
    [
        *("{", '{"style": "ad"}', "[1]", '{"a": 1}', "plain", '{"style": 1, "prompt": 2, "x": 3}'),
        '{"style": 1, "prompt": "a"}',
        '{"a": ' * 10_000,
    ],
    ids=lambda text: text[:20],
)
def test_a_text_of_another_form_is_a_prompt(text: str) -> None:
    assert read_prompt(text) == (None, text)


def test_a_style_that_the_task_has_not_is_refused_with_those_that_it_has() -> None:
    with pytest.raises(RequestError, match="its styles: poem, ad"):
        KIND.input_text(GenerateRequest(input="snow", style="ode"), TASK, "en")


def test_a_style_inside_the_input_is_checked_like_one_beside_it() -> None:
    own = styled_prompt("poem", "snow")
    assert KIND.input_text(GenerateRequest(input=own), TASK, "en") == own
    for before in ("", " ", "\u200b"):
        with pytest.raises(RequestError, match="no style 'ode'; its styles: poem, ad"):
            KIND.input_text(GenerateRequest(input=before + styled_prompt("ode", "snow")), TASK, "en")


def test_where_nobody_could_tell_the_language_the_client_is_asked_for_it(tmp_path: Path) -> None:
    tokenizer = small_tokenizer(tmp_path, TASK)
    with pytest.raises(RequestError, match="send its `locale`") as caught:
        KIND.encode_inputs(tokenizer, ["one", "12"], ["en", "und"])
    assert (caught.value.status, caught.value.code) == (422, "unknown_locale")
    with pytest.raises(ModelError, match="no token '<2fr>'"):
        KIND.encode_inputs(tokenizer, ["one"], ["fr"])


def test_a_style_that_the_tokenizer_has_not_is_refused(tmp_path: Path) -> None:
    tokenizer = small_tokenizer(tmp_path, TASK)
    with pytest.raises(ModelError, match="no token '<style:ode>'"):
        KIND.encode_inputs(tokenizer, [styled_prompt("ode", "snow")], ["en"])
