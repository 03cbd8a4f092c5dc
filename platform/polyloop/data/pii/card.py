"""Finds numbers of payment cards.

Input: a folded text. Output: the places of numbers whose issuer's prefix and length fit and whose Luhn check digit
(ISO/IEC 7812-1) is right, in one piece or grouped as on cards. Limits: one in ten other numbers with a card's prefix
and length passes; where the words before say that it is an order's or a parcel's, it is left alone.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from polyloop.data.pii.base import AFTER, BEFORE, Finder, has_dense_digits
from polyloop.data.pii.context import is_labelled_otherwise

_CANDIDATE = re.compile(
    rf"{BEFORE}(?:"
    r"(?P<fours>[0-9]{4}(?P<gap>[ \-])[0-9]{4}(?P=gap)[0-9]{4}(?P=gap)[0-9]{4})(?P<tail>(?P=gap)[0-9]{3})?"
    r"(?! [0-9]{4}(?![0-9]))"
    r"|[0-9]{4}(?P<gap2>[ \-])[0-9]{6}(?P=gap2)[0-9]{4,5}"
    r"|[0-9]{6} [0-9]{10,13}"
    rf"|[0-9]{{13,19}}){AFTER}"
)


class _Issuer(NamedTuple):
    first: int
    last: int
    lengths: frozenset[int]


def _issuer(first: int, last: int, *lengths: int) -> _Issuer:
    """Return an issuer's range of prefixes, written as the four digits that its cards begin with."""
    return _Issuer(first, last, frozenset(lengths))


_ISSUERS = (
    _issuer(4000, 4999, 13, 16, 19),  # Visa
    _issuer(5100, 5599, 16),  # Mastercard
    _issuer(2221, 2720, 16),  # Mastercard
    _issuer(3400, 3499, 15),  # American Express
    _issuer(3700, 3799, 15),  # American Express
    _issuer(6011, 6011, 16, 19),  # Discover
    _issuer(6440, 6599, 16, 19),  # Discover, RuPay
    _issuer(6200, 6299, 16, 17, 18, 19),  # UnionPay
    _issuer(8100, 8199, 16, 17, 18, 19),  # UnionPay, RuPay
    _issuer(3000, 3059, 14, 16),  # Diners Club
    _issuer(3600, 3699, 14),  # Diners Club
    _issuer(3800, 3999, 14, 16),  # Diners Club
    _issuer(3528, 3589, 16),  # JCB
    _issuer(2200, 2205, 16),  # Mir
    _issuer(9792, 9792, 16),  # Troy
    _issuer(5018, 5018, 13, 16, 19),  # Maestro
    _issuer(5020, 5020, 13, 16, 19),  # Maestro
    _issuer(5038, 5038, 13, 16, 19),  # Maestro
    _issuer(6304, 6304, 13, 16, 19),  # Maestro
    _issuer(6759, 6763, 13, 16, 19),  # Maestro
    _issuer(5060, 5061, 16, 19),  # Verve
    _issuer(5080, 5089, 16),  # RuPay
)
"""Prefixes and lengths that the networks publish, as en.wikipedia.org/wiki/Payment_card_number (2026) sums them up."""


def _places(text: str, locale: str) -> Iterator[tuple[int, int]]:
    for candidate in _CANDIDATE.finditer(text):
        start = candidate.start()
        has_code = candidate["tail"] and candidate["gap"] == " "  # the three digits from a card's back may follow it
        ends = (candidate.end(), candidate.end("fours")) if has_code else (candidate.end(),)
        end = next((end for end in ends if is_card(text[start:end])), None)
        if end is not None and not is_labelled_otherwise(text, start):
            yield start, end


def is_card(number: str) -> bool:
    """Return whether a number, with spaces or dashes, is one that a card may have."""
    from stdnum import luhn

    digits = number.replace(" ", "").replace("-", "")
    prefix = int(digits[:4])
    fits = any(issuer.first <= prefix <= issuer.last and len(digits) in issuer.lengths for issuer in _ISSUERS)
    return fits and bool(luhn.is_valid(digits))


CARD = Finder(kind="card", guard=has_dense_digits, places=_places)
