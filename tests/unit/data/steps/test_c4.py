"""The C4 rules, one by one."""

import pytest

from polyloop.data.steps.base import Draft
from polyloop.data.steps.c4 import C4Step, sentences
from polyloop.data.steps.document import Parts

STEP = C4Step()
PROSE = [
    "The harbour is quiet in the early morning.",
    "Only the gulls are awake by then.",
    "The boats come back at noon.",
]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (PROSE, None),
        ([" ".join(PROSE)], None),
        (["Menu", "Home", *PROSE, "Log in"], None),
        ([*PROSE, "Lorem ipsum dolor sit amet."], "c4_lorem_ipsum"),
        ([*PROSE, "if (x) { return; }"], "c4_curly_brace"),
        (["Please turn on JavaScript to see this page."], "c4_javascript"),
        (["Our site is great, JavaScript is off.", "Turn on Javascript.", *PROSE[:1]], "c4_javascript"),
        (["We use cookies to make this better.", "Read our privacy policy.", *PROSE[:2]], "c4_policy"),
        (["Diese Seite verwendet Cookies, um besser zu werden."], "c4_policy"),
        (["Home", "News", "Sport", "Log in"], "c4_no_terminal_punctuation"),
        (
            ["Well, you see, and then we went ...", "And so it goes on and on…", *PROSE[:2]],
            "c4_no_terminal_punctuation",
        ),
        (["Oh no.", "Not again!", "Why me?", *PROSE[:2]], "c4_short_lines"),
        ([*PROSE[:2], "a" * 1_001 + " is a long word, too long."], "c4_long_word"),
        (PROSE[:2], "c4_too_few_sentences"),
        ([PROSE[0]], "c4_too_few_sentences"),
        ([], "c4_too_few_sentences"),
    ],
)
def test_an_english_text_is_dropped_for_what_most_of_its_lines_fail_by(lines: list[str], reason: str | None) -> None:
    assert STEP.judge(Parts("\n".join(lines)), "en") == reason


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["清晨的港口非常安静。只有海鸥已经醒来。渔船要到中午才回来。"], None),
        (["清晨的港口非常安静。", "只有海鸥已经醒来了。", "渔船要到中午才回来。"], None),
        (["首页", "新闻", "体育", "登录"], "c4_no_terminal_punctuation"),
        (["好的。", "不行。", "走吧。"], "c4_short_lines"),
        (["请启用JavaScript以查看本页面。"], "c4_javascript"),
        (["本网站使用Cookie。", "请阅读隐私政策。"], "c4_policy"),
    ],
)
def test_chinese_sentences_and_lines_are_counted_by_their_own_marks(lines: list[str], reason: str | None) -> None:
    assert STEP.judge(Parts("\n".join(lines)), "zh-Hans") == reason


@pytest.mark.parametrize(
    ("text", "script", "expected"),
    [
        ("One is 3.5. See example.org! “Two?” Yes", "Latn", ["One is 3.5.", "See example.org!", "“Two?”", "Yes"]),
        ("提高了质量.针对问题,提出方法。完", "Hani", ["提高了质量.", "针对问题,提出方法。", "完"]),
        ("هل تم؟ نعم.", "Arab", ["هل تم؟", "نعم."]),
        ("यह घर है। वह पेड़ है।", "Deva", ["यह घर है।", "वह पेड़ है।"]),
        ("ไปบ้าน กินข้าว", "Thai", ["ไปบ้าน", "กินข้าว"]),
        ("", None, []),
    ],
)
def test_sentences_end_where_their_script_ends_them(text: str, script: str | None, expected: list[str]) -> None:
    assert [sentence.strip() for sentence in sentences(text, script)] == expected


def test_a_text_is_never_changed() -> None:
    text = "Menu\n" + "\n".join(PROSE)
    draft = Draft(input=text, target="good", locale="en", target_locale="en", has_label=True)
    assert STEP.apply(draft) is None
    assert draft.input == text
