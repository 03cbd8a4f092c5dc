"""One way to normalise a text, so that the same words are the same input everywhere in the loop.

Input: any string. Output: the string in NFC without control and invisible characters, white space collapsed.
Limits: it changes no letter, case or punctuation mark; cleaning of corpora that goes further belongs to polyloop.data.
"""

import unicodedata

ZERO_WIDTH_NON_JOINER = "\u200c"
ZERO_WIDTH_JOINER = "\u200d"
KEPT_INVISIBLES = frozenset({ZERO_WIDTH_NON_JOINER, ZERO_WIDTH_JOINER})
"""Persian, the scripts of India and emoji are spelled with these two; all other invisible characters go."""

DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs"})
"""Unicode general categories of control, format and surrogate characters."""


def normalise_text(text: str) -> str:
    """Return `text` in NFC, stripped, each run of white space one space, without control and invisible characters.

    Idempotent. The joiners U+200C and U+200D stay, since spelling depends on them.
    """
    collapsed = " ".join(text.split())
    if not collapsed.isprintable():
        for character in set(collapsed):
            if not _is_kept(character):
                collapsed = collapsed.replace(character, "")
    return " ".join(unicodedata.normalize("NFC", collapsed).split())


def _is_kept(character: str) -> bool:
    return character in KEPT_INVISIBLES or unicodedata.category(character) not in DROPPED_CATEGORIES
