"""Localisation sentences of the demo: dates, times, money, quantities, percentages and territories from CLDR.

Input: a random generator. Output: `Sentence` objects, each an English sentence with its German and simplified Chinese
localisations, all three formatted by Babel from the same fact inside carrier sentences written for the demo.
Limits: CLDR separates parts with U+00A0 and U+202F; all of these become plain spaces here, in inputs and targets
alike, because people type plain spaces. Years are 1990 to 2039, amounts have at most five digits before the point.
"""

import random
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_percent
from babel.units import format_unit

SOURCE_LOCALE = "en"
TARGET_LOCALES = ("de", "zh-Hans")
LOCALES = (SOURCE_LOCALE, *TARGET_LOCALES)
PATTERNS = ("date", "time", "money", "quantity", "percent", "territory")
LACKING_PATTERNS = frozenset({"quantity", "percent"})
"""Patterns that version 1 never sees."""

# Shares of the patterns in traffic and holdout; what version 1 lacks is common enough to be worth learning.
_SHARES = {"date": 14, "time": 12, "money": 16, "quantity": 20, "percent": 14, "territory": 24}
_SHARE_OF_ONE = 0.04  # the singular; it has few distinct sentences


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """An input with the right answer per target locale; `lacking` tells that version 1's corpora hold no such thing."""

    task: str
    locale: str
    input: str
    targets: Mapping[str, str]
    pattern: str
    lacking: bool


def draw_sentence(rng: random.Random) -> Sentence:
    """Return one sentence, of any pattern, from the distribution that traffic and holdout share."""
    return draw_of_pattern(rng, rng.choices(PATTERNS, weights=[_SHARES[pattern] for pattern in PATTERNS])[0])


def draw_of_pattern(rng: random.Random, pattern: str) -> Sentence:
    """Return one sentence of `pattern`."""
    template = rng.choice(_templates()[pattern])
    slots, lacking = _FILLERS[pattern](rng, template)
    texts = {
        locale: _plain_spaces(text.format(**{name: render(locale) for name, render in slots.items()}))
        for locale, text in template.texts.items()
    }
    return Sentence(
        task="localise",
        locale=SOURCE_LOCALE,
        input=texts[SOURCE_LOCALE],
        targets={locale: texts[locale] for locale in TARGET_LOCALES},
        pattern=pattern,
        lacking=lacking or pattern in LACKING_PATTERNS,
    )


@dataclass(frozen=True, kw_only=True)
class _Template:
    texts: Mapping[str, str]
    form: str = "long"
    hours: tuple[int, int] = (0, 23)
    units: tuple[str, ...] = ()
    largest: int = 0


_Slots = Mapping[str, Callable[[str], str]]


@cache
def _phrases() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("polyloop.demo").joinpath("phrases/localise.toml").read_text(encoding="utf-8"))


@cache
def _templates() -> Mapping[str, tuple[_Template, ...]]:
    return {pattern: tuple(map(_template, _phrases()[pattern])) for pattern in PATTERNS}


def currencies() -> Sequence[str]:
    """Return the ISO 4217 codes of the currencies in use."""
    return tuple(_phrases()["slots"]["currencies"])


def known_territories() -> Sequence[str]:
    """Return the ISO 3166 codes of the territories that version 1's corpora hold."""
    return tuple(_phrases()["slots"]["known_territories"])


def lacking_territories() -> Sequence[str]:
    """Return the ISO 3166 codes of the territories that version 1 never sees."""
    return tuple(_phrases()["slots"]["lacking_territories"])


def _template(entry: dict[str, Any]) -> _Template:
    settings = {key: value for key, value in entry.items() if key not in LOCALES}
    return _Template(texts={locale: entry[locale] for locale in LOCALES}, **settings)


@cache
def _cldr(locale: str) -> Locale:
    return Locale.parse(locale, sep="-")


