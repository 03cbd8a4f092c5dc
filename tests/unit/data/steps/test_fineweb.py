"""The FineWeb rules, one by one."""

import pytest

from polyloop.data.steps.document import Parts
from polyloop.data.steps.fineweb import FineWebStep

STEP = FineWebStep()
LINES = [f"This is line number {number} of an ordinary text." for number in range(10)]
ENDLESS = [f"This is the heading of chapter number {number}" for number in range(10)]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (LINES, None),
        ([*LINES[:1], *ENDLESS], "fineweb_few_line_ends"),
        ([*LINES[:2], *ENDLESS], None),
        ([*LINES[:3], *(f"Item {number}." for number in range(7))], "fineweb_short_lines"),
        ([*LINES[:4], *(f"Item {number}." for number in range(6))], None),
        ([*LINES[:8], LINES[0]], "fineweb_duplicate_lines"),
        (
            ["Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz."] * 1
            + [f"Donau{'dampf' * 6}{n}." for n in range(9)],
            "fineweb_line_breaks",
        ),
        (["One short line"], None),
        ([], None),
    ],
)
def test_a_text_is_dropped_for_what_its_lines_look_like(lines: list[str], reason: str | None) -> None:
    assert STEP.judge(Parts("\n".join(lines)), "en") == reason


def test_chinese_lines_end_and_are_short_by_their_own_measure() -> None:
    lines = [f"第{number}天早上我们一起去公园散步。" for number in "一二三四五六七八"]
    assert STEP.judge(Parts("\n".join(lines)), "zh-Hans") is None
    menu = ["首页", "新闻", "体育", "财经", "我们昨天去了公园散步。", "登录", "注册", "帮助"]
    assert STEP.judge(Parts("\n".join(menu)), "zh-Hans") == "fineweb_short_lines"
    assert STEP.judge(Parts("\n".join(menu[:4])), "zh-Hans") == "fineweb_few_line_ends"


def test_thai_is_not_asked_for_full_stops() -> None:
    lines = ["วันนี้อากาศดีมากเราจึงไปเดินเล่นที่สวนสาธารณะด้วยกัน", "ตอนเย็นเรากลับบ้านและทำอาหารกินกับครอบครัวที่บ้าน"]
    assert STEP.judge(Parts("\n".join(lines)), "th") is None
