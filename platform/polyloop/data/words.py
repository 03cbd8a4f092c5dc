"""Cuts a text into words for counting, by script, and brings lengths in different scripts to a common measure.

Input: a text, and its script as `polyloop.data.scripts.dominant_script` gives it. Output: words, counts, lengths.
In scripts that put no spaces between words, a character with its marks is the unit, and counts are turned into words by
a measured factor; no dictionary is needed, so that the same text is always counted alike. Pure and linear in length.
Limits: words are for counting. Punctuation stays on the words of spaced scripts, as it does in the papers whose rules
count them; a compound, or a word with its particles, is one word.
"""

import re
from collections.abc import Sequence

from polyloop.data.scripts import MIN_KANA_SHARE, dominant_script

CHARACTERS_PER_WORD = {"Hani": 1.75, "Kana": 3.1, "Thai": 4.3, "Laoo": 4.3, "Khmr": 3.4, "Mymr": 2.8}
"""Scripts without spaces -> characters (with their marks) that say what one English word says.

Measured. Chinese: 1.77 in the XQuAD paragraphs, 1.73 in News Commentary, 1.76 and 1.79 in translated program messages
(12,527 simplified, 9,666 traditional); talk is shorter, 1.35 in XDailyDialog. Japanese (kana and Chinese characters
together), Thai, Khmer, Burmese: 3.08, 4.33, 3.42, 2.81 in translated program messages; Lao is taken to be like Thai."""

LETTERS_PER_CHARACTER = {
    "Hani": 2.9,
    "Hang": 2.1,
    "Kana": 1.65,
    "Mymr": 1.7,
    "Deva": 1.7,
    "Telu": 1.6,
    "Beng": 1.5,
    "Taml": 1.5,
    "Mlym": 1.4,
    "Hebr": 1.4,
    "Khmr": 1.3,
    "Thai": 1.2,
    "Laoo": 1.2,
    "Arab": 1.2,
    "Cyrl": 0.85,
    "Grek": 0.8,
}
"""Script -> English letters and digits that say what one letter or digit of it says (marks not counted); others: 1.

Measured. Chinese: 2.92 in XQuAD, 2.85 in XDailyDialog, 2.81 in Tatoeba, 2.91 in News Commentary. Arabic 1.17 and
Cyrillic 0.90 in XQuAD; 1.23 and 0.83 in translated program messages, as are the others."""

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_KANA = "\u3041-\u3096\u30a1-\u30fa\u31f0-\u31ff\uff66-\uff9d"
_HANGUL = "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3"
_SOUTH_EAST = "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e80-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u1000-\u102a\u1780-\u17b3"
_UNSPACED = f"{_HAN}{_KANA}{_SOUTH_EAST}"
# Vowels and tones above, below or behind a consonant; a Khmer coeng takes the next consonant with it.
_MARKS = (
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059\u105e-\u1060"
    "\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u17b4-\u17d1\u17d3\u17dd"
)
_ASCII_MARKS = "!\"'(),.:;?\\[\\]"
_WIDE_MARKS = (
    "\u3001-\u3003\u3008-\u3011\u3014-\u301f\uff01\uff08\uff09\uff0c\uff0e\uff1a\uff1b\uff1f\uff61-\uff65\u30fb"
    "\u2018-\u201f\u2026\u2014\u00b7\u17d4-\u17da\u104a-\u104f"
)

_CHARACTER = f"[{_HAN}{_KANA}]|[{_SOUTH_EAST}](?:[{_MARKS}]|\u17d2[{_SOUTH_EAST}])*"
# A unit of a text without spaces: a character, or a run of anything else that does not begin with punctuation.
_UNIT = re.compile(f"{_CHARACTER}|[^\\s{_UNSPACED}{_WIDE_MARKS}{_ASCII_MARKS}][^\\s{_UNSPACED}{_WIDE_MARKS}]*")
_NO_CHARACTER = re.compile(f"[^{_UNSPACED}]+|\u17d2[{_SOUTH_EAST}]")
_NO_LETTER = re.compile(r"[\W_]+")
_NO_HAN, _NO_KANA, _NO_HANGUL = (re.compile(f"[^{letters}]+") for letters in (_HAN, _KANA, _HANGUL))


def words(text: str, script: str | None) -> list[str]:
    """Return the words of a text: what stands between spaces, or, in scripts without spaces, its units.

    A unit is one character with its marks, or a run of letters, digits or symbols of other scripts; punctuation between
    units belongs to none.
    """
    return _UNIT.findall(text) if script in CHARACTERS_PER_WORD else text.split()


def count_words(found: Sequence[str], script: str | None) -> float:
    """Return how many words the result of `words` is worth: a character of a script without spaces is part of one."""
    per_word = CHARACTERS_PER_WORD.get(script or "")
    if per_word is None:
        return len(found)
    characters = len(_NO_CHARACTER.sub("", "".join(found)))
    return characters / per_word + len(found) - characters


def count_letters(text: str) -> float:
    """Return the length of a text in English letters and digits: what it would have if it were in English, about."""
    characters = len(_NO_LETTER.sub("", text))
    if text.isascii():
        return characters
    han, kana, hangul = (len(others.sub("", text)) for others in (_NO_HAN, _NO_KANA, _NO_HANGUL))
    if not han + kana + hangul:
        return characters * LETTERS_PER_CHARACTER.get(dominant_script(text) or "", 1)
    japanese = kana >= MIN_KANA_SHARE * (han + kana)
    per_character = LETTERS_PER_CHARACTER["Kana" if japanese else "Hani"]
    others = characters - han - kana - hangul
    return others + hangul * LETTERS_PER_CHARACTER["Hang"] + (han + kana) * per_character
