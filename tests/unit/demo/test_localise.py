"""The localisation sentences: CLDR's forms, plain spaces, and patterns that version 1 lacks."""

import random
from datetime import date, datetime

import pytest

from polyloop.demo import localise


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("en", "$1,234.50"), ("de", "1.234,50\u00a0$"), ("zh-Hans", "US$1,234.50")],
)
def test_money_with_its_symbol_follows_the_locale(locale: str, expected: str) -> None:
    assert localise.localised_money(123_450, "USD", False, locale) == expected


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("en", "12,345 Swiss francs"), ("de", "12.345 Schweizer Franken"), ("zh-Hans", "12,345瑞士法郎")],
)
def test_money_with_its_name_has_whole_units(locale: str, expected: str) -> None:
    assert localise.localised_money(1_234_500, "CHF", True, locale) == expected


@pytest.mark.parametrize(
    ("form", "locale", "expected"),
    [
        ("full", "en", "Sunday, March 5, 2017"),
        ("full", "de", "Sonntag, 5. März 2017"),
        ("full", "zh-Hans", "2017年3月5日星期日"),
        ("long", "de", "5. März 2017"),
        ("medium", "en", "Mar 5, 2017"),
        ("medium", "de", "05.03.2017"),
    ],
)
def test_dates_follow_the_locale(form: str, locale: str, expected: str) -> None:
    assert localise.localised_date(date(2017, 3, 5), form, locale) == expected


@pytest.mark.parametrize(
    ("twelve_hours", "locale", "expected"),
    [
        (True, "en", "3:07\u202fPM"),
        (False, "en", "15:07"),
        (True, "de", "15:07"),
        (True, "zh-Hans", "15:07"),
    ],
)
def test_only_english_shows_am_and_pm(twelve_hours: bool, locale: str, expected: str) -> None:
    assert localise.localised_time(datetime(2020, 1, 1, 15, 7), twelve_hours, locale) == expected


@pytest.mark.parametrize(
    ("value", "unit", "locale", "expected"),
    [
        (1, "duration-day", "en", "1 day"),
        (3, "duration-day", "de", "3 Tage"),
        (2.5, "mass-kilogram", "de", "2,5 Kilogramm"),
        (3, "length-kilometer", "zh-Hans", "3公里"),
        (15, "temperature-celsius", "zh-Hans", "15摄氏度"),
    ],
)
def test_quantities_follow_the_plural_and_the_locale(value: float, unit: str, locale: str, expected: str) -> None:
    assert localise.localised_quantity(value, unit, locale) == expected


@pytest.mark.parametrize(("locale", "expected"), [("en", "12.5%"), ("de", "12,5\u00a0%"), ("zh-Hans", "12.5%")])
def test_percentages_follow_the_locale(locale: str, expected: str) -> None:
    assert localise.localised_percent(125, locale) == expected


def test_territories_have_names_in_each_locale() -> None:
    names = [localise.territory_name("CH", locale) for locale in localise.LOCALES]
    assert names == ["Switzerland", "Schweiz", "瑞士"]


def test_the_same_seed_draws_the_same_sentences() -> None:
    first, again, other = random.Random(3), random.Random(3), random.Random(4)
    drawn = [localise.draw_sentence(first) for _ in range(50)]
    assert drawn == [localise.draw_sentence(again) for _ in range(50)]
    assert drawn != [localise.draw_sentence(other) for _ in range(50)]


def test_sentences_are_short_filled_and_have_plain_spaces_only() -> None:
    rng = random.Random(5)
    for pattern in localise.PATTERNS:
        for _ in range(300):
            sentence = localise.draw_of_pattern(rng, pattern)
            for text in (sentence.input, *sentence.targets.values()):
                assert 0 < len(text) < 80
                assert not set("{}\u00a0\u202f\u2009") & set(text), text
                assert not any(f"{kind}-" in text for kind in ("length", "mass", "duration", "area", "volume")), text


def test_a_sentence_is_lacking_exactly_if_its_pattern_or_a_territory_in_it_is() -> None:
    rng = random.Random(6)
    unknown = {localise.territory_name(code, "en") for code in localise.lacking_territories()}
    for _ in range(1_000):
        sentence = localise.draw_sentence(rng)
        names_unknown = sentence.pattern == "territory" and any(name in sentence.input for name in unknown)
        assert sentence.lacking == (sentence.pattern in localise.LACKING_PATTERNS or names_unknown), sentence


def test_half_of_the_territories_are_lacking() -> None:
    assert len(localise.known_territories()) == len(localise.lacking_territories()) == 30
    assert not set(localise.known_territories()) & set(localise.lacking_territories())
