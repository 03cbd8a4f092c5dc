"""Texts as folded code points."""

import numpy as np

from polyloop.data.near.characters import CODE_BITS, END, LETTER, SEPARATOR, SIGN, SYLLABLE, UNSPACED_LETTER, fold


def folded(text: str) -> str:
    codes = fold([text]).codes[:-1] & ((1 << CODE_BITS) - 1)
    return "".join(map(chr, codes.tolist()))


def kinds(text: str) -> list[int]:
    found: list[int] = (fold([text]).codes >> np.uint32(CODE_BITS)).tolist()
    return found


def test_case_and_width_are_folded() -> None:
    assert folded("ÄBcＡ１ﾊ") == "äbca1ハ"


def test_a_character_whose_folding_is_longer_stays_one_character() -> None:
    assert folded("Straße ﬁ") == "straße\0ﬁ"


def test_punctuation_space_and_controls_only_separate() -> None:
    assert folded("a, b\t。c\u200b-_$") == "a\0\0b\0\0c\0\0\0\0"


def test_scripts_are_told_apart_by_how_they_are_written() -> None:
    assert kinds("a5ไ한漢カ😀") == [LETTER, LETTER, UNSPACED_LETTER, SYLLABLE, SIGN, SIGN, SIGN, END]


def test_the_selector_of_an_emoji_separates() -> None:
    assert kinds("❤\ufe0f") == [SIGN, SEPARATOR, END]


def test_each_text_is_closed_by_a_mark() -> None:
    codes, ends = fold(["ab", "", "c\n"])
    assert ends.tolist() == [2, 3, 6]
    assert (codes[ends] >> np.uint32(CODE_BITS)).tolist() == [END] * 3


def test_lone_surrogates_and_private_characters_separate() -> None:
    assert folded("a\ud800\U000f0000b") == "a\0\0b"
