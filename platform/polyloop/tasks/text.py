"""One way to normalise a text, so that the same words are the same input everywhere in the loop.

Input: any string. Output: the string in NFC without control and invisible characters, white space collapsed.
Limits: it changes no letter, case or punctuation mark, but that it cuts heaps of marks on one letter which are out of
order; cleaning of corpora that goes further belongs to polyloop.data.
"""

import unicodedata

ZERO_WIDTH_NON_JOINER = "\u200c"
ZERO_WIDTH_JOINER = "\u200d"
KEPT_INVISIBLES = frozenset({ZERO_WIDTH_NON_JOINER, ZERO_WIDTH_JOINER})
"""Persian, the scripts of India and emoji are spelled with these two; all other invisible characters go."""

DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs"})
"""Unicode general categories of control, format and surrogate characters."""

MAX_MARKS = 30
"""Most combining marks in a row that are put in order; no language needs more (Unicode UAX #15, Stream-Safe Format)."""

MARKS_OF_CLASS_0 = frozenset("\u0f73\u0f75\u0f81")
"""Tibetan vowels whose combining class is 0, though they fall apart into marks that are to be put in order."""


def normalise_text(text: str) -> str:
    """Return `text` in NFC, stripped, each run of white space one space, without control and invisible characters.

    Idempotent. The joiners U+200C and U+200D stay, since spelling depends on them.
    """
    collapsed = " ".join(text.split())
    if not collapsed.isprintable():
        for character in set(collapsed):
            if not _is_kept(character):
                collapsed = collapsed.replace(character, "")
    return " ".join(_composed(collapsed).split())


def _composed(text: str) -> str:
    """Return `text` in NFC, in time that grows with its length.

    Python puts n marks in a row that are out of order into their order by n * n steps: minutes for a text of 100,000
    characters, during which the whole process stands still. Texts that are in NFC already are told quickly.
    """
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", _with_few_marks(text))


def _with_few_marks(text: str) -> str:
    """Return `text` without those marks that follow `MAX_MARKS` others."""
    kept, num_marks = [], 0
    for character in text:
        is_mark = unicodedata.combining(character) != 0 or character in MARKS_OF_CLASS_0
        num_marks = num_marks + 1 if is_mark else 0
        if num_marks <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def _is_kept(character: str) -> bool:
    return character in KEPT_INVISIBLES or unicodedata.category(character) not in DROPPED_CATEGORIES
