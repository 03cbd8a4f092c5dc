"""Terms of texts in several scripts."""

import pytest

from polyloop.retrieval.analysis import FIELDS, PAIRS, PARTS, WORDS, analyse


def test_words_between_spaces_give_stems_parts_and_pairs() -> None:
    terms = analyse("Old towers")
    assert terms == {WORDS: ["old", "tower"], PARTS: ["old", "towe", "ower", "wers"], PAIRS: ["old tower"]}


def test_scripts_without_spaces_are_cut_into_characters() -> None:
    assert analyse("北京大学") == {
        WORDS: ["北京", "京大", "大学"],
        PARTS: ["北", "京", "大", "学"],
        PAIRS: ["北京大", "京大学"],
    }
    assert analyse("水")[WORDS] == ["水"]
    assert analyse("京都に")[WORDS] == ["京都", "都に"]
    assert analyse("ไทย")[WORDS] == ["ไท", "ทย"]


def test_a_text_in_two_scripts_is_cut_run_by_run() -> None:
    terms = analyse("我用 Python3 写 Übungen,很快")
    assert terms[WORDS] == ["我用", "python3", "写", "ubung", "很快"]
    assert terms[PAIRS] == []


def test_a_german_compound_shares_parts_with_its_words() -> None:
    compound, word = set(analyse("Donaudampfschiff")[PARTS]), set(analyse("Dampfschiff")[PARTS])
    assert word <= compound


def test_vowel_signs_belong_to_their_words() -> None:
    assert analyse("हिन्दी भाषा")[WORDS] == ["हिन्दी", "भाषा"]


def test_korean_parts_are_two_syllables() -> None:
    assert analyse("서울에서")[PARTS] == ["서울", "울에", "에서"]


def test_pairs_do_not_reach_over_another_script() -> None:
    assert analyse("red 红 car")[PAIRS] == []


@pytest.mark.parametrize("text", ["", " \n", "!?… — _", "\ud800"])
def test_a_text_without_words_has_no_terms(text: str) -> None:
    assert analyse(text) == {field.name: [] for field in FIELDS}


def test_a_huge_word_is_cut_in_linear_time() -> None:
    assert len(analyse("x" * 300_000)[PARTS]) == 300_000 - 3
