"""Texts as arrays of code points, case folded and told apart by how their scripts are written.

Input: texts. Output: one array for all of them, so that whatever follows has no loop over characters. Pure.

A character is folded to one character: case, full-width and compatibility forms go where the result is a single
character. Letters, digits, combining marks and symbols such as emoji count; punctuation, white space and control
characters only separate. The classes follow Unicode general categories of the running Python.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polyloop.data.near.batches import lengths

SEPARATOR, LETTER, UNSPACED_LETTER, SYLLABLE, SIGN, END = range(6)
"""How a character is written: it separates; a letter of a script with spaces; one of a script without, such as Thai; a
Hangul syllable; a sign that stands for a syllable or a word and has no spaces, such as Han and kana; and the mark at
the end of each text. From SYLLABLE on, one character says as much as two or three letters."""

CODE_BITS = 24
"""A folded character holds its code point in the bits below this one, and its kind from it on."""

DENSE = np.uint32(SYLLABLE << CODE_BITS)
"""Folded characters from here on are dense, or the end of a text."""

END_MARK = np.uint32(END << CODE_BITS)

_COUNTED_CATEGORIES = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "So"})
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)
_LAST_ASSIGNED = 0x323AF  # behind it are only tags, selectors and private characters, none of them text
_UNSPACED_LETTERS = (
    (0x0E00, 0x0FFF),  # Thai, Lao, Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19DF),  # Tai Le, New Tai Lue
    (0x1A20, 0x1AAF),  # Tai Tham
    (0xA9E0, 0xA9FF),  # Myanmar Extended-B
    (0xAA60, 0xAA7F),  # Myanmar Extended-A
)
_SYLLABLES = ((0xAC00, 0xD7A3),)
_SIGNS = (
    (0x2E80, 0x312F),  # radicals, Han numerals and iteration marks, kana, Bopomofo
    (0x31A0, 0x4DBF),  # Bopomofo Extended, strokes, kana extensions, enclosed signs, Han Extension A
    (0x4E00, 0x9FFF),  # Han
    (0xA000, 0xA4CF),  # Yi
    (0xF900, 0xFAFF),  # compatibility Han
    (0x1AFF0, 0x1B16F),  # kana extensions
    (0x20000, 0x323AF),  # Han Extensions B to H
)


class Characters(NamedTuple):
    """The folded characters of some texts, one after another, each text closed by END_MARK."""

    codes: NDArray[np.uint32]
    """[characters + texts]; a separator is 0."""
    ends: NDArray[np.int64]
    """[texts]; where the mark of each text is."""


def fold(texts: Sequence[str]) -> Characters:
    """Return texts as folded characters; position i of `codes` is character i of the texts joined by one character."""
    joined = "\n".join(texts) + "\n"
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    ends = np.cumsum(lengths(texts) + 1) - 1
    codes = folding_table()[points]
    codes[ends] = END_MARK
    return Characters(codes, ends)


@lru_cache(maxsize=1)
def folding_table() -> NDArray[np.uint32]:
    """Return for each code point its folded character, 0 for those that only separate; shape [0x110000]."""
    table = np.zeros(0x110000, dtype=np.uint32)
    points = [point for point in range(_LAST_ASSIGNED + 1) if unicodedata.category(chr(point)) in _COUNTED_CATEGORIES]
    folded = np.fromiter(map(_folded_point, points), dtype=np.uint32, count=len(points))
    table[points] = folded | (_kinds()[folded] << np.uint32(CODE_BITS))
    table[_VARIATION_SELECTORS] = SEPARATOR
    return table


def _folded_point(point: int) -> int:
    character = chr(point)
    for form in (unicodedata.normalize("NFKC", character).casefold(), character.lower()):
        if len(form) == 1:
            return ord(form)
    return point


def _kinds() -> NDArray[np.uint32]:
    """Return the kind of each code point that counts."""
    kinds = np.full(0x110000, LETTER, dtype=np.uint32)
    symbols = [point for point in range(_LAST_ASSIGNED + 1) if unicodedata.category(chr(point)) == "So"]
    kinds[symbols] = SIGN
    for kind, ranges in ((UNSPACED_LETTER, _UNSPACED_LETTERS), (SYLLABLE, _SYLLABLES), (SIGN, _SIGNS)):
        for first, last in ranges:
            kinds[first : last + 1] = kind
    return kinds
