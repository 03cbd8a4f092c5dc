"""What every kind of personal data has in common: spans, finders, one form for digits, and the edges of a number.

Input: a text. Output: the same text, character for character, with all digits, dashes and spaces in their ASCII form,
so that a finder's spans hold in the original. Pure.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from polyloop.spec.cleaning import PiiKind

DIGIT_ZEROS = (
    *(0x0660, 0x06F0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0E50, 0x0ED0),
    *(0x0F20, 0x1040, 0x17E0, 0x1810, 0xFF10),
)
"""The zeros of the scripts whose digits are read: Arabic, Persian, those of India, Thai, Lao ... and full-width."""

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63"
_SPACES = "\t\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_FULL_WIDTH = range(0xFF01, 0xFF5F)
_FULL_WIDTH_OFFSET = 0xFEE0
_FULL_WIDTH_KEPT = frozenset(map(ord, "，：；！？"))
"""These end a phrase in Chinese, where their ASCII forms would hold the digits on both sides together."""

_FOLD: dict[int, int] = {
    **{code: code - _FULL_WIDTH_OFFSET for code in _FULL_WIDTH if code not in _FULL_WIDTH_KEPT},
    **{zero + digit: ord("0") + digit for zero in DIGIT_ZEROS for digit in range(10)},
    **dict.fromkeys(map(ord, _DASHES), ord("-")),
    **dict.fromkeys(map(ord, _SPACES), ord(" ")),
}
_FOLDABLE = re.compile(f"[{''.join(map(chr, sorted(_FOLD)))}]")
_FOREIGN_DIGITS = "".join(f"{chr(zero)}-{chr(zero + 9)}" for zero in DIGIT_ZEROS)
_ASCII_TRACE = re.compile("[0-9@=]")
_TRACE = re.compile(f"[0-9@=＠＝{_FOREIGN_DIGITS}]")

_DENSE = re.compile(r"[0-9](?:(?:[A-Za-z]|[ ./()\-]{1,3})?[0-9]){5,}")
"""Six digits or more with no more than one letter or three separators between any two; all numbers of people, cards and
phones have them, years, times and most prices do not."""

_REACH = 8
"""How many characters beside such digits may belong to the number: an Italian tax code begins with six letters."""

BEFORE = r"(?<![0-9A-Za-z_])(?<![0-9][.,:/\-])"
"""No number begins in the middle of a longer one, or of a word in Latin letters. Letters of other scripts may touch."""

AFTER = r"(?![0-9A-Za-z_])(?![.,:/\-][0-9])"
"""The same at its end."""


class Span(NamedTuple):
    """Where something personal is in a text, `start` included and `end` not, and what: a kind, or an entity's type."""

    start: int
    end: int
    kind: str


Find = Callable[[str, str], Iterator[tuple[int, int]]]
"""Given a folded text and its locale, yields the places where something is, in any order."""


@dataclass(frozen=True, kw_only=True)
class Finder:
    """Finds one kind of personal data."""

    kind: PiiKind
    guard: Callable[[str], bool]
    """Says quickly that a text holds nothing of the kind."""
    places: Find
    languages: frozenset[str] | None = None
    """Languages whose texts are looked through; None for all."""

    @property
    def placeholder(self) -> str:
        """What is written in place of it, such as <EMAIL>."""
        return placeholder(self.kind)

    def suits(self, locale: str) -> bool:
        """Return whether texts of a locale are looked through."""
        return self.languages is None or language_of(locale) in self.languages

    def find(self, text: str, locale: str) -> Iterator[Span]:
        """Yield what is in a folded text, in any order."""
        if self.guard(text):
            for start, end in self.places(text, locale):
                yield Span(start, end, self.kind)


def placeholder(kind: str) -> str:
    """Return what is written in place of something personal, such as <EMAIL>."""
    return f"<{kind.upper()}>"


def language_of(locale: str) -> str:
    """Return the language of a locale: `de` for de-AT."""
    return locale.partition("-")[0]


def has_trace(text: str) -> bool:
    """Return whether a text has a digit of any script, an @ or an =; without one there is nothing to find."""
    return (_ASCII_TRACE if text.isascii() else _TRACE).search(text) is not None or has_spelled_at(text)


def has_spelled_at(text: str) -> bool:
    """Return whether a text has an @ that is spelled out, as in `name (at) example.org`."""
    return "(at)" in text or "[at]" in text or "( at )" in text or "[ at ]" in text


def fold(text: str) -> str:
    """Return a text with ASCII digits, dashes and spaces, and full-width signs as ordinary ones; its length stays."""
    return text if text.isascii() or _FOLDABLE.search(text) is None else text.translate(_FOLD)


@lru_cache(maxsize=4)
def dense_regions(text: str) -> tuple[tuple[int, int], ...]:
    """Return where a folded text has six digits or more close together, and what is beside them, in order, apart.

    Kept for a moment, since several finders ask.
    """
    regions: list[tuple[int, int]] = []
    for found in _DENSE.finditer(text):
        start, end = max(0, found.start() - _REACH), found.end() + _REACH
        if regions and start <= regions[-1][1]:
            start = regions.pop()[0]
        regions.append((start, end))
    return tuple(regions)


def has_dense_digits(text: str) -> bool:
    """Return whether a folded text has six digits close together."""
    return bool(dense_regions(text))
