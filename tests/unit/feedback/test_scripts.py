"""Scripts of texts and locales."""

import pytest

from polyloop.feedback.scripts import expected_scripts, lacks_script, scripts_of


@pytest.mark.parametrize(
    ("text", "scripts"),
    [
        ("Grüße", {"Latn"}),
        ("你好", {"Hani"}),
        ("ひらカナ漢字", {"Hira", "Kana", "Hani"}),
        ("Привет", {"Cyrl"}),
        ("مرحبا", {"Arab"}),
        ("안녕", {"Hang"}),
        ("US$5 和 6", {"Latn", "Hani"}),
        ("ＡＢＣ", {"Latn"}),
        ("2026-05-03 ¥", set()),
        ("", set()),
    ],
)
def test_scripts_are_those_of_the_letters(text: str, scripts: set[str]) -> None:
    assert scripts_of(text) == scripts


@pytest.mark.parametrize(
    ("locale", "scripts"),
    [
        ("de", {"Latn"}),
        ("de-AT", {"Latn"}),
        ("zh-Hans", {"Hani"}),
        ("zh-Hant-TW", {"Hani"}),
        ("sr-Latn", {"Latn"}),
        ("sr", {"Cyrl"}),
        ("ja", {"Hani", "Hira", "Kana"}),
        ("und", set()),
    ],
)
def test_locales_expect_their_scripts(locale: str, scripts: set[str]) -> None:
    assert expected_scripts(locale) == scripts


@pytest.mark.parametrize(
    ("correction", "output", "locale", "lacks"),
    [
        ("3. Mai", "3 May", "de", False),
        ("5月3日", "3. Mai", "de", True),
        ("5月3日", "2026-05-03", "de", True),
        ("May 3", "5月3日", "zh-Hans", True),
        ("US$5.00", "5.00", "zh-Hans", False),
        ("2026-05-03", "5月3日", "zh-Hans", False),
        ("3 мая", "3 May", "zh-Hans", True),
        ("anything", "5月3日", "und", False),
        ("May 3", None, "zh-Hans", False),
    ],
)
def test_a_correction_in_a_foreign_script_is_noticed(
    correction: str, output: str | None, locale: str, lacks: bool
) -> None:
    assert lacks_script(correction, output, locale) is lacks
