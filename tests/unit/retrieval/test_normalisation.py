"""Spellings of one word that become one, and letters that stay apart."""

import pytest

from polyloop.retrieval.normalisation import normalise_for_search


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("STRASSE", "Straße"),
        ("Ｆｕｌｌ　ｗｉｄｔｈ　１２", "full width 12"),
        ("Cafe\u0301", "café"),
        ("CAFÉ", "cafe"),
        ("Mäuse", "Mause"),
        ("Ёлка", "елка"),
        ("за\u0301мок", "замок"),
        ("كِتَابٌ", "كتاب"),
        ("كتـــاب", "كتاب"),
        ("إلى أحمد", "الي احمد"),
        ("مدرسة", "مدرسه"),
        ("کتاب", "كتاب"),
        ("٤٢", "42"),
        ("४२", "42"),
        ("繁體中文", "繁体中文"),
        ("ﬁne", "fine"),
    ],
)
def test_spellings_of_one_word_become_one(one: str, other: str) -> None:
    assert normalise_for_search(one) == normalise_for_search(other)


@pytest.mark.parametrize(("one", "other"), [("мой", "мои"), ("が", "か"), ("한국", "한굴"), ("को", "का")])
def test_letters_that_tell_words_apart_stay(one: str, other: str) -> None:
    assert normalise_for_search(one) != normalise_for_search(other)


@pytest.mark.parametrize(
    "text", ["Ärger im İstanbul", "한국어", "がぎぐ", "ﷺ", "ΑΣΣ ς", "plain", "broken \ud800 text 說"]
)
def test_a_normalised_text_stays_as_it_is(text: str) -> None:
    once = normalise_for_search(text)
    assert normalise_for_search(once) == once
