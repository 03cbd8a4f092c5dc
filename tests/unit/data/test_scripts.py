"""Scripts of texts."""

import pytest
from babel import Locale

from polyloop.data.scripts import (
    SIMPLIFIED_ONLY,
    TRADITIONAL_ONLY,
    chinese_script,
    dominant_script,
    han_language,
    locale_script,
    locale_scripts,
)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("hello", "Latn"),
        ("Größe", "Latn"),
        ("Tiếng Việt", "Latn"),
        ("привет", "Cyrl"),
        ("γειά", "Grek"),
        ("שלום", "Hebr"),
        ("مرحبا", "Arab"),
        ("नमस्ते", "Deva"),
        ("สวัสดี", "Thai"),
        ("안녕하세요", "Hang"),
        ("ありがとう", "Kana"),
        ("東京タワーに行く", "Kana"),
        ("你好", "Hani"),
        ("我用 iPhone 手机", "Hani"),
        ("I like 你 very much", "Latn"),
        ("\U00020000\U00020001", "Hani"),
        ("hi", None),
        ("一", "Hani"),
        ("123 ½ ±", None),
        ("😀🇩🇪", None),
        ("", None),
    ],
)
def test_the_script_of_most_letters_wins(text: str, script: str | None) -> None:
    assert dominant_script(text) == script


@pytest.mark.parametrize(
    ("text", "script"), [("汉语", "Hans"), ("漢語", "Hant"), ("大小", None), ("hello", None), ("汉漢", None)]
)
def test_chinese_scripts_are_told_by_characters_of_one_of_them(text: str, script: str | None) -> None:
    assert chinese_script(text) == script


def test_no_character_counts_for_both_scripts() -> None:
    assert len(SIMPLIFIED_ONLY) == len(TRADITIONAL_ONLY) > 400
    assert not SIMPLIFIED_ONLY & TRADITIONAL_ONLY


@pytest.mark.parametrize(("tag", "script"), [("zh_Hans", "Hans"), ("zh_Hant", "Hant")])
def test_no_name_in_the_unicode_locale_data_is_taken_for_the_other_script(tag: str, script: str) -> None:
    locale = Locale.parse(tag)
    names = [*locale.territories.values(), *locale.languages.values()]
    scripts = [chinese_script(name) for name in names]
    assert set(scripts) <= {script, None}
    assert scripts.count(script) > len(names) * 0.45


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("经济", "zh"),
        ("这個", "zh"),
        ("駅前広場", "ja"),
        ("働く人", "ja"),
        ("人口", None),
        ("床前明月光", None),
        ("床前明月光疑是地上霜", "zh"),
        ("hello", None),
    ],
)
def test_characters_of_one_language_tell_it(text: str, language: str | None) -> None:
    assert han_language(text) == language


@pytest.mark.parametrize(
    ("locale", "script"),
    [("zh-Hans", "Hans"), ("zh-Hant-HK", "Hant"), ("zh-TW", "Hant"), ("zh-CN", "Hans"), ("zh", None), ("de-CN", None)],
)
def test_a_locale_names_its_script_or_implies_it(locale: str, script: str | None) -> None:
    assert locale_script(locale) == script


def test_a_locale_without_a_script_is_written_in_those_of_its_language() -> None:
    assert locale_scripts("de-AT") == {"Latn"}
    assert locale_scripts("ru") == {"Cyrl"}
    assert locale_scripts("sr") == {"Cyrl", "Latn"}
    assert locale_scripts("sr-Latn") == {"Latn"}
    assert locale_scripts("ja") == {"Kana"}
