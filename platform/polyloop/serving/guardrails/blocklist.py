"""Finds words and phrases of a list in a text, whatever their case, width and compatibility form.

Input: terms, a text. Output: spans, in order, without overlaps. Terms are whole words where words stand between spaces;
in scripts without spaces (Han, kana, Thai, Lao, Khmer, Burmese) they are found anywhere. Time grows with the text and
the number of different lengths of terms, not with the number of terms. Limits: spellings that hide a word
(f.u.n, fvn) are not found.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property, lru_cache

from polyloop.evaluation.scripts import is_unspaced_letter

Spans = list[tuple[int, int]]

_UNEVEN_SPACE = re.compile(r"\s\s|[^\S ]")


class Blocklist:
    """Terms, ready to be looked for."""

    def __init__(self, terms: Iterable[str]) -> None:
        self._terms = frozenset(filter(None, (" ".join(fold(term)[0].split()) for term in terms)))

    @cached_property
    def _lengths(self) -> tuple[int, ...]:
        """Different lengths, the longest first, so that the longest term at a place is found."""
        return tuple(sorted({len(term) for term in self._terms}, reverse=True))

    def find(self, text: str) -> Spans:
        """Return where terms stand in a text."""
        folded, places = fold(text)
        found: Spans = []
        position = 0
        while position < len(folded):
            end = self._end_of_term(folded, position)
            if end is None:
                position += 1
                continue
            found.append((places[position], places[end - 1] + 1))
            position = end
        return found

    def _end_of_term(self, folded: str, start: int) -> int | None:
        if not _may_begin(folded, start):
            return None
        for length in self._lengths:
            end = start + length
            if end <= len(folded) and folded[start:end] in self._terms and _may_end(folded, end):
                return end
        return None


def fold(text: str) -> tuple[str, list[int]]:
    """Return a text without case, width and compatibility forms, and for each character where it was in `text`.

    A run of white space becomes one space, and invisible characters go.
    """
    if text.isascii() and not _UNEVEN_SPACE.search(text):
        return text.lower(), list(range(len(text)))
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        plain = _plain(character)
        if plain == " " and characters and characters[-1] == " ":
            continue
        characters += plain
        places += [place] * len(plain)
    return "".join(characters), places


@lru_cache(maxsize=4_096)
def _plain(character: str) -> str:
    """Return one character without case, width and compatibility form; marks come apart from their letters."""
    if character.isspace():
        return " "
    if unicodedata.category(character) == "Cf":
        return ""
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())


def _may_begin(folded: str, start: int) -> bool:
    """Return whether a term may begin here: not within a word of a script with spaces."""
    return start == 0 or not (_is_spaced_word(folded[start]) and _is_spaced_word(folded[start - 1]))


def _may_end(folded: str, end: int) -> bool:
    """Return whether a term may end here: neither within such a word nor in front of a mark."""
    if end == len(folded):
        return True
    is_mark = unicodedata.category(folded[end])[0] == "M"
    return not is_mark and not (_is_spaced_word(folded[end]) and _is_spaced_word(folded[end - 1]))


def _is_spaced_word(character: str) -> bool:
    """Return whether a character is part of a word between spaces; marks belong to their letters."""
    is_word = character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"
    return is_word and not is_unspaced_letter(character)
