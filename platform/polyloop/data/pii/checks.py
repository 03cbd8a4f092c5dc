"""Checks of identity numbers that python-stdnum has not, or where it asks more than is true of all of them.

Input: a number as it was written. Output: whether its form and check digit are right. Pure.
"""

import re
from datetime import date

_NOT_DIGITS_OR_LETTERS = re.compile("[^0-9A-Za-z]")
_TAIWAN_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
"""Letters of Taiwan's counties in the order of their values, 10 to 35."""

_CHINESE_PROVINCES = frozenset(
    map(
        str,
        (
            *range(11, 16),
            *range(21, 24),
            *range(31, 38),
            *range(41, 47),
            *range(50, 55),
            *range(61, 66),
            71,
            81,
            82,
            83,
        ),
    )
)
"""First two digits of GB/T 2260, and of the numbers of people from Taiwan, Hong Kong and Macau."""

_NO_INSURANCE_PREFIXES = frozenset({"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"})


def is_chinese_identity(number: str) -> bool:
    """Return whether province, birthday and check digit of a Chinese resident identity number (GB 11643) are right.

    python-stdnum also asks that the county existed at birth, but the numbers of those who were born before 1984 have
    the county in which they lived when numbers were first given out.
    """
    from stdnum.iso7064 import mod_11_2

    text = _compact(number)
    return text[:2] in _CHINESE_PROVINCES and _is_date(text[6:10], text[10:12], text[12:14]) and mod_11_2.is_valid(text)


def is_hong_kong_identity(number: str) -> bool:
    """Return whether a Hong Kong identity card number's check digit is right.

    Weights 9 to 2 and mod 11 (https://en.wikipedia.org/wiki/Hong_Kong_identity_card): letters count from A = 10, a
    missing first letter is 36.
    """
    text = _compact(number)
    body, check = text[:-1].rjust(8), text[-1]
    values = [36 if character == " " else int(character, 36) for character in body]
    total = sum(weight * value for weight, value in zip(range(9, 1, -1), values, strict=True))
    return (total + int(check, 36)) % 11 == 0


def is_taiwan_identity(number: str) -> bool:
    """Return whether the check digit of a Taiwanese identity or residence number is right.

    The letter's two digits and the nine others, weighted 1, 9, 8 ... 1, 1, are a multiple of 10
    (https://en.wikipedia.org/wiki/National_identification_card_(Taiwan)).
    """
    text = _compact(number)
    letter = _TAIWAN_LETTERS.index(text[0]) + 10
    digits = [letter // 10, letter % 10, *map(int, text[1:])]
    return (
        sum(weight * digit for weight, digit in zip((1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), digits, strict=True)) % 10 == 0
    )


def is_russian_insurance(number: str) -> bool:
    """Return whether the check digits of a Russian insurance number (SNILS) are right.

    The nine digits weighted 9 to 1, mod 101, where 100 is written 00 (https://ru.wikipedia.org/wiki/СНИЛС).
    """
    digits = [int(character) for character in _compact(number)]
    total = sum(weight * digit for weight, digit in zip(range(9, 0, -1), digits[:9], strict=True))
    return total % 101 % 100 == digits[9] * 10 + digits[10]


def is_korean_registration(number: str) -> bool:
    """Return whether a Korean resident registration number begins with a date; since October 2020 it has no check."""
    text = _compact(number)
    century = {"9": 18, "0": 18, "1": 19, "2": 19, "5": 19, "6": 19}.get(text[6], 20)
    return _is_date(f"{century}{text[:2]}", text[2:4], text[4:6])


def is_british_insurance(number: str) -> bool:
    """Return whether the prefix of a British national insurance number is one that is given out.

    https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110
    """
    prefix = _compact(number)[:2]
    return prefix not in _NO_INSURANCE_PREFIXES and not set(prefix) & set("DFIQUV") and prefix[1] != "O"


def is_document_number(number: str) -> bool:
    """Return whether a run of letters and digits may be a card's or passport's: three digits or more, and no day."""
    text = _compact(number)
    is_day = len(text) == 8 and text.isdigit() and "1900" <= text[:4] <= "2100"
    return sum(map(str.isdigit, text)) >= 3 and not (is_day and _is_date(text[:4], text[4:6], text[6:]))


def _compact(number: str) -> str:
    return _NOT_DIGITS_OR_LETTERS.sub("", number).upper()


def _is_date(year: str, month: str, day: str) -> bool:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True
