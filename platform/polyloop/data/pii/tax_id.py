"""Finds numbers by which a tax office knows a person.

Input: a folded text and its locale. Output: places. Where a country's one number serves for taxes too (Italy, Spain,
Belgium ...), it is a `national_id`. Limits: numbers of companies are not personal and not looked for, but a sole
trader's number has the same form as a company's and counts with its words.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from polyloop.data.pii.base import Finder, has_dense_digits
from polyloop.data.pii.context import words
from polyloop.data.pii.numbers import Number, number, numbers_of, places_of

_SPARSE = re.compile("[A-Z]{5}[0-9]{4}")

NUMBERS: tuple[Number, ...] = (
    number(
        "de-idnr",
        "de",
        r"[1-9][0-9]([ ]?)[0-9]{3}\1[0-9]{3}\1[0-9]{3}",
        "de.idnr",
    ),
    number(
        "de-steuernummer",
        "de",
        r"[0-9]{2,3}/[0-9]{3,4}/[0-9]{4,5}|[0-9]{10,11}|[0-9]{13}",
        "de.stnr",
        words("steuernummer|steuer-nr|st.-nr|stnr|st-nr"),
        bare=r"[0-9]{2,3}/[0-9]{3}/[0-9]{5}",
    ),
    number("at-tin", "de", r"[0-9]{2}-?[0-9]{3}/?[0-9]{4}", "at.tin", words("steuernummer|abgabenkontonummer|st.-nr")),
    number("us-itin", "en es", r"9[0-9]{2}([ \-]?)[0-9]{2}\1[0-9]{4}", "us.itin", words("itin|taxpayer|tax id|tin")),
    number("us-ein", "en", r"[0-9]{2}-[0-9]{7}", "us.ein", words("ein|employer identification|tax id|taxpayer|fein")),
    number("gb-utr", "en", r"[0-9]{5} ?[0-9]{5}", "gb.utr", words("utr|unique taxpayer|tax reference|self assessment")),
    number("au-tfn", "en", r"[0-9]{3} ?[0-9]{3} ?[0-9]{2,3}", "au.tfn", words("tfn|tax file")),
    number("nz-ird", "en", r"[0-9]{2,3}-?[0-9]{3}-?[0-9]{3}", "nz.ird", words("ird|inland revenue")),
    number("za-tin", "en af", r"[0-9]{10}", "za.tin", words("tax reference|tax number|sars")),
    number(
        "in-pan",
        "en hi bn ta te mr gu kn ml pa",
        r"[A-Z]{3}[ABCFGHLJPT][A-Z][0-9]{4}[A-Z]",
        "in_.pan",
        words("pan|permanent account|पैन|income tax"),
        bare=r"[A-Z]{3}P[A-Z][0-9]{4}[A-Z]",
        is_sparse=True,
    ),
    number(
        "fr-fiscal", "fr", r"[0-3][0-9]( ?)[0-9]{2}\1[0-9]{3}\1[0-9]{3}\1[0-9]{3}", "fr.nif", words("fiscal|spi|impôt")
    ),
    number("it-iva", "it", r"[0-9]{11}", "it.iva", words("p.iva|partita iva|p. iva|p.i.")),
    number("pt-nif", "pt", r"[0-9]{3}( ?)[0-9]{3}\1[0-9]{3}", "pt.nif", words("nif|contribuinte|número fiscal|nipc")),
    number("pl-nip", "pl", r"[0-9]{3}-?[0-9]{2,3}-?[0-9]{2}-?[0-9]{2,3}", "pl.nip", words("nip|podatkow")),
    number("ru-inn", "ru", r"[0-9]{12}", "ru.inn", words("инн")),
    number("ua-rntrc", "uk", r"[0-9]{10}", "ua.rntrc", words("рнокпп|іпн|інн|ідентифікаційн|податков")),
    number("gr-afm", "el", r"[0-9]{9}", "gr.vat", words("αφμ|α.φ.μ|φορολογικ")),
    number("tr-vkn", "tr", r"[0-9]{10}", "tr.vkn", words("vergi|vkn")),
    number("vn-mst", "vi", r"[0-9]{10}(?:-[0-9]{3})?", "vn.mst", words("mst|mã số thuế")),
    number(
        "id-npwp",
        "id",
        r"[0-9]{2}\.?[0-9]{3}\.?[0-9]{3}\.?[0-9]-?[0-9]{3}\.?[0-9]{3}",
        "id.npwp",
        words("npwp|pajak"),
        bare=r"[0-9]{2}\.[0-9]{3}\.[0-9]{3}\.[0-9]-[0-9]{3}\.[0-9]{3}",
    ),
    number("mx-rfc", "es", r"[A-ZÑ&]{4} ?-?[0-9]{6} ?-?[A-Z0-9]{3}", "mx.rfc"),
    number("ar-cuit", "es", r"[0-9]{2}-?[0-9]{8}-?[0-9]", "ar.cuit", words("cuit|cuil"), bare=r"2[0-9]-[0-9]{8}-[0-9]"),
)
"""Country and name, languages, form, check, words that must be near, and the form that needs none."""


@lru_cache(maxsize=512)
def _numbers(locale: str) -> tuple[Number, ...]:
    return numbers_of(NUMBERS, locale)


def _places(text: str, locale: str) -> Iterator[tuple[int, int]]:
    return places_of(_numbers(locale), text)


def _guard(text: str) -> bool:
    return has_dense_digits(text) or _SPARSE.search(text) is not None


TAX_ID = Finder(kind="tax_id", guard=_guard, places=_places)
