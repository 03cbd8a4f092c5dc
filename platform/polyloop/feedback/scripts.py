"""In which script a text is written, and which script a locale is written in. Pure.

Scripts are told by the Unicode names of letters, which begin with the script ("CYRILLIC SMALL LETTER A"). Codes are
those of ISO 15924. Limits: simplified and traditional Chinese share one script here.
"""

import unicodedata
from collections.abc import Mapping
from functools import cache

SCRIPT_OF_NAME: Mapping[str, str] = {
    "LATIN": "Latn",
    "CJK": "Hani",
    "HIRAGANA": "Hira",
    "KATAKANA": "Kana",
    "HANGUL": "Hang",
    "CYRILLIC": "Cyrl",
    "GREEK": "Grek",
    "ARABIC": "Arab",
    "HEBREW": "Hebr",
    "THAI": "Thai",
    "LAO": "Laoo",
    "KHMER": "Khmr",
    "MYANMAR": "Mymr",
    "DEVANAGARI": "Deva",
    "BENGALI": "Beng",
    "TAMIL": "Taml",
    "TELUGU": "Telu",
    "GUJARATI": "Gujr",
    "KANNADA": "Knda",
    "MALAYALAM": "Mlym",
    "GEORGIAN": "Geor",
    "ARMENIAN": "Armn",
    "ETHIOPIC": "Ethi",
}
"""First word of a letter's Unicode name -> script; letters of other scripts count as no script."""

SCRIPTS_OF_SUBTAG: Mapping[str, frozenset[str]] = {
    "Hans": frozenset({"Hani"}),
    "Hant": frozenset({"Hani"}),
    "Jpan": frozenset({"Hani", "Hira", "Kana"}),
    "Kore": frozenset({"Hang", "Hani"}),
}
"""Script subtags that stand for other scripts, or for several at once."""

SCRIPT_OF_LANGUAGE: Mapping[str, str] = {
    **dict.fromkeys(("zh", "yue"), "Hans"),
    "ja": "Jpan",
    "ko": "Kore",
    **dict.fromkeys(("ru", "uk", "be", "bg", "mk", "sr", "kk", "ky", "mn", "tg"), "Cyrl"),
    **dict.fromkeys(("ar", "fa", "ur", "ps", "ug", "sd"), "Arab"),
    **dict.fromkeys(("he", "yi"), "Hebr"),
    **dict.fromkeys(("hi", "mr", "ne", "sa"), "Deva"),
    **dict.fromkeys(("bn", "as"), "Beng"),
    **{"el": "Grek", "th": "Thai", "lo": "Laoo", "km": "Khmr", "my": "Mymr", "ka": "Geor", "hy": "Armn"},
    **{"ta": "Taml", "te": "Telu", "gu": "Gujr", "kn": "Knda", "ml": "Mlym", "am": "Ethi", "ti": "Ethi"},
    **dict.fromkeys(("en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "nn", "no", "fi", "is"), "Latn"),
    **dict.fromkeys(("pl", "cs", "sk", "sl", "hr", "hu", "ro", "et", "lv", "lt", "sq", "tr", "az", "uz"), "Latn"),
    **dict.fromkeys(("vi", "id", "ms", "tl", "fil", "sw", "so", "ha", "yo", "ig", "zu", "xh", "af", "ca"), "Latn"),
    **dict.fromkeys(("eu", "gl", "ga", "cy", "mt", "eo", "la", "lb"), "Latn"),
}
"""Language -> its usual script (CLDR likely subtags)."""


def scripts_of(text: str) -> frozenset[str]:
    """Return the scripts of the letters of `text`."""
    return frozenset(script for character in text if (script := _script_of_letter(character)) is not None)


def expected_scripts(locale: str) -> frozenset[str]:
    """Return the scripts that texts of `locale` are written in; empty where that is not known."""
    language, *subtags = locale.split("-")
    script = next((subtag for subtag in subtags if len(subtag) == 4), SCRIPT_OF_LANGUAGE.get(language))
    if script is None:
        return frozenset()
    return SCRIPTS_OF_SUBTAG.get(script, frozenset({script}))


def lacks_script(correction: str, output: str | None, locale: str) -> bool:
    """Return whether `correction` is written in a script that a text of `locale` cannot be written in.

    A text without letters fits every locale. Latin letters alone (units, names, currency codes) fit also where
    another script is usual, unless the served answer was written in that one.
    """
    expected, found = expected_scripts(locale), scripts_of(correction)
    if not expected or not found or found & expected:
        return False
    return found != {"Latn"} or bool(scripts_of(output or "") & expected)


@cache
def _script_of_letter(character: str) -> str | None:
    if not character.isalpha():
        return None
    name = unicodedata.name(character, "").removeprefix("FULLWIDTH ").removeprefix("HALFWIDTH ")
    return SCRIPT_OF_NAME.get(name.split(" ", 1)[0].split("-", 1)[0])
