"""Folding full-width and half-width characters."""

import pytest

from polyloop.data.steps.base import Draft
from polyloop.data.steps.width import NormaliseWidth, fold_width


@pytest.mark.parametrize(
    ("text", "locale", "folded"),
    [
        ("Ｈｅｌｌｏ，　ｗｏｒｌｄ！", "en", "Hello,　world!"),
        ("ﬁnde die ﬂache Stadt, ﬀ ﬃ ﬄ ﬆ", "de", "finde die flache Stadt, ff ffi ffl st"),
        ("３．５％ ￥５ ￡５", "de", "3.5% ¥5 £5"),
        ("（테스트）", "ko", "(테스트)"),
        ("你好，我有１２个ＡＢＣ！（真的）", "zh-Hans", "你好，我有12个ABC！（真的）"),
        ("失业率为３．４％。", "zh-Hans", "失业率为3.4%。"),
        ("ﾊﾝｶｸ ｶﾞﾊﾟｳﾞ", "ja", "ハンカク ガパヴ"),
        ("｢ﾊｲ｣､ﾄ｡", "ja", "「ハイ」、ト。"),
        ("电信＋ＩＴ", "zh-Hans", "电信+IT"),
    ],
)
def test_widths_are_folded_where_the_script_wants_it(text: str, locale: str, folded: str) -> None:
    assert fold_width(text, locale) == folded


@pytest.mark.parametrize(
    "text",
    ["，。！？：；（）「」『』【】《》～", "他说：“好！”（笑）", "東京（とうきょう）、「はい」？", "？？？！"],
)
@pytest.mark.parametrize("locale", ["zh-Hans", "zh-Hant-TW", "ja"])
def test_chinese_and_japanese_punctuation_stays(text: str, locale: str) -> None:
    assert fold_width(text, locale) == text


def test_chinese_punctuation_stays_in_a_chinese_text_of_a_wrong_locale() -> None:
    assert fold_width("你好，世界！", "en") == "你好，世界！"
    assert fold_width("hello，world！", "en") == "hello,world!"


@pytest.mark.parametrize(
    "text", ["x² + H₂O", "½ ¼", "①②", "Ⅷ ⅳ", "㎏ ㎡ ℃ №", "™ ®", "ª º", "…", "ĳ ǆ", "カタカナ", "한국어"]
)
def test_characters_that_say_something_else_are_not_folded(text: str) -> None:
    assert fold_width(text, "en") == text
    assert fold_width(text, "ja") == text


def test_both_texts_are_folded_and_counted_and_labels_are_not() -> None:
    pair = Draft(input="Ａ，", target="你，Ａ", locale="en", target_locale="zh-Hans", has_label=False)
    NormaliseWidth().apply(pair)
    assert (pair.input, pair.target, pair.notes) == ("A,", "你，A", {"width:folded": 2})
    labelled = Draft(input="a", target="Ａ", locale="en", target_locale="en", has_label=True)
    NormaliseWidth().apply(labelled)
    assert (labelled.target, labelled.notes) == ("Ａ", {})


def test_lone_surrogates_do_no_harm() -> None:
    assert fold_width("\ud800Ａ", "en") == "\ud800A"
