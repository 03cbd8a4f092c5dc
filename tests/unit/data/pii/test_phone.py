"""Phone numbers of many countries, and the many numbers that are none."""

import pytest

from polyloop.data.pii.finders import find_personal
from polyloop.data.pii.phone_regions import regions_of


def found(text: str, locale: str) -> list[str]:
    return [text[span.start : span.end] for span in find_personal(text, locale, ("phone",))]


@pytest.mark.parametrize(
    ("locale", "number"),
    [
        *(
            ("en", number)
            for number in ("(212) 555-0147", "212-555-0147", "212.555.0147", "1-800-555-1234", "020 7946 0958")
        ),
        *(("en-GB", number) for number in ("020 7946 0958", "+44 20 7946 0958", "07400 123456")),
        *(("de", number) for number in ("030 / 1234567", "+49 (0)30 1234567", "0049 30 1234567", "0151 23456789")),
        *(("de", number) for number in ("(06021) 46206", "089/1234567")),
        *(
            ("zh-Hans", number)
            for number in ("13800138000", "138-0013-8000", "010-88886666", "400-810-6666", "+8613800138000")
        ),
        *(("fr", number) for number in ("01 23 45 67 89", "06.12.34.56.78", "0612345678", "+33 6 12 34 56 78")),
        *(("es", number) for number in ("612 34 56 78", "612345678", "612 345 678", "+34 912 34 56 78")),
        *(("it", number) for number in ("347 123 4567", "06 1234 5678", "0549-882914")),
        *(("pt", number) for number in ("(11) 91234-5678", "+55 11 91234-5678", "912 345 678")),
        *(("ar", number) for number in ("٠٥٠١٢٣٤٥٦٧", "+966501234567", "0501234567")),
        *(("hi", "9876543210"), ("ja", "090-1234-5678"), ("ko", "010-1234-5678"), ("ru", "8 (912) 345-67-89")),
        *(("tr", "0532 123 45 67"), ("nl", "06 12345678"), ("pl", "512 345 678"), ("zh-Hant", "0912-345-678")),
        *(("th", "02-241-9000"), ("vi", "0984.119.455"), ("sv", "070-123 45 67"), ("und", "+49 30 1234567")),
    ],
)
def test_numbers_are_found_as_they_are_written_there(locale: str, number: str) -> None:
    assert found(f"- {number}, -", locale) == [number]


@pytest.mark.parametrize("locale", ["en", "de", "zh-Hans", "fr", "es", "pt", "it", "ja"])
@pytest.mark.parametrize(
    "text",
    [
        *("1990-1995", "08.08.2008 20:00", "2023-10-05 12:30:45", "20231005123045", "05/10/2023", "01.02.03"),
        *("3.14159265", "0.1234567", "1.234.567,89", "10 000 000", "$1,234,567", "12:30-14:45", "7654321"),
        *(
            "ISBN 978-3-16-148410-0",
            "978-3-16-148410-0",
            "0-306-40615-2",
            "12-345-678-9012",
            "1234567 + 7654321 = 8888888",
        ),
        *(
            "order no. 0301234567",
            "Bestellnummer 0301234567",
            "订单号13800138000",
            "commande n° 0612345678",
            "pedido 612345678",
        ),
        *("1-0, 2-1, 3-2", "R2D2 C3PO 12345", "-" * 40, "612 000 000", "1 2 3 4 5 6 7 8 9 10 11 12"),
    ],
)
def test_other_numbers_are_not(text: str, locale: str) -> None:
    assert found(text, locale) == []


def test_digits_alone_are_a_number_beside_a_word_for_phone() -> None:
    assert found("2125550147", "en") == []
    assert found("call 2125550147", "en") == ["2125550147"]
    assert found("her phone: 853-1575", "en") == ["853-1575"]
    assert found("电话88886666", "zh-Hans") == ["88886666"]


def test_chinese_needs_no_spaces_around_a_number() -> None:
    assert found("电话13800138000请联系", "zh-Hans") == ["13800138000"]


def test_an_open_bracket_without_its_close_is_not_part_of_a_number() -> None:
    assert found("Sue (713-853-5105, home)", "en") == ["713-853-5105"]


def test_part_of_a_longer_row_of_groups_is_no_number() -> None:
    assert found("GB96 0517 8357 8123 24 55", "de") == []
    assert found("5133 3864 4840 1798", "es") == []


def test_two_numbers_side_by_side_are_two() -> None:
    assert found("Tel. 212-555-0147/212-555-0148", "en") == ["212-555-0147", "212-555-0148"]
    assert found("phone +49 30 1234567 +49 30 7654321", "en") == ["+49 30 1234567", "+49 30 7654321"]


def test_a_locale_names_its_own_region() -> None:
    assert [region.code for region in regions_of("de-AT")] == ["AT"]
    assert [region.code for region in regions_of("zh-Hant")] == ["TW", "HK"]
    assert regions_of("eo") == ()
