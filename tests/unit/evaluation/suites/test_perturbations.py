"""Perturbations: what each does to real sentences, that chance is seeded, and which fit a locale."""

from collections import Counter

import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.suites.keyboards import layout_of, neighbours
from polyloop.evaluation.suites.perturbations import PERTURBATIONS, perturb, perturbations_of

EN = "The quick brown fox jumps over the lazy dog, and it doesn't stop for 3.5 miles!"
DE = "Größere Äpfel schmecken süßer als kleine Öfen, sagte der Zauberer aus Zürich."
ZH = "我们昨天在北京看了一部很好看的电影，票价是35元。"
TH = "วันนี้อากาศดีมาก"


def differing(before, after):
    return [(one, other) for one, other in zip(before, after, strict=True) if one != other]


@pytest.mark.parametrize(("text", "locale"), [(EN, "en"), (DE, "de"), ("L'été à la plage", "fr")])
def test_a_typo_presses_a_key_beside_the_right_one(text, locale):
    beside = neighbours(layout_of(locale))
    for seed in range(20):
        wrong = differing(text, perturb("typo", text, locale, seed=seed))
        assert wrong
        for right, pressed in wrong:
            assert pressed.lower() in beside[right.lower()]
            assert pressed.isupper() == right.isupper()


def test_german_keyboards_have_z_beside_t_and_english_ones_y():
    pressed: dict[str, set[str]] = {"de": set(), "en": set()}
    for locale, letters in pressed.items():
        for seed in range(60):
            letters.add(perturb("typo", "t", locale, seed=seed))
    assert pressed["de"] == set("rzfg")
    assert pressed["en"] == set("ryfg")


def test_a_transposition_keeps_the_letters_and_the_beginnings_of_words():
    for seed in range(20):
        after = perturb("transposition", EN, "en", seed=seed)
        assert after != EN
        assert Counter(after) == Counter(EN)
        assert [word[0] for word in after.split()] == [word[0] for word in EN.split()]


def test_a_dropped_letter_shortens_words_and_keeps_their_beginnings():
    after = perturb("dropped_letter", EN, "en")
    assert len(after) == len(EN) - 2  # one in twenty of the 42 letters inside words
    assert [word[0] for word in after.split()] == [word[0] for word in EN.split()]


@pytest.mark.parametrize(("text", "locale"), [(ZH, "zh-Hans"), (TH, "th")])
def test_characters_of_scripts_without_spaces_are_dropped_and_doubled(text, locale):
    dropped, doubled = (perturb(name, text, locale) for name in ("dropped_character", "doubled_character"))
    assert len(dropped) == len(text) - 1
    assert len(doubled) == len(text) + 1
    assert not Counter(dropped) - Counter(text)
    assert set(doubled) == set(text)


@pytest.mark.parametrize(
    ("name", "locale", "before", "after"),
    [
        ("upper_case", "de", "Maße in İ", "MASSE IN İ"),
        ("upper_case", "tr", "istanbul ılık", "İSTANBUL ILIK"),
        ("lower_case", "tr", "İSTANBUL ILIK", "istanbul ılık"),
        ("lower_case", "en", "Hello WORLD", "hello world"),
        ("dropped_accents", "fr", "Où est l'été déjà ?", "Ou est l'ete deja ?"),
        ("dropped_accents", "pl", "źdźbło Łódź", "zdzblo Lodz"),
        ("dropped_accents", "el", "καλημέρα", "καλημερα"),
        ("dropped_accents", "en", "plain", "plain"),
        ("spelled_umlauts", "de", "Größere Äpfel sind süßer", "Groessere Aepfel sind suesser"),
        ("spelled_umlauts", "de", "ÄPFEL UND SPAẞ", "AEPFEL UND SPASS"),
        ("full_width", "zh-Hans", "我有3个iPad", "我有３个ｉＰａｄ"),
        ("half_width", "ja", "ＡＢＣ１２３！これ。", "ABC123!これ."),
        ("half_width", "zh-Hans", "好，是的！", "好,是的!"),
        ("other_han_script", "zh-Hans", "后来我们发现头发很长", "後來我們發現頭髮很長"),
        ("other_han_script", "zh-Hant", "後來我們發現頭髮很長", "后来我们发现头发很长"),
        ("other_han_script", "zh-TW", "臺灣", "台湾"),
        ("dropped_punctuation", "en", "Well, it doesn't stop (for 3.5 miles)!", "Well it doesn't stop for 3.5 miles"),
        ("dropped_punctuation", "zh-Hans", ZH, "我们昨天在北京看了一部很好看的电影票价是35元"),
        ("dropped_punctuation", "en", "?!", "?!"),
        ("spaces", "en", "one two", "one  two "),
    ],
)  # fmt: skip
def test_known_texts_come_out_as_known(name, locale, before, after):
    assert perturb(name, before, locale) == after


def test_spaces_change_nothing_else():
    for text, locale in ((EN, "en"), (ZH, "zh-Hans")):
        after = perturb("spaces", text, locale)
        assert after != text
        assert after.replace(" ", "") == text.replace(" ", "")
    assert " " in perturb("spaces", ZH, "zh-Hans").strip()


def test_the_same_seed_gives_the_same_text_in_any_order():
    wanted = {(name, seed): perturb(name, DE, "de", seed=seed) for name in perturbations_of("de") for seed in range(5)}
    for (name, seed), text in reversed(wanted.items()):
        assert perturb(name, DE, "de", seed=seed) == text
    assert len({wanted["typo", seed] for seed in range(5)}) > 1


def test_each_locale_gets_what_fits_its_script():
    assert {"typo", "transposition", "spelled_umlauts"} <= set(perturbations_of("de"))
    assert "spelled_umlauts" not in perturbations_of("en")
    assert set(perturbations_of("zh-Hans")) == {
        "dropped_character", "doubled_character", "full_width", "half_width", "other_han_script",
        "dropped_punctuation", "spaces",
    }  # fmt: skip
    assert not {"typo", "upper_case"} & set(perturbations_of("ar"))
    assert {"upper_case", "transposition"} <= set(perturbations_of("ru"))
    assert set(perturbations_of("und")) == {"dropped_punctuation", "spaces"}


@pytest.mark.parametrize("name", PERTURBATIONS)
@pytest.mark.parametrize("text", ["", " ", "a", "我", "。", "😀 é", "1"])
def test_no_text_breaks_a_perturbation_or_comes_out_blank(name, text):
    for locale in ("en", "de", "zh-Hans", "th"):
        if name in perturbations_of(locale):
            after = perturb(name, text, locale)
            assert bool(after.strip()) == bool(text.strip())


@pytest.mark.parametrize("name", ["typo", "misspelling"])
def test_a_perturbation_that_does_not_fit_is_refused(name):
    with pytest.raises(
        EvaluationError, match=f"the perturbation '{name}' does not exist for 'zh-Hans'; use one of drop"
    ):
        perturb(name, ZH, "zh-Hans")
