"""Words for groups of people: each language's list is sound, and is found as words of that language are written."""

import unicodedata
from importlib.resources import files

import pytest

from polyloop.data.report.terms import language_of, word_list

LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "it", "pt", "zh")


def found(language: str, text: str) -> set[str]:
    terms = word_list(language)
    assert terms is not None
    return {term.group for term in terms.find(unicodedata.normalize("NFC", text))}


def test_the_languages_of_the_lists() -> None:
    lists = (files("polyloop.data.report") / "word_lists").iterdir()
    assert sorted(path.name for path in lists) == [f"{language}.toml" for language in LANGUAGES]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_list_has_all_groups_and_finds_each_of_its_words(language: str) -> None:
    terms, english = word_list(language), word_list("en")
    assert terms is not None
    assert english is not None
    assert terms.groups == english.groups
    listed = [*terms.words.values(), *(term for phrases in terms.phrases.values() for _, term in phrases)]
    for term in listed:
        assert term.word == term.word.lower().strip()
        assert term in terms.find(f"{term.word}."), term


@pytest.mark.parametrize(
    ("language", "text", "groups"),
    [
        ("en", "Her brothers, who are Non-Binary people", {"gender/women", "gender/men", "gender/trans_and_nonbinary"}),
        ("en", "the theme of sheets and manhole", set()),
        ("en", "black people and a black car", {"origin/black_people"}),
        ("de", "Die Frauen und der Rollstuhlfahrer", {"gender/women", "disability/disabled_people"}),
        ("fr", "l'homme et sa grand-mère", {"gender/men", "gender/women"}),
        ("zh", "其他人都走了", set()),
        ("zh", "他和媽媽", {"gender/men", "gender/women"}),
        ("ar", "والمسلمون هنا", {"religion/muslims"}),
        ("hi", "लड़कियां और बुज़ुर्ग।", {"gender/women", "age/older"}),
    ],
)
def test_words_are_found_as_the_language_writes_them(language: str, text: str, groups: set[str]) -> None:
    assert found(language, text) == groups


def test_a_language_without_a_list_has_none() -> None:
    assert word_list("fi") is None
    assert word_list("../terms") is None
    assert language_of("zh-Hant-TW") == "zh"
