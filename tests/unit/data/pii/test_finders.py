"""What is found in a text, over all kinds: overlaps, scripts, locales, and texts made to be slow."""

import random
import string

import pytest

from polyloop.data.pii.base import Span, fold, has_trace
from polyloop.data.pii.finders import FINDERS, find_personal, finders_for


def found(text: str, locale: str = "en") -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find_personal(text, locale)]


@pytest.mark.parametrize("text", ["", "A man in an orange hat.", "他在看书。", "Ein Mann liest!", "http : // nothing"])
def test_a_text_without_any_trace_is_left_at_once(text: str) -> None:
    assert not has_trace(text)
    assert find_personal(text, "en") == ()


def test_spans_are_in_order_and_of_the_text_as_it_is() -> None:
    text = "手机１３８００１３８０００，邮箱ｌｉ＠ｑｑ.ｃｏｍ，身份证11010519491231002X。"
    assert found(text, "zh-Hans") == [
        ("phone", "１３８００１３８０００"),
        ("email", "ｌｉ＠ｑｑ.ｃｏｍ"),
        ("national_id", "11010519491231002X"),
    ]


def test_folding_keeps_the_length_and_reads_digits_of_many_scripts() -> None:
    text = "٠٥٠ ۱۲۳ ९८७ ２０–30\u00a0＠"
    assert fold(text) == "050 123 987 20-30 @"


def test_a_comma_of_chinese_ends_a_number() -> None:
    assert found("身份证11010519491231002X，4人", "zh-Hans") == [("national_id", "11010519491231002X")]


def test_the_kind_that_proves_most_has_what_several_claim() -> None:
    assert found("https://bob:pass12@mail.example.com/x?email=ann@example.com") == [
        ("url_token", "bob:pass12"),
        ("email", "ann@example.com"),
    ]
    assert found("IBAN DE89 3704 0044 0532 0130 00, call 030 1234567", "de")[0] == (
        "iban",
        "DE89 3704 0044 0532 0130 00",
    )
    assert found("SSN 536904399, card 5369 0439 9000 0002")[0] == ("national_id", "536904399")


def test_only_the_kinds_that_are_wanted_are_found() -> None:
    text = "ann@example.com, 212-555-0147"
    assert find_personal(text, "en", ("phone",)) == (Span(17, 29, "phone"),)
    assert [finder.kind for finder in finders_for("en", ("email", "ip"))] == ["email", "ip"]


def test_the_locale_decides_which_national_numbers_are_looked_for() -> None:
    assert found("CPF 390.533.447-05", "pt") == [("national_id", "390.533.447-05")]
    assert found("CPF 390.533.447-05", "en") == []
    assert found("0151 23456789", "de") == [("phone", "0151 23456789")]
    assert found("0151 23456789", "fr") == []


def test_a_locale_that_no_table_knows_still_gets_what_holds_everywhere() -> None:
    text = "ann@example.com +49 30 1234567 DE89370400440532013000"
    assert [kind for kind, _ in found(text, "eo")] == ["email", "phone", "iban"]


def test_masked_text_holds_nothing_more() -> None:
    text = "".join(f"{finder.placeholder} 12 " for finder in FINDERS)
    assert find_personal(text, "de") == ()


@pytest.mark.parametrize("locale", ["en", "de", "zh-Hans", "fr"])
@pytest.mark.parametrize(
    "unit",
    [
        "1 ",
        "12-",
        "00 ",
        "01.",
        "4",
        "a@",
        "@",
        "a.a@a.",
        "((",
        "+1",
        "1.1.",
        "::a",
        "?a=",
        "://a:",
        "AB12",
        "DE89 ",
        "passport A",
    ],
)
def test_texts_made_to_be_slow_are_not(unit: str, locale: str) -> None:
    find_personal(unit * (50_000 // len(unit)), locale)


def test_half_a_megabyte_of_random_signs_is_looked_through() -> None:
    rng = random.Random(7)
    for alphabet in (string.digits + " -./()+", string.ascii_letters + string.digits + "@.-=?&:/ "):
        find_personal("".join(rng.choices(alphabet, k=500_000)), "en")
