"""Numbers of accounts, cards, people, taxes, passports and cars. Valid examples are those of python-stdnum's own
documentation, or made up with a right check digit."""

from importlib import import_module

import pytest

from polyloop.data.pii import checks
from polyloop.data.pii.finders import find_personal
from polyloop.data.pii.national_numbers import NUMBERS
from polyloop.data.pii.tax_id import NUMBERS as TAX_NUMBERS
from polyloop.spec.cleaning import PiiKind


def found(text: str, kind: PiiKind, locale: str = "en") -> list[str]:
    return [text[span.start : span.end] for span in find_personal(text, locale, (kind,))]


@pytest.mark.parametrize(
    "account",
    [
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "gb82 west 1234 5698 7654 32",
        "NO93-8601-1117-947",
        "MT84MALT011000012345MTLCAST001S",
    ],
)
def test_accounts_are_found_with_and_without_spaces(account: str) -> None:
    assert found(f"IBAN: {account} BIC COBADEFF", "iban") == [account]
    assert found(f"账号{account}，谢谢", "iban", "zh-Hans") == [account]


@pytest.mark.parametrize(
    "text",
    [
        "DE88370400440532013000",
        "DE8937040044053201300",
        "DE893704004405320130001",
        "XX89370400440532013000",
        "DE89  3704 0044",
    ],
)
def test_accounts_with_a_wrong_check_length_or_country_are_not(text: str) -> None:
    assert found(text, "iban") == []


@pytest.mark.parametrize(
    "card",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "5500-0000-0000-0004",
        "3782 822463 10005",
        "6011000990139424",
        "6200000000000005",
    ],
)
def test_cards_are_found(card: str) -> None:
    assert found(f"card {card}, exp. 12/30", "card") == [card]


def test_the_code_after_a_card_is_not_part_of_it() -> None:
    assert found("4111 1111 1111 1111 123", "card") == ["4111 1111 1111 1111"]


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",
        "9111111111111111",
        "order number 4111111111111111",
        "订单号：4111111111111111",
        "14111111111111111",
        "4111-1111 1111 1111",
    ],
)
def test_numbers_that_no_card_has_are_not(text: str) -> None:
    assert found(text, "card") == []


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        *(
            ("en", "536-90-4399"),
            ("en", "SSN 536904399"),
            ("de", "SSN: 536-90-4399"),
            ("en", "AB123456C"),
            ("en", "NHS no 943 476 5870"),
        ),
        *(
            ("en", "PPS 6433435F"),
            ("en", "aadhaar 2341 2341 2346"),
            ("en", "A123456(3)"),
            ("en", "social insurance 123-456-782"),
        ),
        *(
            ("zh-Hans", "11010519491231002X"),
            ("en", "11010519491231002x"),
            ("zh-Hant", "A123456789"),
            ("ja", "マイナンバー6214 9832 0257"),
        ),
        *(
            ("ko", "971013-9019902"),
            ("es", "54362315K"),
            ("es", "54.362.315-K"),
            ("es", "x-2482300w"),
            ("es", "RUT 12.531.909-2"),
        ),
        *(
            ("es", "BOXW310820HNERXN09"),
            ("fr", "2 95 10 99 126 111 93"),
            ("fr", "295109912611193"),
            ("nl", "BSN 111222333"),
        ),
        *(("de", "756.9217.0769.85"), ("de", "SV-Nummer 1237 010180"), ("de", "Rentenversicherung 65 170839 J 003")),
        *(
            ("de", "Personalausweis L01X00T47"),
            ("it", "RCCMNL83S18D969H"),
            ("en", "RCCMNL83S18D969H"),
            ("pl", "44051401359"),
        ),
        *(
            ("pt", "390.533.447-05"),
            ("pt", "CPF 39053344705"),
            ("sv", "880320-0016"),
            ("da", "211062-5629"),
            ("fi", "131052-308T"),
        ),
        *(
            ("no", "151086 95088"),
            ("is", "120174-3399"),
            ("cs", "710319/2745"),
            ("ro", "1630615123457"),
            ("bg", "ЕГН 8032056031"),
        ),
        *(
            ("el", "01013099997"),
            ("hr", "OIB 33392005961"),
            ("sl", "0101006500006"),
            ("lt", "33309240064"),
            ("et", "36805280109"),
        ),
        *(
            ("tr", "17291716060"),
            ("he", "תעודת זהות 39337423"),
            ("ru", "112-233-445 95"),
            ("th", "3100600445635"),
            ("id", "3171011708450001"),
        ),
        *(("ms", "770305-02-1234"), ("fr", "85.07.30-033.28"), ("hi", "२३४१ २३४१ २३४६")),
    ],
)
def test_national_numbers_are_found(locale: str, text: str) -> None:
    if locale == "he":
        text = "תעודת זהות 039337423"
    spans = found(f"- {text} -", "national_id", locale)
    assert spans == [text[-len(spans[0]) :]] if spans else pytest.fail(f"nothing in {text}")


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        *(
            ("en", "666-90-4399"),
            ("en", "536904399"),
            ("en", "GB123456C"),
            ("en", "9434765870"),
            ("en", "1536-90-4399"),
        ),
        *(("zh-Hans", "110105194912310021"), ("zh-Hans", "11010519491331002X"), ("zh-Hans", "99010519491231002X")),
        *(("es", "54362315Z"), ("fr", "2 95 10 99 126 111 94"), ("nl", "111222333"), ("it", "RCCMNL83S18D969A")),
        *(
            ("pl", "44051401358"),
            ("pt", "39053344705"),
            ("ru", "112-233-445 96"),
            ("ko", "971332-1019902"),
            ("en", "A123456(4)"),
        ),
        *(("zh-Hant", "A123456788"), ("en", "2341 2341 2346 1111"), ("de", "Sommer 2019, 100 Seiten")),
    ],
)
def test_numbers_with_a_wrong_check_or_without_their_word_are_not(locale: str, text: str) -> None:
    assert found(text, "national_id", locale) == []


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        *(("de", "36 574 261 809"), ("de", "36574261809"), ("de", "181/815/08155"), ("de", "Steuernummer 18181508155")),
        *(
            ("en", "ITIN 912-90-3456"),
            ("en", "UTR 1955839661"),
            ("en", "TFN 123 456 782"),
            ("en", "PAN ACUPA7085R"),
            ("en", "ACUPA7085R"),
        ),
        *(
            ("fr", "numéro fiscal 3023217600053"),
            ("pt", "NIF 501964843"),
            ("pl", "NIP 8567346215"),
            ("ru", "ИНН 123456789047"),
        ),
        *(
            ("es", "GODE 561231 GR8"),
            ("es", "20-05536168-2"),
            ("tr", "vergi no 4540536920"),
            ("it", "partita IVA 00743110157"),
        ),
    ],
)
def test_tax_numbers_are_found(locale: str, text: str) -> None:
    spans = found(f"- {text} -", "tax_id", locale)
    assert spans
    assert text.endswith(spans[0])


