"""Which keys lie beside which, for the Latin keyboard layouts in common use. Pure.

Input: a locale. Output: for each small letter, its neighbours. Layouts are written as rows of keys (ISO/IEC 9995);
each row stands a little further right than the one above. Limits: letters only; a locale has one layout here.
"""

from functools import cache
from itertools import product

_LAYOUTS = {
    "qwerty": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "qwertz": ("qwertzuiopü", "asdfghjklöä", "yxcvbnm"),
    "azerty": ("azertyuiop", "qsdfghjklm", "wxcvbn"),
}
_ROW_OFFSETS = (0.0, 0.25, 0.75)
"""Parts of a key's width."""
_LAYOUT_OF = {**dict.fromkeys(("de", "cs", "sk", "sl", "hr", "bs", "hu", "lb"), "qwertz"), "fr": "azerty"}
_LAYOUT_OF_LOCALE = {"fr-CA": "qwerty"}


def layout_of(locale: str) -> str:
    """Return the name of a locale's usual layout: qwerty, qwertz or azerty."""
    return _LAYOUT_OF_LOCALE.get(locale) or _LAYOUT_OF.get(locale.partition("-")[0], "qwerty")


@cache
def neighbours(layout: str) -> dict[str, str]:
    """Return for each small letter the letters on the keys that touch its own."""
    keys = [
        (letter, column + offset, row)
        for row, (letters, offset) in enumerate(zip(_LAYOUTS[layout], _ROW_OFFSETS, strict=True))
        for column, letter in enumerate(letters)
    ]
    beside: dict[str, str] = {letter: "" for letter, _, _ in keys}
    for (letter, x, y), (other, other_x, other_y) in product(keys, keys):
        reach = 1.0 if y == other_y else 0.99
        if letter != other and abs(y - other_y) <= 1 and abs(x - other_x) <= reach:
            beside[letter] += other
    return beside
