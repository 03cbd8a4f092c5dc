"""The Gopher quality rules, one by one."""

import pytest

from polyloop.data.steps.base import Draft
from polyloop.data.steps.document import Parts
from polyloop.data.steps.gopher import GopherQualityStep

STEP = GopherQualityStep()
SENTENCE = "The old man and his dog walk to the harbour with a basket of bread. "
CHINESE = "老人和他的狗每天早上都会带着一篮面包走到海边去看船。"
PROSE = SENTENCE * 4


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PROSE, None),
        (SENTENCE, "gopher_too_few_words"),
        (SENTENCE * 4_000 + SENTENCE * 3_500, "gopher_too_many_words"),
        ("to be it of " * 20, "gopher_short_words"),
        ("the and incomprehensibilities counterrevolutionaries " * 20, "gopher_long_words"),
        (PROSE + "#go #win #now #top #hot #new #top", "gopher_hash_signs"),
        ("The man... and the dog… went to the sea... but then " * 6, "gopher_ellipses"),
        ("\n".join(["- the bread and butter of it"] * 11), "gopher_bullet_lines"),
        ("\n".join([SENTENCE, SENTENCE + "and …", SENTENCE, SENTENCE + "read more..."]), "gopher_ellipsis_lines"),
        (PROSE + "12 34 56 78 90 11 22 33 44 55 66 77 88 99 10 20", "gopher_few_alphabetic_words"),
        ("Berlin Paris London Madrid Vienna " * 11, "gopher_few_stop_words"),
    ],
)
def test_an_english_text_is_dropped_for_the_rule_it_breaks(text: str, reason: str | None) -> None:
    assert STEP.judge(Parts(text), "en") == reason
    assert reason is None or reason in STEP.reasons


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (CHINESE * 4, None),
        (CHINESE * 3, "gopher_too_few_words"),
        (CHINESE * 4 + "http://example.org/" * 100, "gopher_long_words"),
        (CHINESE * 4 + "＃抽奖 " * 8, "gopher_hash_signs"),
        (CHINESE * 4 + "然后……" * 8, "gopher_ellipses"),
        (CHINESE * 4 + "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", "gopher_few_alphabetic_words"),
        ("苹果香蕉西瓜葡萄桌椅电脑手机" * 8, "gopher_few_stop_words"),
    ],
)
def test_a_chinese_text_is_counted_in_characters(text: str, reason: str | None) -> None:
    assert STEP.judge(Parts(text), "zh-Hans") == reason


def test_korean_words_are_measured_in_letters_and_vietnamese_syllables_may_be_short() -> None:
    korean = "나는 오늘 책을 들고 학교에 가서 늘 밥을 먹고 집에 왔다. " * 6
    assert STEP.judge(Parts(korean), "ko") is None
    vietnamese = "Anh tôi và mẹ đi chợ để mua cá, mua gà và vịt cho bà ngoại ở xa nhà. " * 5
    assert STEP.judge(Parts(vietnamese), "vi") is None
    assert STEP.judge(Parts(vietnamese), "en") == "gopher_short_words"


def test_one_line_breaks_no_rule_on_lines() -> None:
    assert STEP.judge(Parts("- " + PROSE + "…"), "en") is None


def test_a_language_without_stop_words_and_a_label_are_not_judged_by_them() -> None:
    names = "Berlin Paris London Madrid Vienna " * 11
    assert STEP.judge(Parts(names), "sw") is None
    draft = Draft(input=PROSE, target="good", locale="en", target_locale="en", has_label=True)
    assert STEP.apply(draft) is None


def test_thresholds_can_be_set() -> None:
    assert GopherQualityStep(min_words=5).judge(Parts(SENTENCE), "en") is None


@pytest.mark.parametrize("text", ["", " ", "。", "\n\n", "\u200b"])
def test_a_text_of_nothing_is_too_short(text: str) -> None:
    assert STEP.judge(Parts(text), "en") == "gopher_too_few_words"
    assert GopherQualityStep(min_words=0).judge(Parts(text), "en") is not None
