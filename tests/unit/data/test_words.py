"""Words and lengths of texts, by script."""

import pytest

from polyloop.data.scripts import dominant_script
from polyloop.data.words import count_letters, count_words, words


@pytest.mark.parametrize(
    ("text", "script", "expected"),
    [
        ("It's a dog, isn't it?", "Latn", ["It's", "a", "dog,", "isn't", "it?"]),
        ("我有3只GPT-4猫。", "Hani", ["我", "有", "3", "只", "GPT-4", "猫"]),
        ("減少了MRP),提出", "Hani", ["減", "少", "了", "MRP),", "提", "出"]),
        ("★★★ 优惠 ★★★", "Hani", ["★★★", "优", "惠", "★★★"]),
        ("猫はかわいい。", "Kana", ["猫", "は", "か", "わ", "い", "い"]),
        ("ที่นี่", "Thai", ["ที่", "นี่"]),
        ("ខ្ញុំ", "Khmr", ["ខ្ញុំ"]),
        ("안녕 세상", "Hang", ["안녕", "세상"]),
        ("", None, []),
    ],
)
def test_words_are_cut_as_the_script_writes_them(text: str, script: str | None, expected: list[str]) -> None:
    assert words(text, script) == expected


def test_characters_of_scripts_without_spaces_are_worth_part_of_a_word() -> None:
    found = words("我们今天去看电影 GPT-4 的", "Hani")
    assert len(found) == 10
    assert count_words(found, "Hani") == pytest.approx(9 / 1.75 + 1)
    assert count_words(["to", "be"], "Latn") == 2


@pytest.mark.parametrize(
    ("english", "other"),
    [
        (
            "The weather is very fine today, so we are going to walk to the park.",
            "今天天气很好，所以我们要走路去公园。",
        ),
        (
            "The weather is very fine today, so we are going to walk to the park.",
            "今日はとても天気がいいので、みんなで一緒に公園まで歩いて行きます。",
        ),
        (
            "The weather is very fine today, so we are going to walk to the park.",
            "오늘은 날씨가 아주 좋아서 우리는 공원까지 걸어갈 것입니다.",
        ),
        (
            "The weather is very fine today, so we are going to walk to the park.",
            "Сегодня очень хорошая погода, поэтому мы пойдём пешком в парк.",
        ),
        (
            "The weather is very fine today, so we are going to walk to the park.",
            "الطقس جميل جدا اليوم، لذلك سوف نذهب إلى الحديقة سيرا على الأقدام.",
        ),
        (
            "The weather is very fine today, so we are going to walk to the park.",
            "Das Wetter ist heute sehr schön, also gehen wir zu Fuß in den Park.",
        ),
    ],
)
def test_a_sentence_has_about_the_same_length_in_all_scripts(english: str, other: str) -> None:
    assert count_letters(other) == pytest.approx(count_letters(english), rel=0.2)


def test_letters_of_mixed_texts_count_each_by_its_own_script() -> None:
    assert count_letters("iPhone 手机") == pytest.approx(6 + 2 * 2.9)
    assert dominant_script("iPhone 15 Pro Max 手机") == "Latn"
    assert count_letters("...") == 0
