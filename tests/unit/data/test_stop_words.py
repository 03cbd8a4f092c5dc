"""Function words of languages."""

import pytest

from polyloop.data.stop_words import PIECES, WORDS, has_stop_words


@pytest.mark.parametrize(
    ("language", "prose", "names"),
    [
        ("en", "He saw «the» dog, «and» it ran.", "Berlin Paris London"),
        ("de", "Der Hund und die Katze.", "Berlin Paris London"),
        ("ru", "Он был в доме и спал.", "Москва Казань Тула"),
        ("hi", "यह मेरा घर है।", "दिल्ली मुंबई"),
        ("zh", "我的书在桌子上。", "北京上海广州"),
        ("ja", "猫は魚を食べる。", "東京、大阪、京都"),
        ("ko", "나는 밥을 먹었다.", "서울, 부산, 대구"),
        ("th", "หนังสือที่อยู่ในบ้าน", "กรุงเทพ เชียงใหม่"),
    ],
)
def test_prose_has_two_function_words_and_a_list_of_names_has_not(language: str, prose: str, names: str) -> None:
    assert has_stop_words(prose, prose.split(), language, 2) is True
    assert has_stop_words(names, names.split(), language, 2) is False


def test_the_same_word_twice_counts_once() -> None:
    assert has_stop_words("the the the", ["the", "the", "the"], "en", 2) is False


def test_a_language_without_a_list_is_not_judged() -> None:
    assert has_stop_words("Habari ya leo", ["Habari", "ya", "leo"], "sw", 2) is None


def test_listed_words_are_lower_case_and_enough() -> None:
    for language, listed in WORDS.items():
        assert all(word == word.lower() for word in listed)
        assert len(listed) >= 8, language
    assert all(len(pieces) >= 5 for pieces in PIECES.values())
