"""Finds international bank account numbers (IBAN, ISO 13616).

Input: a folded text. Output: the places of those whose country, length, form and check digits (ISO 7064, mod 97-10) are
right, written in one piece or in groups. The registry of countries is python-stdnum's. Limits: one account in 97 that
was mistyped passes, none that was not is missed.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from polyloop.data.pii.base import Finder, has_dense_digits

_HEAD = re.compile(r"(?<![0-9A-Za-z_])[A-Za-z]{2}[0-9]{2}(?=[ \-]?[0-9A-Za-z])")
_BBAN_PART = re.compile(r"(\d+)!")


def _places(text: str, locale: str) -> Iterator[tuple[int, int]]:
    for head in _HEAD.finditer(text):
        end = _end(text, head.start(), _length(head[0][:2].upper()))
        if end is not None and _is_valid(text[head.start() : end]):
            yield head.start(), end


def _end(text: str, start: int, length: int) -> int | None:
    """Return where the last of `length` letters and digits ends, single spaces and dashes between them left aside."""
    position, seen = start, 0
    while seen < length and position < len(text):
        character = text[position]
        if character.isascii() and character.isalnum():
            seen += 1
        elif character not in " -" or text[position - 1] in " -":
            return None
        position += 1
    follows = text[position : position + 1]
    return position if 0 < seen == length and not (follows.isascii() and follows.isalnum()) else None


@lru_cache(maxsize=700)
def _length(country: str) -> int:
    """Return how many letters and digits an IBAN of a country has, 0 for a country that has none."""
    from stdnum import numdb

    found = numdb.get("iban").info(country)[0][1]
    return 4 + sum(int(size) for size in _BBAN_PART.findall(found["bban"])) if found else 0


def _is_valid(number: str) -> bool:
    from stdnum import iban

    return bool(iban.is_valid(number, check_country=False))


IBAN = Finder(kind="iban", guard=has_dense_digits, places=_places)
