"""Checking that rows are in the language that they say."""

from typing import Literal

import pytest

from polyloop.data.steps.base import Draft
from polyloop.data.steps.language import WRONG_LANGUAGE, CheckLanguage

LOCALES = ("en", "de", "zh-Hans", "zh-Hant")
ENGLISH = "I would like to book a table for two people."
GERMAN = "Ich möchte einen Tisch für zwei Personen reservieren."
FRENCH = "Je voudrais réserver une table pour deux personnes."
CHINESE = "我想订一张两个人的桌子。"


def check(draft: Draft, action: Literal["keep", "drop", "relabel"], min_characters: int = 20) -> str | None:
    return CheckLanguage(action=action, min_characters=min_characters, locales=LOCALES).apply(draft)


def labelled(text: str, locale: str) -> Draft:
    return Draft(input=text, target="good", locale=locale, target_locale=locale, has_label=True)


def pair(source: str, target: str, locale: str, target_locale: str) -> Draft:
    return Draft(input=source, target=target, locale=locale, target_locale=target_locale, has_label=False)


def locales(draft: Draft) -> tuple[str, str]:
    return draft.locale, draft.target_locale


@pytest.mark.parametrize("action", ["keep", "drop", "relabel"])
def test_rows_in_their_own_language_stay_and_are_counted(action: Literal["keep", "drop", "relabel"]) -> None:
    draft = pair(ENGLISH, CHINESE, "en", "zh-Hans")
    assert check(draft, action) is None
    assert locales(draft) == ("en", "zh-Hans")
    assert draft.notes == {"language:en": 1}


def test_keep_only_counts() -> None:
    draft = labelled(GERMAN, "en")
    assert check(draft, "keep") is None
    assert locales(draft) == ("en", "en")
    assert draft.notes == {"language:de": 1}


def test_drop_leaves_out_rows_of_which_either_text_is_in_another_language() -> None:
    assert check(labelled(GERMAN, "en"), "drop") == WRONG_LANGUAGE
    assert check(pair(ENGLISH, FRENCH, "en", "de"), "drop") == WRONG_LANGUAGE
    assert check(pair(FRENCH, GERMAN, "en", "de"), "drop") == WRONG_LANGUAGE


def test_relabel_gives_a_labelled_row_the_locale_found() -> None:
    draft = labelled(GERMAN, "en")
    assert check(draft, "relabel") is None
    assert locales(draft) == ("de", "de")
    assert draft.notes == {"language:de": 1, "language:relabelled": 1}


def test_relabel_settles_the_two_texts_of_a_pair_by_themselves() -> None:
    draft = pair(GERMAN, CHINESE, "en", "de")
    assert check(draft, "relabel") is None
    assert locales(draft) == ("de", "zh-Hans")
    assert draft.notes == {"language:de": 1, "language:relabelled": 2}


def test_a_target_too_short_to_tell_follows_the_input_if_both_had_one_locale() -> None:
    same = pair(GERMAN, "Tisch", "en", "en")
    assert check(same, "relabel") is None
    assert locales(same) == ("de", "de")
    other = pair(GERMAN, "table", "en", "zh-Hans")
    assert check(other, "relabel") is None
    assert locales(other) == ("de", "zh-Hans")


def test_relabel_drops_what_is_in_no_language_of_the_project() -> None:
    assert check(labelled(FRENCH, "en"), "relabel") == WRONG_LANGUAGE


def test_chinese_scripts_are_told_apart() -> None:
    text = "我們在這裡學習漢語，也學習德語。"
    assert check(labelled(text, "zh-Hans"), "drop") == WRONG_LANGUAGE
    draft = labelled(text, "zh-Hans")
    assert check(draft, "relabel") is None
    assert locales(draft) == ("zh-Hant", "zh-Hant")
    assert check(labelled("床前明月光，疑是地上霜。", "zh-Hant"), "drop") is None


@pytest.mark.parametrize("text", ["Guten Tag", "Tisch für zwei", "1234567890 1234567890", "Hotel Bar Restaurant", ""])
def test_texts_that_cannot_be_told_are_believed(text: str) -> None:
    draft = labelled(text, "en")
    assert check(draft, "drop") is None
    assert draft.notes == {"language:und": 1}


def test_the_shortest_text_to_look_at_is_a_setting_and_chinese_counts_three_times() -> None:
    assert check(labelled("Guten Tag", "en"), "drop", min_characters=9) == WRONG_LANGUAGE
    assert check(labelled("Guten Tag", "en"), "drop", min_characters=10) is None
    assert check(labelled("我们学习汉语", "en"), "drop", min_characters=18) == WRONG_LANGUAGE
    assert check(labelled("我们学习汉语", "en"), "drop", min_characters=19) is None


def test_regions_and_close_standards_are_not_doubted() -> None:
    assert check(labelled(GERMAN, "de-AT"), "drop") is None
    assert check(labelled("Jeg vet ikke hva jeg skal gjøre i morgen", "nb"), "drop") is None
    assert check(labelled("Mama je došla kući jer je bila jako umorna.", "hr"), "drop") is None
