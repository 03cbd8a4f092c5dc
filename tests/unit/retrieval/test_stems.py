"""Forms of a word that meet."""

import pytest

from polyloop.retrieval.stems import MIN_STEM_LETTERS, stem


@pytest.mark.parametrize(
    "forms",
    [
        ("town", "towns"),
        ("built", "built"),
        ("walk", "walks", "walked", "walking"),
        ("tag", "tage", "tagen", "tages"),
        ("kind", "kinder", "kindes"),
        ("книга", "книги", "книгу", "книгами"),
        ("новый", "новая", "новые", "нового"),
        ("كتاب", "الكتاب", "والكتاب"),
        ("معلم", "معلمون", "المعلمين"),
    ],
)
def test_forms_of_a_word_meet(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


@pytest.mark.parametrize("word", ["es", "der", "мы", "ان", "1990s", "200", "x", "दिल्ली", "서울에서"])
def test_short_words_numbers_and_other_scripts_stay(word: str) -> None:
    assert stem(word) == word


@pytest.mark.parametrize("word", ["eses", "ererer", "ойой", "والها", "accordingly"])
def test_three_letters_always_stay(word: str) -> None:
    assert len(stem(word)) >= MIN_STEM_LETTERS
