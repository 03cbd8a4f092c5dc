"""Finds numbers by which a state knows a person: identity, social security, health.

Input: a folded text and its locale. Output: places. Numbers with strong checks count on their own, those of mere
digits need a word of the locale's language near. Limits: the countries of `polyloop.data.pii.national_numbers`.
"""

from collections.abc import Iterator
from functools import lru_cache

from polyloop.data.pii.base import Finder, has_dense_digits
from polyloop.data.pii.national_numbers import NUMBERS
from polyloop.data.pii.numbers import Number, numbers_of, places_of


@lru_cache(maxsize=512)
def _numbers(locale: str) -> tuple[Number, ...]:
    return numbers_of(NUMBERS, locale)


def _places(text: str, locale: str) -> Iterator[tuple[int, int]]:
    return places_of(_numbers(locale), text)


NATIONAL_ID = Finder(kind="national_id", guard=has_dense_digits, places=_places)
