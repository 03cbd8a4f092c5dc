"""Converting Chinese texts to the script of their locale."""

import pytest

from polyloop.data.steps.base import Draft
from polyloop.data.steps.han import HanVariant, convert_han

SIMPLIFIED = "我们在这里学习汉语，后来去了皇后的面馆。"
TRADITIONAL = "我們在這裏學習漢語，後來去了皇后的麪館。"


@pytest.mark.parametrize("locale", ["zh-Hans", "zh-Hans-SG", "zh-CN"])
def test_traditional_texts_of_simplified_locales_are_converted(locale: str) -> None:
    assert convert_han(TRADITIONAL, locale) == SIMPLIFIED


def test_simplified_texts_of_traditional_locales_are_converted_by_phrase() -> None:
    assert convert_han(SIMPLIFIED, "zh-Hant") == TRADITIONAL


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("zh-Hant", "我們在這裏爲了麪包"),
        ("zh-TW", "我們在這裡為了麵包"),
        ("zh-Hant-TW", "我們在這裡為了麵包"),
        ("zh-Hant-HK", "我們在這裏為了麪包"),
        ("zh-MO", "我們在這裏為了麪包"),
    ],
)
def test_the_region_decides_on_regional_forms(locale: str, text: str) -> None:
    assert convert_han("我们在这里为了面包", locale) == text


@pytest.mark.parametrize("locale", ["zh", "ja", "en", "ko", "yue-Hant"])
@pytest.mark.parametrize("text", [SIMPLIFIED, TRADITIONAL])
def test_texts_of_other_locales_stay(locale: str, text: str) -> None:
    draft = Draft(input=text, target=text, locale=locale, target_locale=locale, has_label=False)
    HanVariant().apply(draft)
    assert (draft.input, draft.target, draft.notes) == (text, text, {})


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        (SIMPLIFIED, "zh-Hans"),
        (TRADITIONAL, "zh-Hant"),
        ("王后在公里之外的台北，干杯", "zh-Hant"),
        ("作家沈从文的壮族麽文化研究发现这个问题", "zh-Hans"),
        ("東京都の人口は増加傾向です", "zh-Hans"),
        ("no Chinese", "zh-Hans"),
        ("", "zh-Hant"),
    ],
)
def test_texts_that_are_right_stay_as_they_are(text: str, locale: str) -> None:
    assert convert_han(text, locale) == text


def test_mixed_texts_become_one_script() -> None:
    assert convert_han("我們在这里学习", "zh-Hans") == "我们在这里学习"
    assert convert_han("我們在这里学习", "zh-Hant") == "我們在這裏學習"


def test_lone_surrogates_do_no_harm() -> None:
    assert convert_han("\ud800漢語\udfff", "zh-Hans") == "\ud800汉语\udfff"


def test_both_texts_are_converted_and_counted_and_labels_are_not() -> None:
    pair = Draft(input="漢語", target="汉语", locale="zh-Hans", target_locale="zh-Hant", has_label=False)
    HanVariant().apply(pair)
    assert (pair.input, pair.target, pair.notes) == ("汉语", "漢語", {"han:converted": 2})
    labelled = Draft(input="汉语", target="漢語", locale="zh-Hans", target_locale="zh-Hans", has_label=True)
    HanVariant().apply(labelled)
    assert (labelled.target, labelled.notes) == ("漢語", {})
