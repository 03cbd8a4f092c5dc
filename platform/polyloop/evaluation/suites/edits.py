"""Small edits of texts, as users make them without meaning to. Pure.

Each takes a text, its locale and a source of chance, and returns the edited text; one that finds nothing to edit
returns the text as it is. Edits of single letters change one in LETTERS_PER_EDIT of the places that they fit, and at
least one. Limits: letters are code points, so marks of Indian and Arabic scripts are left where they are.
"""

import random
import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from polyloop.evaluation.suites.keyboards import layout_of, neighbours
from polyloop.evaluation.suites.scripts import UNSPACED, script_of

if TYPE_CHECKING:
    from opencc import OpenCC

LETTERS_PER_EDIT = 20
"""About the rate of uncorrected errors of hasty typing on telephones: 2.3 % of the characters in Palin et al. 2019,
"How do People Type on Mobile Devices?" (https://doi.org/10.1145/3338286.3340120), doubled: few texts go free."""

_UMLAUTS = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ẞ": "SS"}
# Letters with a stroke through them, which Unicode does not take apart.
_STROKES = str.maketrans("đĐøØłŁħĦ", "dDoOlLhH")
_TO_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_TO_HALF_WIDTH = {wide: code for code, wide in _TO_FULL_WIDTH.items()} | {0x3000: 0x20, 0x3002: 0x2E}
_TURKIC = frozenset({"tr", "az"})
_OTHER_SCRIPT = {"Hans": "s2t", "Hant": "t2s"}
_OTHER_SCRIPT_OF_REGION = {"TW": "tw2s", "HK": "hk2s", "MO": "hk2s"}

Chance = random.Random
Edit = Callable[[str, str, Chance], str]
"""Text, locale and chance in, edited text out."""


def typo(text: str, locale: str, chance: Chance) -> str:
    """Press the key beside the right one, on the keyboard of the locale."""
    beside = neighbours(layout_of(locale))
    letters = list(text)
    for place in _chosen([place for place, letter in enumerate(letters) if letter.lower() in beside], chance):
        pressed = chance.choice(beside[letters[place].lower()])
        letters[place] = pressed.upper() if letters[place].isupper() else pressed
    return "".join(letters)


def transposition(text: str, locale: str, chance: Chance) -> str:
    """Swap two letters inside a word; its first letter stays."""
    letters = list(text)
    fitting = [place for place in _inner(text) if _is_inner_pair(text, place)]
    last = -2
    for place in sorted(_chosen(fitting, chance)):
        if place > last + 1:
            letters[place], letters[place + 1] = letters[place + 1], letters[place]
            last = place
    return "".join(letters)


def dropped_letter(text: str, locale: str, chance: Chance) -> str:
    """Leave out a letter inside a word; its first letter stays."""
    return _without(text, _chosen(_inner(text), chance))


def dropped_character(text: str, locale: str, chance: Chance) -> str:
    """Leave out a character of a text without spaces."""
    fitting = [place for place, character in enumerate(text) if character.isalpha()]
    return _without(text, _chosen(fitting, chance)) if len(fitting) > 1 else text


def doubled_character(text: str, locale: str, chance: Chance) -> str:
    """Write a character of a text without spaces twice."""
    places = set(_chosen([place for place, character in enumerate(text) if character.isalpha()], chance))
    return "".join(character * (1 + (place in places)) for place, character in enumerate(text))


def upper_case(text: str, locale: str, chance: Chance) -> str:
    """Write everything in capitals."""
    return (text.replace("i", "İ") if locale.partition("-")[0] in _TURKIC else text).upper()


def lower_case(text: str, locale: str, chance: Chance) -> str:
    """Write everything in small letters."""
    if locale.partition("-")[0] in _TURKIC:
        text = text.replace("İ", "i").replace("I", "ı")
    return text.lower()


def dropped_accents(text: str, locale: str, chance: Chance) -> str:
    """Write letters without their accents and dots: é as e, ä as a, ł as l."""
    apart = unicodedata.normalize("NFD", text)
    bare = "".join(sign for sign in apart if unicodedata.category(sign) != "Mn").translate(_STROKES)
    return unicodedata.normalize("NFC", bare) if apart != bare else text


def spelled_umlauts(text: str, locale: str, chance: Chance) -> str:
    """Write German umlauts with two letters: ä as ae, ß as ss; in capitals beside capitals."""

    def spelled(match: re.Match[str]) -> str:
        beside = text[match.end() : match.end() + 1] or text[max(match.start() - 1, 0) : match.start()]
        pair = _UMLAUTS[match[0]]
        return pair.upper() if match[0].isupper() and beside.isupper() else pair

    return re.sub("[äöüßÄÖÜẞ]", spelled, text)


def full_width(text: str, locale: str, chance: Chance) -> str:
    """Write Latin letters, digits and signs in their full-width forms."""
    return text.translate(_TO_FULL_WIDTH)


def half_width(text: str, locale: str, chance: Chance) -> str:
    """Write full-width letters, digits and signs, and the ideographic full stop, as ASCII."""
    return text.translate(_TO_HALF_WIDTH)


def other_han_script(text: str, locale: str, chance: Chance) -> str:
    """Write Chinese in traditional characters where the locale has simplified ones, and the other way round."""
    script = script_of(locale)
    config = _OTHER_SCRIPT[script]
    if script == "Hant":
        config = _OTHER_SCRIPT_OF_REGION.get(locale.rpartition("-")[2], config)
    return str(_converter(config).convert(text))


def dropped_punctuation(text: str, locale: str, chance: Chance) -> str:
    """Leave out punctuation, but not that inside a word or number, as in it's, 3.5 and well-known."""
    kept = [
        character
        for place, character in enumerate(text)
        if not unicodedata.category(character).startswith("P") or _is_inside_word(text, place)
    ]
    return "".join(kept).strip()


def spaces(text: str, locale: str, chance: Chance) -> str:
    """Put a space at the end and more between words; between characters where words have no spaces."""
    if script_of(locale) in UNSPACED:
        fitting = [place for place in range(1, len(text)) if text[place - 1].isalpha() and text[place].isalpha()]
    else:
        fitting = [place for place, character in enumerate(text) if character == " "]
    places = set(_chosen(fitting, chance))
    return "".join((" " if place in places else "") + character for place, character in enumerate(text)) + " "


def _chosen(fitting: Sequence[int], chance: Chance) -> list[int]:
    """Return one in LETTERS_PER_EDIT of the places, at least one where there is any."""
    return chance.sample(fitting, min(len(fitting), max(1, round(len(fitting) / LETTERS_PER_EDIT))))


def _inner(text: str) -> list[int]:
    """Return the places of letters that follow a letter."""
    return [place for place in range(1, len(text)) if text[place - 1].isalpha() and text[place].isalpha()]


def _is_inner_pair(text: str, place: int) -> bool:
    after = text[place + 1 : place + 2]
    return after.isalpha() and after.lower() != text[place].lower()


def _without(text: str, places: Sequence[int]) -> str:
    left_out = set(places)
    return "".join(character for place, character in enumerate(text) if place not in left_out)


def _is_inside_word(text: str, place: int) -> bool:
    """Return whether a sign stands between two letters or digits of a script with spaces."""
    before, after = text[max(place - 1, 0) : place], text[place + 1 : place + 2]
    is_word_sign = text[place].isascii() or text[place] in "’·"
    return is_word_sign and before.isalnum() and after.isalnum()


@cache
def _converter(config: str) -> "OpenCC":
    from opencc import OpenCC  # a native library, which projects without Chinese need not load

    return OpenCC(config)
