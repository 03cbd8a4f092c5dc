"""Cuts texts into units for counting: words where a script writes spaces, characters where it does not.

Inputs: a text, and whether its locale writes spaces (`scripts.writes_spaces`). Outputs: lists of units. A run of
letters, digits and their marks is one word; a letter of a script without spaces is one unit, with the marks on it;
every other visible character (punctuation, symbols) is a unit of its own, so that a loop of "!!!" is seen as one.

Limits: no dictionary and no stemming, so equal texts are always cut alike; compounds and clitics stay whole.
"""

from functools import lru_cache
from itertools import islice
from unicodedata import category

from polyloop.evaluation.scripts import is_unspaced_letter

_SPACE, _WORD, _MARK, _ALONE, _SYMBOL = range(5)


def pieces(text: str, *, spaced: bool) -> list[str]:
    """Return all units of a text in order; with `spaced`, letters of unspaced scripts join words like any others."""
    found: list[str] = []
    is_open = False  # whether the last unit is a word that a next letter joins
    for character in text:
        kind = _kind(character)
        if kind == _SPACE:
            is_open = False
        elif kind == _MARK and found:
            found[-1] += character
        elif kind in (_WORD, _MARK) or (kind == _ALONE and spaced):
            if is_open:
                found[-1] += character
            else:
                found.append(character)
            is_open = True
        else:
            found.append(character)
            is_open = False
    return found


def words(text: str, *, spaced: bool) -> list[str]:
    """Return the lower-cased units of a text that hold a letter or digit: what ROUGE and token F1 compare."""
    return [unit for unit in pieces(text.lower(), spaced=spaced) if _kind(unit[0]) in (_WORD, _ALONE, _MARK)]


def ngrams(units: list[str], order: int) -> list[tuple[str, ...]]:
    """Return the n-grams of a list of units in order; none where it is shorter than `order`."""
    return list(zip(*(islice(units, start, None) for start in range(order)), strict=False))


@lru_cache(maxsize=65_536)
def _kind(character: str) -> int:
    kind = category(character)
    if kind[0] in "ZC":
        return _SPACE
    if kind[0] == "M":
        return _MARK
    if kind[0] in "LN":
        return _ALONE if is_unspaced_letter(character) else _WORD
    return _SYMBOL
