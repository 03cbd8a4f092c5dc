"""Finds numbers of passports.

Input: a folded text. Output: places of runs of capital letters and digits of a passport's form (up to nine, ICAO Doc
9303, part 3; Russian ones are ten digits) that follow a word for passport in one of the larger languages. Limits: with
no such word there is nothing to tell them by.
"""

import re
from collections.abc import Iterator

from polyloop.data.pii.base import AFTER, BEFORE, Finder
from polyloop.data.pii.checks import is_document_number
from polyloop.data.pii.context import words

_WORDS = words(
    "passport|reisepass|reisepaß|passnummer|pass-nr|pasaporte|passeport|passaporto|passaporte|paspoort|paszport|pasaport",
    "паспорт|διαβατήριο|护照|護照|通行证|通行證|パスポート|旅券|여권|جواز سفر|جواز السفر|पासपोर्ट|หนังสือเดินทาง",
    "hộ chiếu|paspor",
)
_REACH = 48
"""How far after the word a number may begin."""

_NUMBER = re.compile(rf"{BEFORE}(?:[A-Z0-9]{{7,9}}|[0-9]{{2}} ?[0-9]{{2}} ?(?:№ ?)?[0-9]{{6}}){AFTER}")


def _places(text: str, locale: str) -> Iterator[tuple[int, int]]:
    small = text.lower()
    for word in _WORDS.pattern.finditer(small if len(small) == len(text) else text):
        for found in _NUMBER.finditer(text, word.end(), word.end() + _REACH):
            whole = _NUMBER.match(text, found.start())  # the window may have cut it short
            if whole and whole.span() == found.span() and is_document_number(found[0]):
                yield found.span()
                break


def _guard(text: str) -> bool:
    return _WORDS.may_be_in(text)


PASSPORT = Finder(kind="passport", guard=_guard, places=_places)