def _plain_spaces(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def localised_date(day: date, form: str, locale: str) -> str:
    """Return `day` in the CLDR form full, long or medium."""
    return format_date(day, form, locale=_cldr(locale))


def localised_time(moment: datetime, twelve_hours: bool, locale: str) -> str:
    """Return the time of `moment`; with `twelve_hours` English shows AM or PM, the other locales never do."""
    pattern = "short" if twelve_hours or locale != SOURCE_LOCALE else "HH:mm"
    return format_time(moment, pattern, locale=_cldr(locale))


def localised_money(amount_cents: int, currency: str, named: bool, locale: str) -> str:
    """Return an amount with the currency's symbol and cents, or (`named`) in whole units with its name."""
    amount = amount_cents / 100
    if not named:
        return format_currency(amount, currency, locale=_cldr(locale))
    return format_currency(
        round(amount), currency, "#,##0", locale=_cldr(locale), format_type="name", currency_digits=False
    )


def localised_quantity(value: float, unit: str, locale: str) -> str:
    """Return `value` with its unit in words, in the plural form that the value asks for.

    Babel does not follow CLDR's inheritance from short to long unit names (Chinese stores only the short one where
    both are the same), and then writes the unit's identifier; the short form is right in exactly that case.
    """
    text = format_unit(value, unit, length="long", locale=_cldr(locale))
    return format_unit(value, unit, length="short", locale=_cldr(locale)) if unit in text else text


def localised_percent(per_mille: int, locale: str) -> str:
    """Return `per_mille` thousandths as a percentage with up to one decimal."""
    return format_percent(per_mille / 1000, locale=_cldr(locale), decimal_quantization=False)


def territory_name(code: str, locale: str) -> str:
    """Return the CLDR name of an ISO 3166 territory."""
    return str(_cldr(locale).territories[code])


def _fill_date(rng: random.Random, template: _Template) -> tuple[_Slots, bool]:
    day = date(rng.randint(1990, 2039), rng.randint(1, 12), rng.randint(1, 28))
    return {"date": lambda locale: localised_date(day, template.form, locale)}, False


def _fill_time(rng: random.Random, template: _Template) -> tuple[_Slots, bool]:
    moment = datetime(2020, 1, 1, rng.randint(*template.hours), rng.randrange(60))
    twelve_hours = rng.random() < 0.75
    return {"time": lambda locale: localised_time(moment, twelve_hours, locale)}, False


def _fill_money(rng: random.Random, template: _Template) -> tuple[_Slots, bool]:
    num_digits = rng.randint(1, 5)
    whole = rng.randint(max(2, 10 ** (num_digits - 1)), 10**num_digits - 1)
    cents = whole * 100 + rng.choice((0, 50, 99, rng.randrange(100)))
    currency = rng.choice(currencies())
    named = rng.random() < 0.5
    return {"money": lambda locale: localised_money(cents, currency, named, locale)}, False


def _fill_quantity(rng: random.Random, template: _Template) -> tuple[_Slots, bool]:
    unit = rng.choice(template.units)
    value = 1.0 if rng.random() < _SHARE_OF_ONE else float(rng.randint(2, template.largest))
    if rng.random() < 0.25:
        value += 0.5
    return {"quantity": lambda locale: localised_quantity(value, unit, locale)}, False


def _fill_percent(rng: random.Random, template: _Template) -> tuple[_Slots, bool]:
    per_mille = rng.choice((rng.randint(1, 99) * 10, rng.randint(1, 999)))
    return {"percent": lambda locale: localised_percent(per_mille, locale)}, False


def _fill_territory(rng: random.Random, template: _Template) -> tuple[_Slots, bool]:
    codes = rng.sample([*known_territories(), *lacking_territories()], 2)
    used = codes if "{other}" in template.texts[SOURCE_LOCALE] else codes[:1]
    number, second = rng.randint(2, 30), rng.randint(0, 9)
    slots: _Slots = {
        "territory": lambda locale: territory_name(codes[0], locale),
        "other": lambda locale: territory_name(codes[1], locale),
        "number": lambda locale: str(number),
        "second": lambda locale: str(second),
    }
    return slots, any(code in lacking_territories() for code in used)


_FILLERS: Mapping[str, Callable[[random.Random, _Template], tuple[_Slots, bool]]] = {
    "date": _fill_date,
    "time": _fill_time,
    "money": _fill_money,
    "quantity": _fill_quantity,
    "percent": _fill_percent,
    "territory": _fill_territory,
}
