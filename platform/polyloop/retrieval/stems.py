"""Takes endings (and Arabic prefixes) off words by rules of their script, so that forms of a word meet.

Input: a normalised word. Output: its stem, which need not be a word. Pure. One list a script for all its languages: the
script is known from the letters, the language of a question often is not. What the lists do not reach, such as German
compounds, is found through parts of words (polyloop.retrieval.analysis).

Sources: endings are taken off once, longest first, and three letters stay, in the manner of the S-stemmer of Harman
(1991), "How effective is suffixing?", and the light stemmers of Savoy (2006), "Light stemming approaches for the
French, Portuguese, German and Hungarian languages"; the Arabic prefixes and endings are those of light10
(Larkey et al. 2002).
The lists were written for this purpose and tried on the dev sets of docs/decisions/0014. Limits: taking a second
ending off would let "river" and "rivers" meet too; it measured no better, since parts find them.
"""

from collections.abc import Iterable

MIN_STEM_LETTERS = 3


def _longest_first(endings: str) -> tuple[str, ...]:
    return tuple(sorted(endings.split(), key=lambda ending: (-len(ending), ending)))


LATIN_ENDINGS = _longest_first("s es ed ing er en em e")
CYRILLIC_ENDINGS = _longest_first(
    "ами ями ого его ому ему ыми ими ой ей ий ый ая яя ое ее ые ие ую юю ых их ам ям ах ях ом ем ов ев "
    "а я о е ы и у ю ь й"
)
ARABIC_PREFIXES = _longest_first("وال بال كال فال لل ال و")
ARABIC_ENDINGS = _longest_first("ها ان ات ون ين يه ه ي")


def stem(word: str) -> str:
    """Return the stem of a normalised word; words of scripts without rules, and numbers, stay as they are."""
    first = word[0]
    if first.isdigit():
        return word
    if first < "\u0250":
        return _without_ending(word, LATIN_ENDINGS)
    if "\u0400" <= first <= "\u052f":
        return _without_ending(word, CYRILLIC_ENDINGS)
    if "\u0600" <= first <= "\u06ff":
        return _without_ending(_without_prefix(word, ARABIC_PREFIXES), ARABIC_ENDINGS)
    return word


def _without_ending(word: str, endings: Iterable[str]) -> str:
    for ending in endings:
        if word.endswith(ending) and len(word) - len(ending) >= MIN_STEM_LETTERS:
            return word[: -len(ending)]
    return word


def _without_prefix(word: str, prefixes: Iterable[str]) -> str:
    for prefix in prefixes:
        if word.startswith(prefix) and len(word) - len(prefix) >= MIN_STEM_LETTERS:
            return word[len(prefix) :]
    return word
