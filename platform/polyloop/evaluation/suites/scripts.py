"""The script that a locale is written in, and what that means for its texts.

Input: a BCP-47 tag. Output: an ISO 15924 code, such as Latn or Hans, from the tag or else from CLDR's likely subtags as
Babel has them (https://unicode.org/reports/tr35/#Likely_Subtags); Zyyy where there is none. Pure.
"""

from babel.core import get_global

from polyloop.spec.fields import UNDETERMINED

UNKNOWN = "Zyyy"
CHINESE = frozenset({"Hans", "Hant"})
WIDE = frozenset({"Hans", "Hant", "Hani", "Jpan"})
"""Scripts whose typefaces have full-width forms of Latin letters and digits."""
UNSPACED = frozenset({*WIDE, "Hira", "Kana", "Thai", "Laoo", "Khmr", "Mymr", "Tibt"})
"""Scripts that put no spaces between words."""
CASED = frozenset({"Latn", "Cyrl", "Grek", "Armn"})
"""Scripts with capital and small letters."""


def script_of(locale: str) -> str:
    """Return the code of the script that texts of a locale are usually written in."""
    language, *parts = locale.split("-")
    if (script := next((part for part in parts if len(part) == 4), None)) is not None:
        return script
    if language == UNDETERMINED:
        return UNKNOWN
    likely = get_global("likely_subtags")
    full = str(likely.get("_".join((language, *parts))) or likely.get(language) or "")
    return next((part for part in full.split("_") if len(part) == 4), UNKNOWN)