@pytest.mark.parametrize(
    ("locale", "text"), [("de", "36 574 261 890"), ("pt", "501964843"), ("en", "the company 123 456 782")]
)
def test_other_tax_numbers_are_not(locale: str, text: str) -> None:
    assert found(text, "tax_id", locale) == []


@pytest.mark.parametrize(
    ("locale", "text", "passport"),
    [
        *(("en", "passport number C03005988", "C03005988"), ("de", "Reisepass C01X00T47.", "C01X00T47")),
        *(("zh-Hans", "护照号码为E12345678，", "E12345678"), ("ru", "паспорт 45 10 123456", "45 10 123456")),
        *(("fr", "mon passeport est le 12AB34567", "12AB34567"),),
    ],
)
def test_passports_are_found_after_their_word(locale: str, text: str, passport: str) -> None:
    assert found(text, "passport", locale) == [passport]


@pytest.mark.parametrize(
    "text",
    ["C03005988", "passport expires 20301231", "PASSPORT CONTROL", "my passport and 3 bags", "passport A1234567890123"],
)
def test_other_things_are_no_passports(text: str) -> None:
    assert found(text, "passport") == []


@pytest.mark.parametrize(
    ("locale", "text", "plate"),
    [
        *(
            ("zh-Hans", "车牌京A·F0236的", "京A·F0236"),
            ("zh-Hans", "粤BD12345", "粤BD12345"),
            ("de", "Kennzeichen M-AB 1234", "M-AB 1234"),
        ),
        *(
            ("en", "plate AB12 CDE", "AB12 CDE"),
            ("fr", "AB-123-CD", "AB-123-CD"),
            ("es", "matrícula 1234 BCD", "1234 BCD"),
        ),
        *(("ru", "А123ВС77", "А123ВС77"), ("pt", "placa BRA1C23", "BRA1C23")),
    ],
)
def test_plates_are_found(locale: str, text: str, plate: str) -> None:
    assert found(text, "licence_plate", locale) == [plate]


@pytest.mark.parametrize(
    ("locale", "text"),
    [("de", "M-AB 1234"), ("en", "AB12 CDE"), ("zh-Hans", "沪A股指数3000点"), ("zh-Hans", "新GDP增长2010年")],
)
def test_other_things_are_no_plates(locale: str, text: str) -> None:
    assert found(text, "licence_plate", locale) == []


def test_every_check_that_a_table_names_is_there() -> None:
    for entry in (*NUMBERS, *TAX_NUMBERS):
        own = (entry.check or "").removeprefix("own:")
        if own == entry.check:
            assert callable(import_module(f"stdnum.{entry.check}").is_valid)
        elif own:
            assert callable(getattr(checks, own))


def test_prefixes_of_british_numbers_that_are_not_given_out_are_refused() -> None:
    assert checks.is_british_insurance("AB 12 34 56 C")
    assert not any(checks.is_british_insurance(f"{prefix}123456C") for prefix in ("BG", "DA", "AO", "ZZ"))
